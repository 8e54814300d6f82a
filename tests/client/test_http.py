from __future__ import annotations

import asyncio
import socket
import traceback

import httpx
import pytest

from runflow_widgets.client import Client, Limits, Pace
from runflow_widgets.errors import ApiError, NotFoundError, RateLimited, RejectedError, ServiceError, TransportError


def client_of(handler, **settings):
    return Client("rf_live_0123456789", transport=httpx.MockTransport(handler), pace=Pace(scale=0), **settings)


def script(*answers):
    """Answers, or exceptions, given one after the other; the last one stays. `.seen` holds the requests."""
    left = list(answers)

    def answer(request):
        answer.seen.append(request)
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    answer.seen = []
    return answer


async def test_a_refusal_carries_the_request_id():
    def refuse(request):
        return httpx.Response(402, text="no credit", headers={"x-request-id": "r-1"})

    async with client_of(refuse) as client:
        with pytest.raises(ApiError, match="no credit") as refusal:
            await client.get_run("run-1")

    assert refusal.value.request_id == "r-1"


@pytest.mark.parametrize(
    "quoted",
    [
        {"json": {"code": "NO_CREDIT", "message": "The key rf_live_0123456789 has no credit."}},
        {"json": {"errors": [{"loc": ["header"], "msg": "rf_live_0123456789 is old"}]}},
        {"text": "<p>Bearer rf_live_0123456789"},
        {"text": "no", "headers": {"runflow-request-id": "rf_live_0123456789"}},
    ],
)
async def test_a_key_that_the_service_quotes_does_not_get_into_the_error(quoted):
    async with client_of(script(httpx.Response(402, **quoted))) as client:
        with pytest.raises(ApiError) as refusal:
            await client.get_run("run-1")

    told = repr(refusal.value) + repr(vars(refusal.value))
    assert "rf_live_" not in told
    assert "...6789" in told


async def test_a_key_that_the_service_quotes_does_not_get_into_a_run():
    state = {"id": "run-1", "status_code": "failed", "failure_message": "rf_live_0123456789 may not do this"}

    async with client_of(script(httpx.Response(200, json=state))) as client:
        run = await client.get_run("run-1")

    assert run.failure_message == "...6789 may not do this"


async def test_a_traceback_with_all_variables_does_not_show_the_key():
    free = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{free.getsockname()[1]}"
    free.close()

    async with Client("rf_live_" + "0123456789", base_url=address, pace=Pace(scale=0)) as client:
        with pytest.raises(TransportError) as failure:
            await client.get_run("run-1")
    told = traceback.TracebackException.from_exception(failure.value, capture_locals=True).format()

    assert "rf_live_0123456789" not in "".join(told)


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(503, json={"code": "BUSY", "message": "m"}),
        httpx.Response(429, json={"code": "RATE_LIMITED", "message": "m"}),
        httpx.Response(429, headers={"Retry-After": "1"}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut short"),
        httpx.Response(200, text="<html>a page</html>"),
    ],
)
async def test_reading_goes_on_after_passing_trouble(trouble):
    handler = script(trouble, httpx.Response(200, json={"status": "ok"}))

    async with client_of(handler) as client:
        health = await client.health()

    assert health == {"status": "ok"}
    assert len(handler.seen) == 2


async def test_reading_ends_after_five_attempts_with_the_last_refusal():
    handler = script(httpx.Response(500, json={"message": "broken"}))

    async with client_of(handler) as client:
        with pytest.raises(ServiceError, match="broken"):
            await client.health()

    assert len(handler.seen) == 5


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422])
async def test_a_refusal_is_not_argued_with(status):
    handler = script(httpx.Response(status, json={"message": "no"}))

    async with client_of(handler) as client:
        with pytest.raises(ApiError):
            await client.health()

    assert len(handler.seen) == 1


async def test_a_service_that_asks_for_an_hour_is_not_waited_for():
    handler = script(httpx.Response(429, headers={"Retry-After": "3600"}))

    async with client_of(handler) as client:
        with pytest.raises(RateLimited) as refusal:
            await client.health()

    assert refusal.value.retry_after_s == 3600
    assert len(handler.seen) == 1


@pytest.mark.parametrize("trouble", [httpx.ReadTimeout("slow"), httpx.Response(500)])
async def test_what_may_have_been_done_is_not_done_twice(trouble):
    handler = script(trouble)

    async with client_of(handler) as client:
        with pytest.raises((TransportError, ServiceError)):
            await client.create_callback_secret("label")

    assert len(handler.seen) == 1


async def test_a_transport_without_time_limits_is_limited_all_the_same():
    async def never(request):
        await asyncio.Event().wait()

    async with client_of(never, limits=Limits(whole_s=0.01)) as client:
        with pytest.raises(TransportError, match="took too long") as failure:
            await client.health()

    assert failure.value.sent


async def test_one_429_holds_back_every_request():
    handler = script(httpx.Response(429, headers={"Retry-After": "60"}), httpx.Response(200, json={}))

    async with Client(transport=httpx.MockTransport(handler), pace=Pace(scale=0.001)) as client:
        first = asyncio.ensure_future(client.health())
        while not handler.seen:
            await asyncio.sleep(0)
        second = asyncio.ensure_future(client.readiness())
        for _ in range(10):
            await asyncio.sleep(0)
        sent_meanwhile = len(handler.seen)
        await asyncio.gather(first, second)

    assert (sent_meanwhile, len(handler.seen)) == (1, 3)


async def test_the_gate_lets_nothing_through_before_its_time():
    handler = script(httpx.Response(200, json={}))

    async with Client(transport=httpx.MockTransport(handler), pace=Pace(scale=0.001)) as client:
        client.http.gate.hold(60)
        waiting = asyncio.ensure_future(client.health())
        await asyncio.sleep(0)
        sent_at_once = len(handler.seen)
        await waiting

    assert (sent_at_once, len(handler.seen)) == (0, 1)


async def test_a_list_is_walked_to_its_end():
    def answer(request):
        cursor = request.url.params.get("pq")
        pages = {None: (["a"], "2"), "2": (["b"], "3"), "3": (["c"], None)}
        names, following = pages[cursor]
        return httpx.Response(200, json={"items": [{"id": name} for name in names], "next": following})

    async with client_of(answer) as client:
        found = [item["id"] async for item in client.each_run(limit=1)]

    assert found == ["a", "b", "c"]


async def test_a_list_whose_cursor_comes_back_ends():
    handler = script(httpx.Response(200, json={"items": [{"id": "a"}], "next": "same"}))

    async with client_of(handler) as client:
        found = [item async for item in client.each_run()]

    assert len(found) == 2


async def test_booleans_and_nothing_travel_as_the_service_reads_them():
    handler = script(httpx.Response(200, json={"id": "r"}))

    async with client_of(handler) as client:
        await client.get_run("r", add_signature=True)
        await client.get_run("r")

    assert [str(request.url.query, "ascii") for request in handler.seen] == ["add_signature=true", ""]


async def test_an_organisation_is_named_in_a_header():
    handler = script(httpx.Response(200, json={}))

    async with client_of(handler, organization_id="org-1") as client:
        await client.health()

    assert handler.seen[0].headers["x-organization-id"] == "org-1"


async def test_a_redirect_is_not_followed_with_the_key():
    handler = script(httpx.Response(307, headers={"location": "https://elsewhere.example/"}))

    async with client_of(handler) as client:
        with pytest.raises(RejectedError):
            await client.health()

    assert [request.url.host for request in handler.seen] == ["api.runflow.io"]


ENDPOINTS = [
    ("list_models", (), "GET", "/v1/models"),
    ("list_public_models", (), "GET", "/v1/public/models"),
    ("get_model", ("bria/background/remove",), "GET", "/v1/models/bria/background/remove"),
    ("list_model_creators", (), "GET", "/v1/model-creators"),
    ("list_model_pricing", (), "GET", "/v1/models/any/pricing"),
    ("list_model_examples", ("m-1",), "GET", "/v1/models/m-1/examples"),
    ("get_model_example", ("e-1",), "GET", "/v1/models/any/examples/e-1"),
    ("get_run", ("r",), "GET", "/v1/runs/r"),
    ("list_runs", (), "GET", "/v1/runs"),
    ("run_statuses", (), "GET", "/v1/runs/statuses"),
    ("run_logs", ("r",), "GET", "/v1/runs/r/logs"),
    ("run_log", ("l",), "GET", "/v1/runs/any/logs/l"),
    ("run_node_run", ("n", "r"), "GET", "/v1/runs/r/node-runs/n"),
    ("run_node_runs", (), "GET", "/v1/runs/any/node-runs"),
    ("run_deliveries", ("r",), "GET", "/v1/runs/r/callback"),
    ("redeliver", ("r",), "POST", "/v1/runs/r/callback-redeliveries"),
    ("run_evaluations", ("r",), "GET", "/v1/runs/r/evaluations"),
    ("cancel_run", ("r",), "POST", "/v1/runs/r/cancellation"),
    ("get_batch", ("b",), "GET", "/v1/batches/b"),
    ("batch_items", ("b",), "GET", "/v1/batches/b/items"),
    ("get_asset", ("a",), "GET", "/v1/assets/a"),
    ("list_assets", (), "GET", "/v1/assets"),
    ("asset_types", (), "GET", "/v1/assets/types"),
    ("delete_asset", ("a",), "DELETE", "/v1/assets/a"),
    ("list_asset_folders", (), "GET", "/v1/asset-folders"),
    ("create_asset_folder", ("f",), "POST", "/v1/asset-folders"),
    ("create_callback_secret", (), "POST", "/v1/callback-secrets"),
    ("list_callback_secrets", (), "GET", "/v1/callback-secrets"),
    ("delete_callback_secret", ("s",), "DELETE", "/v1/callback-secrets/s"),
    ("list_webhooks", (), "GET", "/v1/webhooks"),
    ("create_webhook", ({"url": "https://x"},), "POST", "/v1/webhooks"),
    ("get_webhook", ("w",), "GET", "/v1/webhooks/w"),
    ("update_webhook", ("w", {}), "PATCH", "/v1/webhooks/w"),
    ("delete_webhook", ("w",), "DELETE", "/v1/webhooks/w"),
    ("webhook_event_types", (), "GET", "/v1/webhooks/event-types"),
    ("webhook_deliveries", (), "GET", "/v1/webhooks/any/deliveries"),
    ("webhook_attempts", ("d",), "GET", "/v1/webhooks/any/deliveries/d/attempts"),
    ("get_evaluation", ("e",), "GET", "/v1/evaluations/e"),
    ("list_evaluations", (), "GET", "/v1/evaluations"),
    ("evaluation_statuses", (), "GET", "/v1/evaluations/statuses"),
    ("evaluation_job_classes", (), "GET", "/v1/evaluations/job-classes"),
    ("create_evaluation", ("https://x/y.png", "headshot"), "POST", "/v1/evaluations"),
    ("give_evaluation_feedback", ("e",), "PATCH", "/v1/evaluations/e/feedback"),
    ("give_run_feedback", ("r", "e"), "PATCH", "/v1/runs/r/evaluations/e/feedback"),
    ("balance", (), "GET", "/v1/billing/balance"),
    ("credit_balances", (), "GET", "/v1/credit-balances"),
    ("set_low_balance_alert", (5,), "PATCH", "/v1/billing/balance"),
    ("health", (), "GET", "/v1/health"),
    ("readiness", (), "GET", "/v1/readiness"),
    ("me", (), "GET", "/v1/auth/me"),
]
NEEDS = {
    "give_evaluation_feedback": {"is_positive": True},
    "give_run_feedback": {"is_positive": None},
    "set_low_balance_alert": {"updated_at": "2026-01-01T00:00:00+00:00"},
}


@pytest.mark.parametrize(("name", "arguments", "method", "path"), ENDPOINTS, ids=[entry[0] for entry in ENDPOINTS])
async def test_each_method_asks_its_endpoint(name, arguments, method, path):
    asked_for = arguments[0] if arguments else "x"
    handler = script(httpx.Response(200, json={"id": asked_for, "items": []}))

    async with client_of(handler) as client:
        await getattr(client, name)(*arguments, **NEEDS.get(name, {}))

    assert (handler.seen[0].method, handler.seen[0].url.path) == (method, path)


@pytest.mark.parametrize(
    ("body", "dollars"),
    [({"balance": "12.50"}, "12.50"), ({"balance_usd": 3}, "3"), ({"balance_cents": 1245}, "12.45"), ({}, "None")],
)
async def test_a_balance_is_read_in_every_known_spelling(body, dollars):
    async with client_of(script(httpx.Response(200, json=body))) as client:
        assert str(await client.balance()) == dollars


async def test_a_run_that_is_gone_is_a_sentence():
    handler = script(httpx.Response(404, json={"code": "RUN_NOT_FOUND", "message": "There is no such run."}))

    async with client_of(handler) as client:
        with pytest.raises(NotFoundError, match="no such run"):
            await client.get_run("gone")
