"""The samples of the four model pages, run as they stand but for host, key and media, by real Python, Node and curl.

Each ends in a callback that is delivered, signed and verified.
"""

from __future__ import annotations

import io
import json
import os
import queue
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from PIL import Image, ImageDraw

from runflow_widgets.client import Listener, verify_callback
from runflow_widgets.images import encode_png, pack_mask_zip

pytestmark = pytest.mark.slow

KEY = "rf_live_sample_0001"
HOST = "https://api.runflow.io"
INPUTS = {
    "runflow/tag-removal": {"config": {}, "image_url": "MEDIA/photo.png"},
    "runflow/object-removal": {"zip_url": "MEDIA/inputs.zip", "file_mask": "mask.png", "file_input": "photo.png"},
    "runflow/product-isolation": {"image_url": "MEDIA/photo.png", "aspect_ratio": "4:5", "resolution": "1K"},
    "bria/background/remove": {"image_url": "MEDIA/photo.png", "sync_mode": True},
}

PYTHON = """\
import requests

response = requests.post(
    "https://api.runflow.io/v1/models/MODEL/runs",
    headers={"Authorization": "Bearer RUNFLOW_API_KEY"},
    json={
        "input": INPUT,
        "callback_url": "https://your-server.com/webhook"
    },
)

data = response.json()
print(data)
"""
NODE = """\
const response = await fetch(
  "https://api.runflow.io/v1/models/MODEL/runs",
  {
    method: "POST",
    headers: {
      "Authorization": "Bearer RUNFLOW_API_KEY",
      "Content-Type": "application/json",
    },
    body: JSON.stringify({
        "input": INPUT,
        "callback_url": "https://your-server.com/webhook"
    }),
  }
);

const data = await response.json();
console.log(data);
"""
CURL = """\
curl -X POST https://api.runflow.io/v1/models/MODEL/runs \\
  -H "Authorization: Bearer $RUNFLOW_API_KEY" \\
  -H "Content-Type: application/json" \\
  --data-binary @- <<'JSON'
{
    "input": INPUT,
    "callback_url": "https://your-server.com/webhook"
}
JSON
"""


@pytest.fixture(scope="module")
def photo():
    picture = Image.new("RGB", (96, 72), (222, 220, 216))
    ImageDraw.Draw(picture).ellipse((26, 14, 70, 60), fill=(170, 40, 50))
    return picture


@pytest.fixture(scope="module")
def media(photo):
    """A web server with the pictures that a sample names."""
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).rectangle((40, 30, 50, 40), fill=255)
    pages = {"/photo.png": encode_png(photo), "/inputs.zip": pack_mask_zip(photo, mask)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """`python -m runflow_widgets serve`, as a person starts it."""
    home = tmp_path_factory.mktemp("serve-home")
    command = [sys.executable, "-m", "runflow_widgets", "serve", "--port", "0", "--key", KEY, "--allow-private"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "RUNFLOW_HOME": str(home)}
    )
    line = process.stdout.readline()
    yield re.search(r"http://\S+", line)[0]
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def secret(service):
    answer = httpx.post(f"{service}/v1/callback-secrets", json={"label": "samples"}, headers=bearer())
    return answer.json()["plain_secret"]


def bearer():
    return {"Authorization": f"Bearer {KEY}"}


class RawListener(Listener):
    """A listener that also keeps the headers and the raw body, for the test to verify by itself."""

    def __init__(self):
        self.raw = queue.Queue()
        super().__init__(lambda payload: None)

    def _take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.raw.put((dict(request.headers), body))
        return 200


def rewritten(sample, model, service, media, callback_url):
    """The sample with its host, key and media changed, and nothing else."""
    inputs = json.dumps(INPUTS[model]).replace("MEDIA", media)
    if sample is PYTHON:
        inputs = inputs.replace("true", "True")
    return (
        sample.replace(HOST, service)
        .replace("Bearer RUNFLOW_API_KEY", f"Bearer {KEY}")
        .replace("https://your-server.com/webhook", callback_url)
        .replace("MODEL", model)
        .replace("INPUT", inputs)
    )


def run_sample(language, code, folder):
    commands = {"python": [sys.executable, "-c", code], "curl": ["sh", "-c", code]}
    if language == "node":
        script = folder / "sample.mjs"
        script.write_text(code)
        commands["node"] = ["node", str(script)]
    return subprocess.run(
        commands[language],
        env={**os.environ, "RUNFLOW_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@pytest.mark.parametrize("model", INPUTS)
@pytest.mark.parametrize(("language", "sample"), [("python", PYTHON), ("node", NODE), ("curl", CURL)])
def test_a_sample_ends_in_a_delivered_and_verified_callback(
    language, sample, model, service, media, secret, photo, tmp_path
):
    with RawListener() as listener:
        printed = run_sample(language, rewritten(sample, model, service, media, listener.url), tmp_path)
        headers, body = listener.raw.get(timeout=60)

    payload = verify_callback(headers, body, secret)
    assert payload["run_id"] in printed
    assert "queued" in printed
    assert (payload["event"], payload["status"]) == ("run.completed", "succeeded")
    assert list(payload) == [
        "event", "run_id", "status", "output", "duration_ms", "created_at", "completed_at", "metadata",
    ]  # fmt: skip
    assert payload["created_at"].endswith("+00:00")
    assert payload["completed_at"].endswith("+00:00")
    assert headers["Runflow-Request-Id"]
    check_result(model, payload["output"], photo)
    check_record(service, payload["run_id"], listener.url)


def check_result(model, output, photo):
    if model in ("runflow/tag-removal", "runflow/product-isolation"):
        assert list(output) == ["image_urls"]
        picture = Image.open(io.BytesIO(httpx.get(output["image_urls"][0]).content))
    elif model == "runflow/object-removal":
        assert sorted(output) == ["nsfw_detected", "outputs", "seed", "timing"]
        picture = Image.open(io.BytesIO(httpx.get(output["outputs"][0]["url"]).content))
    else:
        assert sorted(output) == ["nsfw_detected", "outputs", "seed", "timing"]
        assert output["outputs"][0]["url"].startswith("data:image/png;base64,")
        assert output["nsfw_detected"] is None
        assert output["timing"]["inference_ms"] > 0
        return
    assert picture.size == ((819, 1024) if model == "runflow/product-isolation" else photo.size)


def check_record(service, run_id, callback_url):
    run = httpx.get(f"{service}/v1/runs/{run_id}", headers=bearer()).json()
    (delivery,) = httpx.get(f"{service}/v1/runs/{run_id}/callback", headers=bearer()).json()

    assert (run["status_code"], run["cost"]) == ("succeeded", "0.00")
    assert delivery["callback_url"] == callback_url
    assert [attempt["status_code"] for attempt in delivery["attempts"]] == [200]


def test_without_the_key_nothing_is_served(service):
    answer = httpx.post(f"{service}/v1/models/runflow/tag-removal/runs", json={"input": {}})

    assert answer.status_code == 401
    assert answer.json()["code"] == "UNAUTHORIZED"


def test_without_permission_private_addresses_are_not_fetched(tmp_path, media):
    command = [sys.executable, "-m", "runflow_widgets", "serve", "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "RUNFLOW_HOME": str(tmp_path)}
    )
    address = re.search(r"http://\S+", process.stdout.readline())[0]
    body = {"input": {"image_url": f"{media}/photo.png"}}
    created = httpx.post(f"{address}/v1/models/runflow/tag-removal/runs", json=body).json()

    with httpx.Client(base_url=address) as client:
        while (run := client.get(f"/v1/runs/{created['id']}").json())["status_code"] in (
            "queued",
            "dispatching",
            "running",
        ):
            pass
    process.terminate()
    process.wait(20)
    process.stdout.close()

    assert (run["status_code"], run["failure_code"]) == ("failed", "INPUT_FETCH_FAILED")
    assert "private address" in run["failure_message"]
