"""The files behind runs and assets: where they lie, how they come in as data URIs, how they are found again."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import mimetypes
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from ..wire import MAX_UPLOAD_BYTES, Json
from .ids import is_id, new_id
from .links import FILES, Links
from .store import Store, now

#: What may be uploaded, and how a file of it is called. SVG and HTML are not among them: a browser would run them.
TYPES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
}
#: Of a text up to this length, reading and writing takes less than handing it to a thread.
_SMALL: Final = 256 * 1024


class MediaError(ValueError):
    """A data URI that cannot be taken; the message is one sentence."""


class Media:
    """The files of one service's folder, and the assets among them.

    Args:
        store: Knows the assets.
        links: Signs the links to files.
    """

    def __init__(self, store: Store, links: Links) -> None:
        self._store = store
        self._links = links
        self._assets = store.folder / "assets"
        self._outputs = store.folder / "outputs"
        self._work = store.folder / "work"
        for folder in (self._assets, self._outputs, self._work):
            folder.mkdir(exist_ok=True, mode=0o700)

    def output_folder(self, run_id: str) -> Path:
        """Where a run's results lie."""
        return self._outputs / _checked(run_id)

    def work_folder(self, run_id: str) -> Path:
        """Where a run's fetched inputs lie while it runs."""
        return self._work / _checked(run_id)

    def clear(self, run_id: str, *, results: bool) -> None:
        """Forget what was fetched for a run, and its results too if nothing came of it."""
        shutil.rmtree(self.work_folder(run_id), ignore_errors=True)
        if results:
            shutil.rmtree(self.output_folder(run_id), ignore_errors=True)

    def asset_file(self, asset: Json) -> Path:
        """Where an asset lies."""
        return self._assets / (_checked(asset["id"]) + TYPES.get(asset["mime_type"], ".bin"))

    def ready_asset(self, asset_id: str) -> Json | None:
        """An asset that is there, with its bytes."""
        asset = self._store.get("assets", asset_id)
        return asset if asset and asset["_state"] == "ready" else None

    def new_asset(self, name: str, mime_type: str, size: int, *, state: str, source: str, owner: str) -> Json:
        """The record of a new asset, not kept yet."""
        moment = now()
        return {
            "id": new_id(),
            "org_id": owner,
            "folder_id": None,
            "name": name,
            "mime_type": mime_type,
            "size_bytes": size,
            "asset_type": mime_type.partition("/")[0],
            "source_type": source,
            "source_id": None,
            "created_by": None,
            "created_at": moment,
            "updated_at": moment,
            "deleted_at": None,
            "_state": state,
            "_sha256": None,
        }

    async def keep_data_uri(self, uri: str, name: str, owner: str) -> Json:
        """Make an asset of a data URI; the same content is kept once."""
        do = _at_once if len(uri) <= _SMALL else asyncio.to_thread
        mime_type, data = await do(_read_data_uri, uri)
        if mime_type not in TYPES:
            raise MediaError(f"A data URI of type {mime_type[:60]!r} is not taken; the types are {', '.join(TYPES)}.")
        if not 0 < len(data) <= MAX_UPLOAD_BYTES:
            raise MediaError(f"A data URI holds {len(data)} bytes; it takes 1 to {MAX_UPLOAD_BYTES}.")
        sha256 = await do(digest_of, mime_type, data)
        known = self._store.find("assets", "_sha256", sha256)
        if known is not None and known["_state"] == "ready" and self.asset_file(known).exists():
            return known
        asset = self.new_asset(
            name + TYPES[mime_type], mime_type, len(data), state="ready", source="inline", owner=owner
        )
        asset["_sha256"] = sha256
        await do(write_file, self.asset_file(asset), data)
        return self._store.add("assets", asset)

    def file_of_link(self, url: str) -> Path | None:
        """The file that one of our own links names, so that it need not travel; None for any other address."""
        segments = self._links.own_path(url)
        return None if segments is None else self.file_of(segments)

    def file_of(self, segments: list[str]) -> Path | None:
        """The file below `/v1/files`: `runs/{id}/{name}` or `assets/{id}/{name}`."""
        if len(segments) != 3 or not is_id(segments[1]):
            return None
        collection, item_id, name = segments
        if collection == "assets":
            asset = self.ready_asset(item_id)
            path = self.asset_file(asset) if asset else None
        elif collection == "runs" and is_plain_name(name):
            path = self.output_folder(item_id) / name
        else:
            path = None
        return path if path is not None and path.is_file() else None

    def sign_output(self, base_url: str, run_id: str, name: str) -> str:
        """A link to one of a run's results."""
        return self._links.sign(base_url, FILES, "runs", run_id, name)

    def present_asset(self, asset: Json, base_url: str) -> Json:
        """An asset as the service shows it, with a fresh link."""
        shown = {name: value for name, value in asset.items() if not name.startswith("_")}
        # The last part of the link is for people; which file it is, the id says.
        name = re.sub(r"[^\w.-]+", "_", asset["name"], flags=re.ASCII).strip("._")[-80:] or "file"
        url = self._links.sign(base_url, FILES, "assets", asset["id"], name)
        return {**shown, "url": url, "thumbnail_url": None}


def mime_type_of(path: Path) -> str:
    """What a file is, by its ending."""
    known = {ending: mime_type for mime_type, ending in reversed(TYPES.items())}
    return known.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def is_plain_name(name: str) -> bool:
    """Whether this names a file in a folder, and cannot lead out of it."""
    return bool(name) and name not in (".", "..") and not any(sign in name for sign in '/\\\0:"') and len(name) < 200


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(f"{path.name}.{new_id()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(data)
    os.replace(part, path)  # noqa: PTH105 - the one that replaces on every system


def _checked(item_id: str) -> str:
    # Ids are made by us; this is the lock behind that door.
    if not is_id(item_id):
        raise ValueError(f"{item_id!r} is not an id")
    return item_id


async def _at_once(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def digest_of(mime_type: str, data: bytes) -> str:
    """What tells one asset's content from another's."""
    return hashlib.sha256(mime_type.encode() + data).hexdigest()


def _read_data_uri(uri: str) -> tuple[str, bytes]:
    head, _, body = uri[5:].partition(",")
    mime_type, *options = head.split(";")
    try:
        if "base64" in (option.strip().lower() for option in options):
            data = base64.b64decode(unquote_to_bytes(body), validate=True)
        else:
            data = unquote_to_bytes(body)
    except (ValueError, binascii.Error):
        raise MediaError("A data URI holds text that is not base64.") from None
    return mime_type.strip().lower(), data
