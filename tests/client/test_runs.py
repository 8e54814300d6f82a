from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from runflow_widgets.client import Client, Pace
from runflow_widgets.errors import (
    AuthError,
    CreditError,
    InputError,
    NotFoundError,
    RateLimited,
    RunTimeout,
    ServiceError,
    TransportError,
)
from runflow_widgets.wire import POLL_HINT_HEADER

MODEL = "runflow/tag-removal"


class Service:
    """The smallest service that remembers its runs; `on_create` may spoil the answer to a creation."""

    def __init__(self, on_create=(), *, states=("running", "succeeded"), lists_after=0):
        self.runs = {}
        self.posts = []
        self.troubles = list(on_create)
        self.states = list(states)
        self.lists_left = lists_after

    def __call__(self, request):
        if request.method == "POST":
            return self._create(request)
        if request.url.path == "/v1/runs":
            return self._list(request)
        return self._get(request)

    def _create(self, request):
        body = json.loads(request.content)
        self.posts.append((request.headers["idempotency-key"], body))
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is None or trouble[0] == "after":
            run = {"id": f"r-{len(self.runs) + 1}", "status_code": "queued", "client_ref": body["client_ref"]}
            self.runs[run["id"]] = run
        if trouble is None:
            return httpx.Response(201, json=run)
        if isinstance(trouble[1], Exception):
            raise trouble[1]
        return trouble[1]

    def _list(self, request):
        if self.lists_left:
            self.lists_left -= 1
            return httpx.Response(200, json={"items": []})
        wanted = request.url.params["q"].removeprefix("client_ref.EQ:").strip("'")
        return httpx.Response(200, json={"items": [run for run in self.runs.values() if run["client_ref"] == wanted]})

    def _get(self, request):
        run = self.runs[request.url.path.rpartition("/")[2]]
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        if isinstance(state, httpx.Response):
            return state
        return httpx.Response(200, json={**run, "status_code": state}, headers={POLL_HINT_HEADER: "50"})


def client_of(service):
    return Client(transport=httpx.MockTransport(service), pace=Pace(scale=0))


LOST = httpx.ReadTimeout("lost")


@pytest.mark.parametrize(
    "trouble",
    [
        ("after", LOST),
        ("after", httpx.RemoteProtocolError("cut")),
        ("after", httpx.Response(500)),
        ("after", httpx.Response(502, text="<html>bad gateway</html>")),
        ("after", httpx.Response(201, text='{"id": "r-')),
        ("after", httpx.Response(201, json={"id": "r-9", "status_code": "queued", "client_ref": "somebody-else's"})),
    ],
)
async def test_a_run_whose_answer_was_lost_is_found_and_adopted(trouble):
    service = Service([trouble])

    async with client_of(service) as client:
        state = await client.create_run(MODEL, {"image_url": "https://x/y.png"}, key="k-1")

    assert state.id == "r-1"
    assert len(service.runs) == len(service.posts) == 1


@pytest.mark.parametrize("trouble", [("before", LOST), ("before", httpx.Response(500))])
async def test_a_run_that_was_not_created_is_sent_once_more_under_the_same_key(trouble):
    service = Service([trouble])

    async with client_of(service) as client:
        state = await client.create_run(MODEL, {}, key="k-1")

    assert state.id == "r-1"
    assert len(service.runs) == 1
    assert [key for key, _ in service.posts] == ["k-1", "k-1"]
    assert service.posts[0] == service.posts[1]


async def test_a_run_that_shows_up_late_is_waited_for_and_not_created_again():
    service = Service([("after", LOST)], lists_after=2)

    async with client_of(service) as client:
        await client.create_run(MODEL, {}, key="k-1")

    assert len(service.posts) == 1


async def test_after_two_lost_answers_the_failure_names_the_key():
    service = Service([("before", LOST), ("before", LOST)])

    async with client_of(service) as client:
        with pytest.raises(TransportError) as failure:
            await client.create_run(MODEL, {}, key="k-1")

    assert failure.value.key == "k-1"
    assert len(service.posts) == 2


async def test_a_second_answer_that_is_lost_after_all_is_found_too():
    service = Service([("before", LOST), ("after", LOST)])

    async with client_of(service) as client:
        state = await client.create_run(MODEL, {}, key="k-1")

    assert state.client_ref == "k-1"
    assert len(service.runs) == 1


async def test_an_answer_lost_after_a_refusal_is_looked_for_like_any_other():
    service = Service([("before", httpx.Response(429)), ("after", LOST)])

    async with client_of(service) as client:
        state = await client.create_run(MODEL, {}, key="k-1")

    assert state.client_ref == "k-1"
    assert len(service.runs) == 1


@pytest.mark.parametrize("refusal", [httpx.Response(429), httpx.Response(402), httpx.Response(422)])
async def test_a_refusal_of_the_second_try_does_not_hide_that_the_first_may_have_worked(refusal):
    service = Service([("before", LOST), ("before", refusal)])

    async with client_of(service) as client:
        with pytest.raises(TransportError) as failure:
            await client.create_run(MODEL, {}, key="k-1")

    assert (failure.value.sent, failure.value.key) == (True, "k-1")


@pytest.mark.parametrize("run_id", ["r" * 400, "r\u202e1", "r-1"])
async def test_a_run_with_an_odd_id_is_known_again(run_id):
    def answer(request):
        return httpx.Response(200, json={"id": run_id, "status_code": "succeeded", "client_ref": "k-1"})

    async with client_of(answer) as client:
        created = await client.create_run(MODEL, {}, key="k-1")
        states = [state async for state in client.follow(created.id, timeout_s=5)]

    assert [state.status for state in states] == ["succeeded"]


async def test_when_the_service_cannot_be_asked_nothing_is_sent_again():
    def answer(request):
        answer.methods.append(request.method)
        raise LOST

    answer.methods = []
    async with client_of(answer) as client:
        with pytest.raises(TransportError) as failure:
            await client.create_run(MODEL, {}, key="k-1")

    assert answer.methods.count("POST") == 1
    assert failure.value.key == "k-1"


@pytest.mark.parametrize(
    "trouble",
    [
        ("before", httpx.ConnectError("refused")),
        ("before", httpx.PoolTimeout("busy")),
        ("before", httpx.Response(429, headers={"Retry-After": "2"})),
        ("before", httpx.Response(429)),
    ],
)
async def test_what_provably_did_not_start_is_sent_again(trouble):
    service = Service([trouble])

    async with client_of(service) as client:
        await client.create_run(MODEL, {}, key="k-1")

    assert len(service.posts) == 2
    assert len(service.runs) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(402, json={"code": "INSUFFICIENT_CREDIT", "message": "no money"}), CreditError),
        (httpx.Response(503, json={"code": "MODEL_UNAVAILABLE", "message": "down"}), ServiceError),
        (httpx.Response(429, headers={"Retry-After": "999"}), RateLimited),
    ],
)
async def test_a_clear_no_is_taken_as_one(answer, kind):
    service = Service([("before", answer)])

    async with client_of(service) as client:
        with pytest.raises(kind):
            await client.create_run(MODEL, {}, key="k-1")

    assert len(service.posts) == 1


async def test_the_key_travels_as_reference_and_as_idempotency_key():
    service = Service()

    async with client_of(service) as client:
        await client.create_run(MODEL, {"a": 1}, key="k-1", callback_url="https://x/hook", metadata={"order": 7})

    assert service.posts == [
        (
            "k-1",
            {"input": {"a": 1}, "client_ref": "k-1", "callback_url": "https://x/hook", "metadata": {"order": 7}},
        )
    ]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"callback_url": "ftp://x"}, "callback_url"),
        ({"callback_url": "https://" + "x" * 2048}, "callback_url"),
        ({"key": "k" * 256}, "client_ref"),
    ],
)
async def test_what_the_service_would_refuse_is_refused_here(more, field):
    async with client_of(Service()) as client:
        with pytest.raises(InputError) as refusal:
            await client.create_run(MODEL, {}, **more)

    assert refusal.value.field == field


async def test_a_service_that_ignores_the_filter_does_not_give_a_strangers_run():
    def answer(request):
        return httpx.Response(200, json={"items": [{"id": "r-9", "client_ref": "another"}]})

    async with client_of(answer) as client:
        assert await client.find_run("k-1") is None


async def test_only_so_many_creations_are_under_way_at_once():
    under_way, most = set(), []

    async def answer(request):
        under_way.add(request)
        most.append(len(under_way))
        for _ in range(5):
            await asyncio.sleep(0)
        under_way.discard(request)
        return httpx.Response(201, json={"id": "r"})

    async with client_of(answer) as client:
        await asyncio.gather(*(client.create_run(MODEL, {}) for _ in range(20)))

    assert max(most) == 4


async def collected(client, run_id="r-1", **more):
    return [state.status async for state in client.follow(run_id, **more)]


async def created(service, client):
    return await client.create_run(MODEL, {}, key="k-1")


@pytest.mark.parametrize(
    ("states", "seen"),
    [
        (["queued", "queued", "running", "succeeded"], ["queued", "running", "succeeded"]),
        (["running", "partial_succeeded"], ["running", "partial_succeeded"]),
        (["canceled"], ["canceled"]),
        (["cancelled"], ["cancelled"]),
        (["meditating", "running", "failed"], ["meditating", "running", "failed"]),
        ([httpx.Response(500), "succeeded"], ["succeeded"]),
        (
            [httpx.ReadTimeout("half open"), "running", httpx.ConnectError("restarting"), "succeeded"],
            ["running", "succeeded"],
        ),
        ([httpx.Response(429, headers={"Retry-After": "1"}), "succeeded"], ["succeeded"]),
        ([httpx.Response(200, json={"id": "r-9", "status_code": "failed"}), "succeeded"], ["succeeded"]),
        ([httpx.Response(404), httpx.Response(404), "succeeded"], ["succeeded"]),
    ],
)
async def test_a_run_is_followed_to_its_end_through_passing_trouble(states, seen):
    service = Service(states=states)

    async with client_of(service) as client:
        await created(service, client)
        assert await collected(client) == seen


@pytest.mark.parametrize(("answer", "kind"), [(httpx.Response(404), NotFoundError), (httpx.Response(401), AuthError)])
async def test_a_run_that_is_gone_or_forbidden_is_not_asked_for_for_ever(answer, kind):
    service = Service(states=[answer])

    async with client_of(service) as client:
        await created(service, client)
        with pytest.raises(kind):
            await collected(client)


async def test_a_run_that_does_not_end_is_left_with_its_id_and_key():
    service = Service(states=["running"])

    async with client_of(service) as client:
        await created(service, client)
        with pytest.raises(RunTimeout, match="state is running") as failure:
            await collected(client, timeout_s=0.001, key="k-1")

    assert (failure.value.run_id, failure.value.key, failure.value.state.status) == ("r-1", "k-1", "running")


async def test_a_callback_wakes_the_one_who_waits():
    wake = asyncio.Event()
    service = Service(states=["running", "succeeded"])
    client = Client(transport=httpx.MockTransport(service), pace=Pace(scale=1000))

    async with client:
        await created(service, client)
        states = client.follow("r-1", wake=wake)
        first = await anext(states)
        wake.set()
        second = await asyncio.wait_for(anext(states), 5)

    assert (first.status, second.status) == ("running", "succeeded")


async def test_a_batch_is_sent_once_and_within_its_limits():
    def answer(request):
        answer.seen.append(json.loads(request.content))
        return httpx.Response(201, json={"id": "b", "status_code": "queued", "items_total": 2})

    answer.seen = []
    async with client_of(answer) as client:
        batch = await client.create_batch(MODEL, [{"a": 1}, {"a": 2}], metadata={"m": 1})
        with pytest.raises(InputError, match="takes 1 to 100"):
            await client.create_batch(MODEL, [])
        with pytest.raises(InputError, match="has 101 inputs"):
            await client.create_batch(MODEL, [{}] * 101)

    assert batch.total == 2
    assert answer.seen == [{"input": [{"a": 1}, {"a": 2}], "metadata": {"m": 1}}]
