"""The transport to a service in this process, beside the one that httpx has: the same to both sides, faults as well."""

import json

import httpx
import pytest

from runflow_widgets.client import InProcess

ADDRESS = "http://inside.test:8080/a%20b/c"


async def echo(scope, receive, send):
    """Answer with what came."""
    body, parts, more = b"", 0, True
    while more:
        message = await receive()
        body, parts, more = body + message["body"], parts + 1, message["more_body"]
    told = {name: value for name, value in scope.items() if isinstance(value, str | int)}
    told["headers"] = {name.decode(): value.decode() for name, value in scope["headers"]}
    told |= {"server": list(scope["server"]), "query": scope["query_string"].decode(), "body": body.decode()}
    await send({"type": "http.response.start", "status": 203, "headers": [(b"x-set", b"1"), (b"x-set", b"2")]})
    data = json.dumps(told).encode()
    await send({"type": "http.response.body", "body": data[:7], "more_body": True})
    await send({"type": "http.response.body", "body": data[7:]})


async def asked(app, method="GET", **request):
    async with httpx.AsyncClient(transport=InProcess(app)) as client:
        return await client.request(method, ADDRESS, **request)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GET", {"params": {"q": "a b&c"}}),
        ("POST", {"json": {"photo": "x" * 200_000}}),
        ("PUT", {"content": b"bytes", "headers": {"Content-Type": "image/png"}}),
        ("DELETE", {}),
    ],
)
async def test_an_application_sees_what_it_sees_through_the_transport_of_httpx(method, request_):
    answers = []
    for transport in (InProcess(echo), httpx.ASGITransport(echo)):
        async with httpx.AsyncClient(transport=transport) as client:
            answers.append(await client.request(method, ADDRESS, **request_))

    ours, theirs = answers
    assert ours.json() == theirs.json()
    assert ours.json()["path"] == "/a b/c"
    assert (ours.status_code, ours.headers.multi_items()) == (theirs.status_code, theirs.headers.multi_items())


async def test_a_body_that_comes_in_pieces_arrives_whole():
    async def pieces():
        for number in range(4):
            yield f"{number},".encode()

    answer = await asked(echo, "POST", content=pieces())

    assert answer.json()["body"] == "0,1,2,3,"


async def test_the_answer_to_head_has_no_body():
    answer = await asked(echo, "HEAD")

    assert (answer.status_code, answer.content) == (203, b"")


async def test_whoever_listens_on_hears_of_the_end():
    heard = []

    async def curious(_scope, receive, send):
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})
        heard.append(await receive())

    await asked(curious)

    assert heard == [{"type": "http.disconnect"}]


async def test_a_fault_before_the_answer_is_a_server_error():
    async def broken(_scope, _receive, _send):
        raise LookupError("nothing that anybody outside should read")

    answer = await asked(broken)

    assert (answer.status_code, answer.content) == (500, b"")


@pytest.mark.parametrize("fault", [None, LookupError("in the middle")])
async def test_an_answer_that_breaks_off_is_no_answer(fault):
    async def half(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        if fault is not None:
            raise fault

    with pytest.raises(httpx.TransportError):
        await asked(half)


async def test_an_application_that_says_nothing_is_no_answer():
    async def silent(_scope, _receive, _send):
        return None

    with pytest.raises(httpx.RemoteProtocolError):
        await asked(silent)


async def test_a_fault_after_the_answer_takes_nothing_from_it():
    async def tired(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"all of it"})
        raise LookupError("too late")

    assert (await asked(tired)).content == b"all of it"
