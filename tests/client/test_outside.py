from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from runflow_widgets.client import Outside
from runflow_widgets.errors import OutputError, OutputExpired


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.seen.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(503)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"busy")

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.pages = [], {}
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def local():
    outside = Outside(allow_private=True)
    yield outside
    await outside.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "https://localhost/x",
        "https://10.0.0.7/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://0.0.0.0/x",
        "https://100.64.0.1/x",
        "https://2130706433/x",
    ],
)
async def test_private_addresses_are_not_asked(url):
    outside = Outside()

    with pytest.raises(OutputError, match=r"private address|cannot be found"):
        await outside.fetch(url, limit_bytes=10)

    await outside.close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/x", "gopher://x", "https://", "nonsense", ""])
async def test_only_web_addresses_are_fetched(url):
    outside = Outside(allow_private=True)

    with pytest.raises(OutputError):
        await outside.fetch(url, limit_bytes=10)

    await outside.close()


async def test_plain_http_to_a_public_host_is_refused():
    outside = Outside()

    with pytest.raises(OutputError, match="only https"):
        await outside.fetch("http://1.1.1.1/x", limit_bytes=10)

    await outside.close()


async def test_what_lies_there_is_fetched_with_its_type_and_without_any_key(web, local):
    web.pages["/a.png"] = (200, {"Content-Type": "image/png; charset=x"}, b"\x89PNG")

    found = await local.fetch(f"{web.url}/a.png", limit_bytes=100)

    assert (found.data, found.mime_type) == (b"\x89PNG", "image/png")
    assert "authorization" not in {name.lower() for name in web.seen[0][1]}


async def test_more_than_the_limit_is_not_taken(web, local):
    web.pages["/big"] = (200, {}, b"x" * 1000)

    with pytest.raises(OutputError, match="larger than"):
        await local.fetch(f"{web.url}/big", limit_bytes=999)


async def test_a_body_that_is_cut_short_is_an_error_and_not_half_a_result(web, local):
    web.pages["/cut"] = (200, {"Content-Length": "1000"}, b"x" * 10)

    with pytest.raises(OutputError, match="could not be fetched"):
        await local.fetch(f"{web.url}/cut", limit_bytes=2000)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_refused_link_has_expired(web, local, status):
    web.pages["/old"] = (status, {}, b"")

    with pytest.raises(OutputExpired):
        await local.fetch(f"{web.url}/old?signature=secret", limit_bytes=10)


async def test_signatures_are_not_in_the_error(web, local):
    web.pages["/old?signature=secret"] = (500, {}, b"")

    with pytest.raises(OutputError) as failure:
        await local.fetch(f"{web.url}/old?signature=secret", limit_bytes=10)

    assert "secret" not in str(failure.value)


async def test_redirects_are_followed_a_few_times(web, local):
    web.pages["/1"] = (302, {"Location": "/2"}, b"")
    web.pages["/2"] = (302, {"Location": f"{web.url}/3"}, b"")
    web.pages["/3"] = (200, {}, b"here")
    web.pages["/round"] = (302, {"Location": "/round"}, b"")

    assert (await local.fetch(f"{web.url}/1", limit_bytes=10)).data == b"here"
    with pytest.raises(OutputError, match="more than 5 times"):
        await local.fetch(f"{web.url}/round", limit_bytes=10)


async def test_a_redirect_to_a_private_address_is_checked_like_any_other(web):
    def redirect(request):
        return httpx.Response(302, headers={"location": f"{web.url}/secret"})

    outside = Outside(home=("https", "service.example"), transport=httpx.MockTransport(redirect))
    with pytest.raises(OutputError, match="private address"):
        await outside.fetch("https://service.example/file", limit_bytes=10)

    assert web.seen == []
    await outside.close()


async def test_behind_a_companys_proxy_the_proxy_is_asked_and_private_addresses_still_are_not(web, monkeypatch):
    monkeypatch.setenv("https_proxy", web.url)
    monkeypatch.setenv("no_proxy", "")
    outside = Outside()

    with pytest.raises(OutputError, match="could not be fetched"):
        await outside.fetch("https://results.example/1.png", limit_bytes=10)
    for url in ("https://10.0.0.7/x", "https://localhost/x", "http://results.example/x"):
        with pytest.raises(OutputError, match=r"private address|only https|cannot be found"):
            await outside.fetch(url, limit_bytes=10)
    await outside.close()


async def test_the_services_own_host_is_trusted_wherever_it_lies(web):
    web.pages["/a.png"] = (200, {}, b"here")
    outside = Outside(home=("http", web.url.removeprefix("http://")))

    assert (await outside.fetch(f"{web.url}/a.png", limit_bytes=10)).data == b"here"

    await outside.close()


async def test_a_post_tells_status_and_body_and_does_not_raise(web, local):
    posted = await local.post(f"{web.url}/hook", b"{}", {"X-One": "1"})
    failed = await local.post("http://127.0.0.1:1/hook", b"{}", {})

    assert (posted.status, posted.body, posted.error) == (503, "busy", None)
    assert (failed.status, failed.error) == (None, "ConnectError")
    assert posted.elapsed_ms > 0


async def test_a_post_to_a_private_address_is_refused_with_the_reason():
    outside = Outside()

    posted = await outside.post("http://127.0.0.1:9/hook", b"{}", {})

    assert posted.status is None
    assert "private address" in posted.error
    await outside.close()
