"""The embedded service on a socket: who gets in, how much of it anybody can hold, and what its answers carry."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import shutil
import socket
import threading
import time

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import runflow_widgets as rf
from runflow_widgets.engine.door import Pace, name_of
from runflow_widgets.engine.links import Links
from runflow_widgets.engine.refusal import Refusal
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import ConfigError
from runflow_widgets.images import encode_png

KEY = "rf_live_Zq7vNn2kXw9TbR4mLs8yHd"
BEARER = {"Authorization": f"Bearer {KEY}"}
PNG = encode_png(rf.samples.load("plant").resize((30, 20)))
TAGS = "/v1/models/runflow/tag-removal/runs"


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    options = {"patience_s": 0.4, "wrong_keys_per_min": 1e6}
    with rf.serve(key=KEY, folder=tmp_path_factory.mktemp("keyed"), **options) as server:
        yield server


@pytest.fixture(scope="module")
def keyless(tmp_path_factory):
    with rf.serve(folder=tmp_path_factory.mktemp("keyless"), workers=WorkerPool(1, task_module="copy_tasks")) as server:
        yield server


def port_of(server):
    return int(server.url.rpartition(":")[2])


def said(server, data, until_closed=True):
    """Send bytes as they are, and give what comes back."""
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as connection:
        connection.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
                if not until_closed and b"\r\n\r\n" in answer:
                    break
        return answer


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("key", ["", " ", "a b", "tab\tkey", "ключ", "line\nbreak"])
def test_a_key_that_would_let_anybody_in_is_refused(key, tmp_path):
    with pytest.raises(ConfigError, match="empty, or has characters") as refusal:
        rf.serve(key=key, folder=tmp_path)

    assert not key.strip() or key not in str(refusal.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7"])
def test_beyond_this_machine_a_key_is_needed_that_nobody_guesses(host, tmp_path):
    with pytest.raises(ConfigError, match="let anybody in"):
        rf.serve(host=host, folder=tmp_path)
    with pytest.raises(ConfigError, match="others can try keys"):
        rf.serve(host=host, key="rf_live_short", folder=tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", KEY, f"Basic {KEY}", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x",
        f"Bearer {KEY.upper()}", f"Bearer {KEY} {KEY}", "Bearer \xff\xfe", "Bearer " + "x" * 60_000,
    ],
)  # fmt: skip
def test_without_the_very_key_nobody_gets_in(keyed, header):
    line = b"" if header is None else b"Authorization: " + header.encode("latin-1") + b"\r\n"

    answer = said(keyed, b"GET /v1/runs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 401") or answer.startswith(b"HTTP/1.1 400")
    assert KEY.encode() not in answer


@pytest.mark.parametrize("path", ["/v1/runs?key={key}", "/v1/runs?api_key={key}", "/v1/runs?access_token={key}"])
def test_a_key_in_the_address_is_no_key_and_gets_into_no_log(keyed, path, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx").setLevel(logging.WARNING)
        answer = said(keyed, f"GET {path.format(key=KEY)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        said(keyed, f"GET /{KEY} HTTP/9.9\r\nHo st: {KEY}\r\n\r\n".encode())

    told = capfd.readouterr()
    assert answer.startswith(b"HTTP/1.1 401")
    assert KEY not in caplog.text + told.out + told.err


# ---------------------------------------------------------------- pages in a browser


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8787"}, 200),
        ({"Host": "LOCALHOST."}, 200),
        ({"Host": "[::1]:9"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8787"}, 403),
        ({"Host": "evil.example:80@127.0.0.1"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:8888"}, 403),
        ({"Origin": "{own}"}, 200),
    ],
)
def test_without_a_key_pages_and_names_of_others_are_refused(keyless, headers, status):
    given = {name: value.format(own=keyless.url) for name, value in headers.items()}

    answer = httpx.get(f"{keyless.url}/v1/runs", headers=given)

    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_a_page_starts_no_run(keyless, site):
    """A body of text needs no leave of the service, so a browser just sends it."""
    body = '{"input": {"image_url": "https://x.example/a.png"}}'
    headers = {"Content-Type": "text/plain", "Sec-Fetch-Site": site}

    refused = httpx.post(keyless.url + TAGS, content=body, headers=headers)
    asked = httpx.options(keyless.url + TAGS, headers={"Origin": "https://evil.example"})

    assert refused.status_code == 403
    assert asked.status_code == 403
    assert httpx.get(f"{keyless.url}/v1/runs").json()["items"] == []


def test_with_a_key_the_service_may_stand_behind_any_name(keyed):
    answer = httpx.get(f"{keyed.url}/v1/auth/me", headers={**BEARER, "Host": "tunnel.example"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "name"), [("a:1", "a"), ("A.", "a"), ("[::1]", "[::1]"), ("[::1]:8", "[::1]"), ("a:b", "a:b"), ("", "")]
)
def test_a_host_is_known_by_its_name(host, name):
    assert name_of(host) == name


# ---------------------------------------------------------------- what answers carry


@pytest.mark.parametrize("path", ["/v1/health", "/v1/runs", "/v1/openapi.json", "/nothing", "/v1/files/runs/x/y"])
def test_every_answer_tells_browsers_to_make_nothing_of_it(keyed, path):
    for headers in ({}, BEARER):
        answer = httpx.get(keyed.url + path, headers=headers)

        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def uploaded(server, data=PNG, mime_type="image/png", name="a.png"):
    announced = {"filename": name, "mime_type": mime_type, "size_bytes": len(data)}
    opened = httpx.post(f"{server.url}/v1/asset-uploads", json=announced, headers=BEARER).json()
    put = httpx.put(opened["upload_url"], content=data, headers={"Content-Type": mime_type})
    assert put.status_code == 200
    confirmed = f"{server.url}/v1/asset-uploads/{opened['asset_id']}/confirmations"
    return httpx.post(confirmed, json={}, headers=BEARER).json(), opened["upload_url"]


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"<script>alert(1)</script>", "image/png"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/gif"),
        (b"<html>", "application/zip"),
    ],
)
def test_a_page_that_was_uploaded_as_a_picture_runs_nowhere(keyed, data, mime_type):
    asset, _ = uploaded(keyed, data, mime_type, name='"><img src=x onerror=alert(1)>\r\nX-Evil: 1.html')

    answer = httpx.get(asset["url"])

    assert answer.content == data
    assert answer.headers["content-type"] == mime_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "mime_type", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/javascript", "image/png;x"]
)
def test_what_a_browser_would_run_cannot_be_uploaded(keyed, mime_type):
    announced = {"filename": "a.png", "mime_type": mime_type, "size_bytes": 9}

    assert httpx.post(f"{keyed.url}/v1/asset-uploads", json=announced, headers=BEARER).status_code == 422


# ---------------------------------------------------------------- links


def test_a_link_is_for_its_file_and_its_service_only(keyed, keyless, tmp_path):
    first, upload_url = uploaded(keyed)
    second, _ = uploaded(keyed, PNG + b"more")
    address, query = first["url"].split("?")

    def status(url, method="GET", **more):
        return httpx.request(method, url, **more).status_code

    assert status(first["url"]) == 200
    assert status(address) == 403
    assert status(f"{second['url'].split('?')[0]}?{query}") == 403
    assert status(f"{address}?{query}0") == 403
    assert status(f"{address}?{query.replace('expires=', 'expires=9')}") == 403
    assert status(f"{address}?expires=nan&signature={'0' * 64}") == 403
    assert status(f"{address}?{query}&expires=99999999999") == 403
    assert status(f"{address.replace(keyed.url, keyless.url)}?{query}") == 403
    assert status(upload_url.replace("/v1/uploads/", "/v1/files/assets/")) in (403, 404)
    # What was confirmed cannot be changed any more, by nobody.
    assert status(upload_url, "PUT", content=PNG, headers={"Content-Type": "image/png"}) == 409
    assert status(first["url"], "PUT", content=PNG, headers=BEARER) == 405


def test_a_link_that_another_secret_signed_is_refused(keyed):
    first, _ = uploaded(keyed)
    path = first["url"].removeprefix(keyed.url).split("?")[0]
    forged = Links(b"guess", 3600).sign(keyed.url, path)

    assert httpx.get(forged).status_code == 403


ESCAPES = [
    "/v1/files/runs/{id}/../../../service.sqlite3",
    "/v1/files/runs/{id}/..%2f..%2f..%2fservice.sqlite3",
    "/v1/files/runs/{id}/%2e%2e%2fservice.sqlite3",
    "/v1/files/runs/{id}/..%5c..%5cservice.sqlite3",
    "/v1/files/runs/{id}/%00",
    "/v1/files/runs/../service.sqlite3",
    "/v1/files//etc/passwd",
    "//etc/passwd",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/v1/models/../runs/x",
    "/v1/files/assets/{id}/" + "a" * 30_000,
    "http://127.0.0.1:1/v1/files",
    "*",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out_of_the_folder(keyed, path):
    head = (
        f"GET {path.format(id='0' * 8 + '-0000' * 3 + '-' + '0' * 12)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )

    answer = said(keyed, head.encode())

    assert answer[:12] in (b"HTTP/1.1 403", b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 401")
    assert b"root:" not in answer
    assert b"SQLite" not in answer


# ---------------------------------------------------------------- how much one may send


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"input":' * 5000 + b"1" + b"}" * 5000, 400),
        (b'{"input":{"x":[' + b"[]," * 600_000 + b"[]]}}", 413),
        (b'{"input":{"image_url":"' + b"9" * 5_000_000 + b'"}}', 422),
        (b'{"input":{"image_url":' + b"9" * 5000 + b"}}", 400),
        (b'{"input":{"image_url":"data:image/png;base64,' + b"A" * 74_000_000 + b'"}}', 422),
        (b"\xff" * 100, 400),
    ],
    ids=["deep", "deep and closed", "many", "long", "a number", "a picture too large", "no text"],
)  # fmt: skip
def test_a_body_of_any_kind_is_answered_and_the_next_one_too(keyed, body, status):
    answer = httpx.post(
        keyed.url + TAGS, content=body, headers={**BEARER, "Content-Type": "application/json"}, timeout=60
    )

    assert answer.status_code == status
    assert len(answer.content) < 10_000
    assert httpx.get(f"{keyed.url}/v1/health").status_code == 200


def test_more_than_a_body_may_have_is_not_read_to_its_end(keyed):
    sent = 0

    def pieces():
        nonlocal sent
        for _ in range(100_000):
            sent += 1 << 20
            yield bytes(1 << 20)

    with contextlib.suppress(httpx.HTTPError):
        answer = httpx.post(keyed.url + TAGS, content=pieces(), headers=BEARER, timeout=60)
        assert answer.status_code == 413

    assert sent < 50_000 << 20


def test_each_caller_has_a_pace_of_its_own():
    now = [0.0]
    pace = Pace(10, 5, lambda: now[0])

    def taken(caller):
        for count in range(1000):
            try:
                pace.count(caller)
            except Refusal as refusal:
                return count, refusal.status, refusal.headers
        raise AssertionError("nobody is held up")

    refused = (429, {"Retry-After": "1"})
    assert taken("a") == (50, *refused)
    assert taken("b") == (50, *refused)
    now[0] = 1.0
    assert pace.wait_s("a") == 0
    assert taken("a") == (10, *refused)
    assert pace.wait_s("a") == pytest.approx(0.1)
    assert pace.wait_s("c") == 0


def test_the_slowest_pace_still_counts():
    pace = Pace(0.001, 5, lambda: 0.0)

    pace.count("a")

    assert pace.wait_s("a") == pytest.approx(1000)
    with pytest.raises(Refusal):
        pace.count("a")


def test_who_asks_too_often_is_told_and_served_again_later(tmp_path):
    with rf.serve(key=KEY, folder=tmp_path, requests_per_s=2) as server, httpx.Client(base_url=server.url) as client:
        statuses = [client.get("/v1/health").status_code for _ in range(15)]
        refused = client.get("/v1/health")

    assert statuses[:10] == [200] * 10
    assert refused.status_code == 429
    assert refused.json()["code"] == "RATE_LIMITED"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_who_tries_keys_is_soon_not_heard_any_more(tmp_path):
    with rf.serve(key=KEY, folder=tmp_path) as server, httpx.Client(base_url=server.url) as client:
        tried = [client.get("/v1/runs", headers={"Authorization": f"Bearer {number}"}) for number in range(30)]
        # Not even with the right one: the answer would say which it is.
        right = client.get("/v1/runs", headers=BEARER)

    statuses = [answer.status_code for answer in tried]
    assert statuses == [401] * 20 + [429] * 10
    assert right.status_code == 429
    assert right.json()["code"] == "RATE_LIMITED"
    assert "wrong key" in right.json()["message"]
    assert 1 <= int(right.headers["retry-after"]) <= 6


def test_the_right_key_is_heard_however_often(tmp_path):
    with rf.serve(key=KEY, folder=tmp_path) as server, httpx.Client(base_url=server.url, headers=BEARER) as client:
        statuses = {client.get("/v1/runs").status_code for _ in range(60)}

    assert statuses == {200}


@pytest.mark.parametrize("name", ["requests_per_s", "wrong_keys_per_min", "patience_s", "max_connections"])
def test_a_limit_that_would_keep_everybody_out_is_refused(name, tmp_path):
    with pytest.raises(ConfigError, match=f"{name} is 0"):
        rf.serve(folder=tmp_path, **{name: 0})


# ---------------------------------------------------------------- the disk


def test_the_disk_is_not_filled_to_its_end(tmp_path):
    more_than_there_is = (shutil.disk_usage(tmp_path).total >> 20) + 1
    with (
        rf.serve(folder=tmp_path, keep_free_mb=more_than_there_is) as server,
        httpx.Client(base_url=server.url) as session,
    ):
        upload = session.post(
            "/v1/asset-uploads", json={"filename": "a.png", "mime_type": "image/png", "size_bytes": len(PNG)}
        )
        data = "data:image/png;base64," + base64.b64encode(PNG).decode()
        run = session.post(TAGS, json={"input": {"image_url": data}})
        asked = session.get("/v1/runs")

    for answer in (upload, run):
        assert answer.status_code == 507, answer.text
        assert answer.json()["code"] == "INSUFFICIENT_STORAGE"
        assert f"{more_than_there_is} MB stay free" in answer.json()["message"]
    assert asked.json()["items"] == []
    assert not list((tmp_path / "assets").iterdir())


def test_what_was_done_before_the_disk_was_full_is_answered_again(tmp_path):
    """A client that lost the first answer must learn of its run, room or not."""
    body = {"json": {"input": {"image_url": "data:image/png;base64," + base64.b64encode(PNG).decode()}}}
    once = {"Idempotency-Key": "0001"}
    with rf.serve(folder=tmp_path, workers=WorkerPool(1, task_module="copy_tasks")) as server:
        first = httpx.post(server.url + TAGS, **body, headers=once)
    with rf.serve(folder=tmp_path, keep_free_mb=1 << 40, workers=WorkerPool(1, task_module="copy_tasks")) as server:
        again = httpx.post(server.url + TAGS, **body, headers=once)
        other = httpx.post(server.url + TAGS, **body, headers={"Idempotency-Key": "0002"})

    assert first.status_code == again.status_code
    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 507


# ---------------------------------------------------------------- slow clients


HEAD = b"POST /v1/asset-folders HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nAuthorization: Bearer " + KEY.encode()
STANDING = {
    "says nothing": b"",
    "does not end its head": b"GET /v1/health HTTP/1.1\r\nHost: x\r\n",
    "does not end its body": HEAD + b"\r\n\r\n{",
    "does not end a body that nobody wants": HEAD.replace(KEY.encode(), b"wrong") + b"\r\n\r\n{",
}


@pytest.mark.parametrize("name", STANDING)
def test_whoever_stands_still_is_shown_out_and_others_are_served_meanwhile(keyed, name):
    with socket.create_connection(("127.0.0.1", port_of(keyed)), timeout=10) as slow:
        slow.sendall(STANDING[name])
        assert httpx.get(f"{keyed.url}/v1/health").status_code == 200
        told = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := slow.recv(65536):
                told += piece

    assert told == b"" or told.startswith((b"HTTP/1.1 408", b"HTTP/1.1 401"))


def test_dripping_does_not_help(keyed):
    """A byte now and then keeps no connection open."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port_of(keyed)), timeout=10) as slow:
        slow.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        slow.settimeout(0.05)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 10:
                slow.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    assert slow.recv(1) == b""
                    break

    assert time.monotonic() - began < 5


def test_an_answer_that_is_not_taken_is_given_up_and_was_never_in_memory_as_a_whole(keyed):
    asset, _ = uploaded(keyed, PNG + os.urandom(30_000_000))
    path = asset["url"].removeprefix(keyed.url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with slow:
        slow.settimeout(20)
        slow.connect(("127.0.0.1", port_of(keyed)))
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert httpx.get(f"{keyed.url}/v1/health").status_code == 200
        # Not read on until the server has given up.
        until_gone(slow)
        told = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := slow.recv(65536):
                told += piece

    assert len(told) < 20_000_000
    assert httpx.get(asset["url"]).content.startswith(PNG)


def until_gone(connection, timeout_s=10):
    """Wait until the other side has reset a connection, without taking any of what it sent."""
    deadline = time.monotonic() + timeout_s
    event = threading.Event()
    while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO) in (1, 8) and not event.wait(0.02):
        assert time.monotonic() < deadline


def test_one_address_cannot_have_all_connections(tmp_path):
    with rf.serve(key=KEY, folder=tmp_path, max_connections=8) as server:
        connections = [socket.create_connection(("127.0.0.1", port_of(server)), timeout=5) for _ in range(20)]
        answered = 0
        for connection in connections:
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
                answered += connection.recv(20).startswith(b"HTTP/1.1 200")
        for connection in connections:
            connection.close()

        assert answered == 4
        assert until_served(server)


def until_served(server):
    """Whoever is gone makes room; the server learns of it a moment later."""
    while True:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{server.url}/v1/health").status_code == 200


# ---------------------------------------------------------------- where it lets itself be sent


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/a.png", "http://[::ffff:127.0.0.1]:{port}/", "http://2130706433:{port}/"]
)
def test_neither_inputs_nor_callbacks_lead_into_the_private_network(keyless, address):
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        url = address.format(port=neighbour.getsockname()[1])
        created = httpx.post(keyless.url + TAGS, json={"input": {"image_url": url}, "callback_url": url}).json()
        run = ended(keyless, created["id"])
        neighbour.settimeout(0)
        with pytest.raises(BlockingIOError):
            neighbour.accept()
        deliveries = httpx.get(f"{keyless.url}/v1/runs/{created['id']}/callback").json()

    assert run["status_code"] == "failed"
    assert run["failure_code"] == "INPUT_FETCH_FAILED"
    assert "private address" in run["failure_message"]
    assert all(attempt["status_code"] is None for attempt in deliveries[0]["attempts"])


def ended(server, run_id):
    with httpx.Client() as client:
        while True:
            run = client.get(f"{server.url}/v1/runs/{run_id}").json()
            if run["completed_at"]:
                return run


# ---------------------------------------------------------------- anything at all


@settings(max_examples=40)
@given(data=st.binary(max_size=300))
def test_no_bytes_bring_it_down(keyed_url, data):
    port = int(keyed_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)

    assert httpx.get(f"{keyed_url}/v1/health").status_code == 200


@pytest.fixture(scope="module")
def keyed_url(keyed):
    return keyed.url
