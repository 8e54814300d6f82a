"""A service on a temporary folder, with a pool that copies its input and an outside that is made up."""

import asyncio
import base64
import json
import shutil
import struct
import zlib
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from runflow_widgets.catalogue import Catalogue
from runflow_widgets.engine import open_service
from runflow_widgets.engine.outside import Fetched, OutsideError, PostAnswer
from runflow_widgets.engine.workers import Produced, WorkDone

PHOTO_URL = "https://pictures.test/photo.png"
TAGS = "/v1/models/runflow/tag-removal/runs"


def png(red=200):
    """The smallest picture there is."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes([0, red, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class CopyingPool:
    """Copies the first picture of an order; can be told to wait, to fail, or to claim another file."""

    size = 2

    def __init__(self):
        self.orders = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.begun = asyncio.Event()
        self.failure = None
        self.file_name = "result.png"
        self.worker = None
        self.stopped = []

    async def run(self, order, on_progress):
        self.orders.append(order)
        on_progress(0.5, "Half of it is copied.")
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.stopped.append(order)
            raise
        if self.failure:
            raise self.failure
        shutil.copy(next(iter(order.files.values())), Path(order.folder) / "result.png")
        made = Produced(self.file_name, "image/png", 1, 1)
        return WorkDone((made,), order.seed, {"inference_ms": 1.5}, (("warning", "It was only copied."),), self.worker)

    async def close(self):
        pass


class MadeUpOutside:
    """Holds one picture, and takes callbacks with the statuses it was told to answer."""

    def __init__(self):
        self.pages = {PHOTO_URL: png()}
        self.posts = []
        self.answers = []

    async def fetch(self, url, *, limit_bytes):
        if url not in self.pages:
            raise OutsideError(f"{url} answered 404.")
        return Fetched(self.pages[url], "image/png")

    async def post(self, url, body, headers):
        self.posts.append((url, body, dict(headers)))
        status = self.answers.pop(0) if self.answers else 200
        return PostAnswer(status, "seen", None if status else "connection refused", 2.0)

    @property
    def payloads(self):
        return [json.loads(body) for _, body, _ in self.posts]


class World:
    """All of it together, and the shortest ways to use it."""

    def __init__(self, folder, **options):
        self.pool = CopyingPool()
        self.outside = MadeUpOutside()
        settings = {
            "pool": self.pool,
            "outside": self.outside,
            "catalogue": Catalogue.bundled(),
            "retry_waits_s": (0, 0),
        }
        self.service = open_service(folder, **{**settings, **options})
        transport = httpx.ASGITransport(app=self.service.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://engine.test")

    async def create(self, path=TAGS, *, headers=None, **body):
        """Create a run for the photo, unless the body says otherwise."""
        body.setdefault("input", {"image_url": PHOTO_URL})
        return await self.client.post(path, json=body, headers=headers)

    async def run(self, path=TAGS, **body):
        """Create a run, wait until all is over and look at it again."""
        created = await self.create(path, **body)
        assert created.status_code == 201, created.text
        await self.service.idle()
        return await self.get(f"/v1/runs/{created.json()['id']}")

    async def get(self, path, **query):
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def upload(self, data=None, name="photo.png", mime_type="image/png"):
        """All three steps."""
        data = png() if data is None else data
        body = {"filename": name, "mime_type": mime_type, "size_bytes": len(data)}
        session = (await self.client.post("/v1/asset-uploads", json=body)).json()
        put = await self.client.put(session["upload_url"], content=data, headers={"Content-Type": mime_type})
        assert put.status_code == 200, put.text
        return await self.client.post(f"/v1/asset-uploads/{session['asset_id']}/confirmations", json={})


@pytest.fixture
def open_world(tmp_path):
    """Open a service: `async with open_world(credit=...) as world`."""

    @asynccontextmanager
    async def opened(folder=None, **options):
        world = World(folder or tmp_path / "service", **options)
        async with world.client:
            yield world
        await world.service.close()

    return opened


@pytest.fixture
def photo():
    return png()


@pytest.fixture
def photo_url():
    return PHOTO_URL


@pytest.fixture
def photo_data_uri():
    return "data:image/png;base64," + base64.b64encode(png(90)).decode()
