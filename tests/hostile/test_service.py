"""A service that means harm gets nothing out of this machine, and cannot stop or fill it."""

from __future__ import annotations

import gzip
import ipaddress
import json
import socket
import urllib.request
import zlib

import httpx
import pytest
from hostile.raw_service import HEAD, RawService, endless, one
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue, ModelSpec, from_record
from runflow_widgets.client import Client, Limits, Listener, Outside, Pace
from runflow_widgets.client.http import MOST_ANSWER_BYTES
from runflow_widgets.client.outputs import bring_home
from runflow_widgets.client.outside import is_public
from runflow_widgets.errors import OutputError, RejectedError, TransportError
from runflow_widgets.images import data_uri, encode_png
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.running import start
from runflow_widgets.session import Session
from runflow_widgets.wire import Asset, Batch, Page, RunState, plain_name, write_time
from runflow_widgets.wire.records import Delivery

KEY = "rf_live_Zq7vNn2kXw9TbR4mLs8yHd"
MEGABYTE = 1 << 20


@pytest.fixture
async def local():
    outside = Outside(allow_private=True)
    yield outside
    await outside.close()


# ---------------------------------------------------------------- where we let ourselves be sent


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.8", "192.0.0.170", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1",
        "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "100::1",
    ],
)  # fmt: skip
def test_what_is_no_public_address_is_none_however_it_is_written(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_are_public(address):
    assert is_public(ipaddress.ip_address(address))


FORMS = ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"]


@pytest.mark.parametrize("host", FORMS)
async def test_an_address_is_the_same_in_every_way_to_write_it(host):
    outside = Outside(allow_http=True)

    with pytest.raises(OutputError, match=r"private address|cannot be found|InvalidURL"):
        await outside.fetch(f"http://{host}/latest/meta-data", limit_bytes=10)
    await outside.close()


@pytest.mark.parametrize("host", FORMS)
async def test_a_proxy_is_not_asked_for_one_either(host, monkeypatch):
    with RawService(one(b"")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        outside = Outside()

        with pytest.raises(OutputError, match=r"private address|InvalidURL"):
            await outside.fetch(f"https://{host}/", limit_bytes=10)
        await outside.close()

    assert proxy.requests == []


class Resolver:
    """Names that lead where their owner likes, and elsewhere the next time."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0
        self._real = socket.getaddrinfo

    def __call__(self, host, port, *arguments, **options):
        if host != "pictures.example":
            return self._real(host, port, *arguments, **options)
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.mark.parametrize("found", [["169.254.169.254"], ["8.8.8.8", "10.0.0.7"]])
async def test_a_name_that_leads_into_the_private_network_is_not_followed(found, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(found))
    outside = Outside()

    with pytest.raises(OutputError, match="private address"):
        await outside.fetch("https://pictures.example/a.png", limit_bytes=10)
    await outside.close()


async def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked(monkeypatch):
    with RawService(one(b"here")) as service:
        resolver = Resolver(["127.0.0.1"], ["127.0.0.2"])
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        outside = Outside(allow_private=True)

        found = await outside.fetch(f"http://pictures.example:{service.port}/a.png", limit_bytes=10)
        await outside.close()

    assert found.data == b"here"
    assert resolver.asked == 1
    assert f"Host: pictures.example:{service.port}".encode().lower() in service.requests[0].lower()


async def test_plain_http_to_the_services_own_name_is_not_the_service(monkeypatch):
    outside = Outside(home=("https", "api.runflow.io"), transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["8.8.8.8"]))

    with pytest.raises(OutputError, match=r"plain http|cannot be found"):
        await outside.fetch("http://api.runflow.io/result.png", limit_bytes=10)
    await outside.close()


@pytest.mark.parametrize(
    "where", ["{local}", "https://127.0.0.1:{port}/", "https://10.0.0.7/put", "file:///etc/passwd"]
)
async def test_no_picture_is_put_into_the_network_around_this_machine(where):
    """The service names the place for an upload; it is a stranger's address like any other."""
    with RawService(one(b"")) as neighbour:
        address = where.format(local=neighbour.url, port=neighbour.port)

        def answer(request):
            return httpx.Response(201, json={"asset_id": "a", "upload_url": address})

        async with Client(KEY, transport=httpx.MockTransport(answer), pace=Pace(scale=0)) as client:
            with pytest.raises(OutputError, match="was not sent to where the service wants it"):
                await client.upload(b"a picture", filename="a.png", mime_type="image/png")

    assert neighbour.requests == []


async def test_nobody_is_told_again_what_they_said_before():
    cookie = b"Set-Cookie: follow=me; Path=/"
    with RawService(one(b"{}", cookie, b"Content-Type: application/json")) as service:
        async with Client(KEY, base_url=service.url) as client:
            await client.health()
            await client.health()
            await client.outside.fetch(f"{service.url}/a", limit_bytes=10)
            await client.outside.fetch(f"{service.url}/b", limit_bytes=10)

    assert len(service.requests) == 4
    assert not any(b"cookie" in request.lower() for request in service.requests)


# ---------------------------------------------------------------- how much we let ourselves be sent


def packed_zeros(megabytes, times=1):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join([packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)] + [packer.flush()])
    for _ in range(times - 1):
        data = gzip.compress(data, 9)
    return data


BODIES = {
    "without an end": lambda: endless(),
    "with an end far away": lambda: endless(HEAD + b"Content-Length: 10000000000\r\n"),
    "that unfolds to 500 MB": lambda: one(packed_zeros(500), b"Content-Encoding: gzip"),
    "that is folded twice": lambda: one(packed_zeros(500, 2), b"Content-Encoding: gzip, gzip"),
    "that is packed in another way": lambda: one(b"\x1b\x03\x00", b"Content-Encoding: br"),
    "that is not what it says": lambda: one(b"no gzip", b"Content-Encoding: gzip"),
    "that is cut short": lambda: one(packed_zeros(1)[:200], b"Content-Encoding: gzip"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_result_is_read_up_to_its_limit_and_no_further(name, local):
    taken = []
    refused = pytest.raises(OutputError, match=r"larger than 1 MB|is packed in|is damaged|is cut short")
    with RawService(BODIES[name]()) as service, refused:
        await local.stream(f"{service.url}/a.png", lambda piece: taken.append(len(piece)), limit_bytes=MEGABYTE)

    assert sum(taken) <= MEGABYTE
    assert max(taken, default=0) <= MEGABYTE // 4


async def test_what_is_honestly_packed_is_unpacked(local):
    for packing, body in (
        (b"gzip", gzip.compress(b"honest" * 999)),
        (b"deflate", zlib.compress(b"honest" * 999)),
        (b"deflate", zlib.compress(b"honest" * 999, wbits=-15)),
        (b"identity", b"honest" * 999),
    ):
        with RawService(one(body, b"Content-Encoding: " + packing)) as service:
            assert (await local.fetch(f"{service.url}/a", limit_bytes=9999)).data == b"honest" * 999


@pytest.mark.parametrize("name", [name for name in BODIES if "far away" not in name])
async def test_an_answer_of_the_service_is_read_up_to_its_limit_and_no_further(name):
    with RawService(lambda _: BODIES[name]()) as service:
        async with Client(KEY, base_url=service.url, pace=Pace(scale=0), limits=Limits(whole_s=30)) as client:
            with pytest.raises(TransportError, match=r"the answer is (larger|packed|damaged|cut)"):
                await client.http.send("GET", "/v1/runs", attempts=1)

    assert service.sent_bytes < 1.2 * MOST_ANSWER_BYTES


JSONS = {
    "deep": b"[" * 200_000,
    "deep and closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "many": b'{"items":[' + b"[]," * 3_000_000 + b"[]]}",
    "a number of many digits": b'{"id":' + b"9" * 10_000 + b"}",
    "no JSON": b"<html><script>alert(1)</script>",
    "half": b'{"items":[',
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", JSONS)
async def test_an_answer_that_is_no_honest_json_is_a_sentence(name):
    for status in (200, 500):
        transport = httpx.MockTransport(lambda _, status=status: httpx.Response(status, content=JSONS[name]))
        async with Client(KEY, transport=transport, pace=Pace(scale=0)) as client:
            with pytest.raises((TransportError, rf.errors.ServiceError)) as failure:
                await client.list_runs()

        assert len(str(failure.value)) < 5000
        assert str(failure.value).isprintable()


async def test_a_result_without_an_end_leaves_nothing_on_the_disk(tmp_path):
    with RawService(lambda _: endless(HEAD + b"Content-Type: image/png\r\n")) as service:
        state = RunState("r", "succeeded", output={"image_urls": [f"{service.url}/a.png"]})
        async with Client(KEY, base_url=service.url, pace=Pace(scale=0)) as client:
            with pytest.raises(OutputError, match="larger than 5 MB"):
                await bring_home(client, client.outside, state, tmp_path / "out", most_bytes=5 * MEGABYTE)

    assert [*(tmp_path / "out").iterdir()] == []
    # Asking for it again would bring the same.
    assert len(service.requests) == 1


def session_of(answer):
    client = Client(KEY, transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    return Session(client, "remote", shared(), Ledger(), Catalogue.bundled())


def test_a_list_of_models_without_an_end_is_not_read_for_ever():
    pages = []

    def answer(request):
        pages.append(request)
        place = len(pages)
        records = [{"slug": f"m-{place}-{n}", "model_creator": {"slug": "x"}} for n in range(500)]
        return httpx.Response(200, json={"items": records, "next": f"page-{place}"})

    session = session_of(answer)
    said = rf.models.refresh(session=session)
    session.close()

    assert said.startswith("10000 models were read")
    assert len(pages) == 20


def test_a_list_of_runs_without_an_end_is_not_asked_for_when_a_run_is_looked_up():
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json={"items": [{"id": str(len(asked))}] * 500, "next": f"page-{len(asked)}"})

    session = session_of(answer)
    found = session.portal.call(session.client.find_run("rfw-1"))
    session.close()

    assert found is None
    assert len(asked) == 1


# ---------------------------------------------------------------- what we make of it


SCARY = "<img src=x onerror=alert(1)>\x1b[31m\x1b]0;owned\x07\u202egnp\u2066\r\x00 line\n"
HUGE = st.sampled_from([1e999, -1e999, float("nan"), 10**400, -(10**400), "1e999999999", "9" * 5000, SCARY * 9999])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | HUGE
    | st.sampled_from(["https://[x/a.png", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["url", "type", "width", "height", "progress", "note", "code", "message"]), inner, max_size=4
    ),
    max_leaves=6,
)  # fmt: skip
NAMES = [
    "id", "status_code", "status", "model", "input", "output", "cost", "duration_ms", "created_at", "started_at",
    "completed_at", "client_ref", "metadata", "request_id", "failure_code", "failure_message", "failure_stage_code",
    "context", "error", "items", "items_total", "size_bytes", "sequence_index", "attempts", "payload", "next",
    "previous", "name", "mime_type", "url",
]  # fmt: skip


@given(raw=st.dictionaries(st.sampled_from(NAMES), ODD, max_size=8))
def test_whatever_a_record_holds_it_is_read_and_can_be_shown(raw):
    state = RunState.read(raw)
    page = Page.read(raw)
    records = [state, Asset.read(raw), Batch.read(raw), Delivery.read(raw), RunState.from_callback(raw)]

    assert len(state.links) <= 1000
    assert page.next is None or isinstance(page.next, str)
    for record in records:
        repr(record)
    for moment in (state.created_at, state.started_at, state.completed_at):
        assert moment is None or write_time(moment)
    for text in (state.id, state.status, state.failure_code, state.failure_message, state.failure_stage, state.note):
        assert text is None or (len(text) <= 4001 and text.replace("\n", "").replace("\t", "").isprintable())
    assert state.cost is None or len(f"{state.cost:f}") < 100


def test_results_that_nest_without_an_end_are_not_followed():
    deep = "https://x/a.png"
    for _ in range(5000):
        deep = [deep]

    assert RunState.read({"output": {"outputs": deep}}).links == ()
    assert len(RunState.read({"output": {"image_urls": ["https://x/a.png"] * 5000}}).links) == 1000


def test_the_texts_of_a_model_steer_no_terminal():
    entry = {"name": "prompt", "display_name": SCARY, "description": SCARY * 9999, "variable_type_code": SCARY}
    record = {
        "slug": f"m{SCARY}",
        "model_creator": {"slug": "x", "display_name": SCARY},
        "name": SCARY,
        "description": SCARY * 9999,
        "pricing_note": SCARY,
        "license_code": SCARY,
        "inputs": [entry, {"name": f"odd{SCARY}"}, *({"name": f"n{n}"} for n in range(9999))],
    }

    spec = from_record(record)

    shown = repr(spec) + str(spec) + spec._repr_html_()
    assert not {"\x1b", "\x07", "\u202e", "\u2066", "\x00"} & set(shown)
    assert "<img" not in spec._repr_html_()
    assert len(spec.inputs) <= 300


@pytest.mark.parametrize(
    "body",
    [
        {"message": SCARY * 9999, "code": SCARY * 99},
        {"error": {"message": SCARY, "code": SCARY, "errors": [{"loc": ["body", SCARY], "msg": SCARY * 99}] * 999}},
        {"detail": [{"loc": [SCARY] * 999, "msg": SCARY}] * 99},
        SCARY * 9999,
    ],
)
async def test_a_refusal_of_any_length_is_a_few_plain_lines(body):
    headers = {"x-request-id": "r" * 9999}
    transport = httpx.MockTransport(lambda _: httpx.Response(422, content=json.dumps(body), headers=headers))
    async with Client(KEY, transport=transport) as client:
        with pytest.raises(RejectedError) as refusal:
            await client.get_run("run-1")

    told = str(refusal.value)
    assert len(told) < 50_000
    assert not {"\x1b", "\x07", "\u202e", "\u2066", "\x00", "\r"} & set(told)


async def test_a_key_that_is_written_by_its_signs_numbers_is_taken_out_too():
    written = "".join(f"\\u{ord(sign):04x}" for sign in KEY)
    body = f'{{"message": "The key {written} is not known.", "errors": [{{"loc": ["{written}"], "msg": "{written}"}}]}}'
    transport = httpx.MockTransport(lambda _: httpx.Response(401, content=body))
    async with Client(KEY, transport=transport) as client:
        with pytest.raises(rf.errors.AuthError) as refusal:
            await client.me()

    assert KEY not in str(refusal.value) + repr(vars(refusal.value))
    assert "...8yHd" in str(refusal.value)


# ---------------------------------------------------------------- callbacks


def posted(url, body, **headers):
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def test_the_listener_refuses_what_is_no_callback_and_goes_on():
    heard = []
    with Listener(heard.append) as listener:
        assert posted(listener.url, b"[" * 100_000) == 401
        assert posted(listener.url, b"no json") == 401
        with socket.create_connection(("127.0.0.1", int(listener.url.rstrip("/").rpartition(":")[2]))) as odd:
            odd.sendall("POST / HTTP/1.1\r\nContent-Length: ²\r\n\r\n".encode("latin-1"))
            assert odd.recv(100).startswith(b"HTTP/1.0 411")
        assert posted(listener.url, b'{"event": "run.completed"}') == 200

    assert heard == [{"event": "run.completed"}]


# ---------------------------------------------------------------- what we write


ODD_IDS = ["evil/..\\..\\up", "evil/" + "é" * 280, 'evil/<img src=x> "m"', "evil/CON:", "evil/-.-"]


@pytest.mark.parametrize("model", ODD_IDS)
def test_whatever_a_model_and_a_run_are_called_results_lie_in_our_folder_and_can_be_saved(model, tmp_path, home):
    png = encode_png(Image.new("RGB", (4, 4)))

    def answer(request):
        done = {"id": "../../run", "status_code": "succeeded", "output": {"image_urls": [data_uri(png, "image/png")]}}
        return httpx.Response(201 if request.method == "POST" else 200, json=done)

    session = session_of(answer)
    # As a callback may name it, or a list of models.
    run = start(ModelSpec(model), {"prompt": "x"}, session=session, client_ref="../../../../up").result(30)
    [output] = run.outputs
    [saved] = run.save(tmp_path / "saved")
    session.close()

    assert output.path.resolve().is_relative_to(home / "outputs")
    assert saved.resolve().is_relative_to(tmp_path / "saved")
    assert output.path.parent.name.isascii()


@given(text=st.text())
def test_a_plain_name_leads_nowhere(text):
    name = plain_name(text)

    assert name
    assert len(name) <= 80
    assert not {"/", "\\", ":", "\0"} & set(name)
    assert name not in (".", "..")
