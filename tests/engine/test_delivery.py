"""Callbacks: what they say, how they are signed, how often they are tried."""

import hashlib
import hmac
import json

import pytest

from runflow_widgets.wire import read_time

HOOK = "https://receiver.test/hook"


async def test_a_success_is_posted_in_the_envelope_of_the_model_pages(open_world):
    async with open_world() as world:
        run = await world.run(callback_url=HOOK, metadata={"order": 7})

        [(url, body, headers)] = world.outside.posts
        payload = json.loads(body)
        assert url == HOOK
        assert headers["Runflow-Request-Id"] == run["request_id"]
        assert "Runflow-Signature" not in headers
        assert [*payload] == [
            "event", "run_id", "status", "output", "duration_ms", "created_at", "completed_at", "metadata",
        ]  # fmt: skip
        assert (payload["event"], payload["run_id"], payload["status"]) == ("run.completed", run["id"], "succeeded")
        assert payload["output"]["image_urls"][0].startswith("http://engine.test/v1/files/")
        assert payload["metadata"] == {"order": 7}
        assert payload["completed_at"].endswith("+00:00")
        assert read_time(payload["created_at"])


async def test_a_failure_carries_the_error_and_a_cancellation_nothing(open_world):
    async with open_world() as world:
        await world.run(callback_url=HOOK, input={"image_url": "https://pictures.test/gone.png"})
        created = await world.create(callback_url=HOOK)
        await world.client.post(f"/v1/runs/{created.json()['id']}/cancellation")
        await world.service.idle()

        failed, cancelled = world.outside.payloads
        assert (failed["event"], failed["status"]) == ("run.failed", "failed")
        assert failed["output"]["code"] == "INPUT_FETCH_FAILED"
        assert (cancelled["event"], cancelled["status"], cancelled["output"]) == ("run.cancelled", "cancelled", None)


async def test_the_newest_secret_signs_the_very_bytes(open_world):
    async with open_world() as world:
        await world.client.post("/v1/callback-secrets", json={"label": "old"})
        new = (await world.client.post("/v1/callback-secrets", json={})).json()
        await world.run(callback_url=HOOK)

        [(_, body, headers)] = world.outside.posts
        wanted = hmac.new(new["plain_secret"].encode(), body, hashlib.sha256).hexdigest()
        assert headers["Runflow-Signature"] == wanted
        listed = (await world.get("/v1/callback-secrets"))["items"]
        assert [(secret["is_current"], secret["label"]) for secret in listed] == [(True, None), (False, "old")]
        assert "plain_secret" not in listed[0]
        assert listed[0]["last_used_at"]


async def test_a_deleted_secret_signs_no_more(open_world):
    async with open_world() as world:
        secret = (await world.client.post("/v1/callback-secrets")).json()
        gone = await world.client.delete(f"/v1/callback-secrets/{secret['id']}")
        again = await world.client.delete(f"/v1/callback-secrets/{secret['id']}")
        await world.run(callback_url=HOOK)

        assert (gone.status_code, again.status_code) == (204, 404)
        assert "Runflow-Signature" not in world.outside.posts[0][2]


@pytest.mark.parametrize(
    ("answers", "tried", "status", "reason"),
    [
        ([200], [200], "delivered", None),
        ([500, 503, 204], [500, 503, 204], "delivered", None),
        ([500, None, 502], [500, None, 502], "failed", "http_error"),
        ([None, None, None], [None, None, None], "failed", "network_error"),
        ([404], [404], "failed", "http_error"),
        ([302], [302], "failed", "http_error"),
    ],
)
async def test_only_server_and_network_errors_are_repeated_and_each_attempt_is_recorded(
    open_world, answers, tried, status, reason
):
    async with open_world() as world:
        world.outside.answers = answers
        run = await world.run(callback_url=HOOK)

        [delivery] = await world.get(f"/v1/runs/{run['id']}/callback")
        bodies = {body for _, body, _ in world.outside.posts}
        assert [attempt["status_code"] for attempt in delivery["attempts"]] == tried
        assert [attempt["attempt_number"] for attempt in delivery["attempts"]] == [*range(1, len(tried) + 1)]
        assert (delivery["status_code"], delivery["failure_reason_code"]) == (status, reason)
        assert (delivery["attempt_count"], delivery["max_attempts"]) == (len(tried), 3)
        assert delivery["attempts"][0]["response_body"] == "seen"
        assert delivery["attempts"][0]["response_time_ms"] == 2.0
        assert len(bodies) == 1
        assert delivery["payload"]["run_id"] == run["id"]


async def test_a_callback_can_be_sent_again(open_world):
    async with open_world() as world:
        run = await world.run(callback_url=HOOK)

        again = await world.client.post(f"/v1/runs/{run['id']}/callback-redeliveries")
        await world.service.idle()

        deliveries = await world.get(f"/v1/runs/{run['id']}/callback")
        assert again.status_code == 201
        assert [delivery["is_automatic"] for delivery in deliveries] == [True, False]
        assert len(world.outside.posts) == 2
        assert world.outside.payloads[1]["status"] == "succeeded"


async def test_there_is_nothing_to_send_again_while_a_run_is_open_or_has_no_receiver(open_world):
    async with open_world() as world:
        silent = await world.run()
        world.pool.go_on.clear()
        opened = (await world.create(callback_url=HOOK)).json()

        answers = [await world.client.post(f"/v1/runs/{run['id']}/callback-redeliveries") for run in (silent, opened)]

        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "CONFLICT")] * 2


async def test_a_delivery_under_way_is_finished_after_a_restart(open_world):
    async with open_world(retry_waits_s=(3600,)) as world:
        world.outside.answers = [500]
        created = await world.create(callback_url=HOOK)
        await world.service.core.jobs.tasks[created.json()["id"]]
        while not world.outside.posts:
            await world.client.get("/v1/health")

    async with open_world() as world:
        await world.client.get("/v1/health")
        await world.service.idle()
        [delivery] = await world.get(f"/v1/runs/{created.json()['id']}/callback")

    assert [attempt["status_code"] for attempt in delivery["attempts"]] == [500, 200]
    assert delivery["status_code"] == "delivered"
