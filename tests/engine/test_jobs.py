"""The life of a run, from its creation to its end, and what can come between."""

import asyncio
import base64
from collections import Counter

import pytest

from runflow_widgets.engine.workers import WorkFailed
from runflow_widgets.wire import output_links, read_time

CUT = "/v1/models/bria/background/remove/runs"


async def test_a_new_run_is_answered_whole_and_at_once(open_world, photo_url):
    async with open_world() as world:
        answer = await world.create(client_ref="mine", metadata={"any": [1]})

        run = answer.json()
        assert answer.status_code == 201
        assert answer.headers["runflow-poll-after-ms"] == "50"
        assert run["status_code"] == "queued"
        assert run["input"] == {"image_url": photo_url}
        assert (run["client_ref"], run["metadata"], run["cost"]) == ("mine", {"any": [1]}, "0.00")
        assert run["request_id"] == answer.headers["runflow-request-id"]
        assert run["context"]["model"] == "runflow/tag-removal"
        assert not [name for name in run if name.startswith("_")]


async def test_a_run_ends_with_links_that_can_be_followed(open_world, photo):
    async with open_world() as world:
        run = await world.run()
        link = run["output"]["image_urls"][0]
        file = await world.client.get(link)

        assert run["status_code"] == "succeeded"
        assert run["context"]["progress"] == 1.0
        assert read_time(run["created_at"]) <= read_time(run["started_at"]) <= read_time(run["completed_at"])
        assert run["duration_ms"] >= 0
        assert link.startswith("http://engine.test/v1/files/runs/")
        assert (file.content, file.headers["content-type"]) == (photo, "image/png")
        assert file.headers["x-content-type-options"] == "nosniff"


async def test_the_other_family_of_outputs_has_sizes_seed_and_timing(open_world):
    async with open_world() as world:
        run = await world.run(CUT)

        output = run["output"]
        assert [(entry["type"], entry["width"], entry["height"]) for entry in output["outputs"]] == [("image", 1, 1)]
        assert output["timing"] == {"inference_ms": 1.5}
        assert output["seed"] is None
        assert output["nsfw_detected"] is None
        assert len(output_links(output)) == 1


async def test_the_end_of_a_run_is_told_once_however_it_ends(open_world):
    async with open_world() as world:
        over = []
        world.service.core.jobs.when_over = over.append
        good = (await world.run())["id"]
        world.pool.failure = WorkFailed("MODEL_ERROR", "It broke.")

        bad = (await world.run())["id"]

        assert over == [good, bad]


async def test_a_run_says_which_worker_did_it_where_that_is_known(open_world):
    async with open_world() as world:
        unknown = await world.run()
        world.pool.worker = "0 at tcp://there"

        known = await world.run()

        assert "worker" not in unknown["context"]
        assert known["context"]["worker"] == "0 at tcp://there"


async def test_a_running_run_says_how_far_it_is(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        run_id = (await world.create()).json()["id"]
        await world.pool.begun.wait()

        run = await world.get(f"/v1/runs/{run_id}")
        listed = (await world.get("/v1/runs"))["items"][0]

        assert run["status_code"] == "running"
        assert run["context"]["progress"] == 0.5
        assert run["context"]["note"] == "Half of it is copied."
        assert listed["context"] == run["context"]


async def test_what_does_not_fit_the_workers_stays_queued(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        ids = [(await world.create()).json()["id"] for _ in range(5)]
        # Two at work, as many with their files at hand, and the rest in line.
        before = await come_to(world, ids, {"running": 2, "dispatching": 2, "queued": 1})
        files_of_the_last = await world.get(f"/v1/runs/{ids[4]}/logs")
        world.pool.go_on.set()
        await world.service.idle()

        assert before[4] == "queued"
        assert [line["message"] for line in files_of_the_last["items"]] == ["Accepted for runflow/tag-removal."]
        assert await states_of(world, ids) == ["succeeded"] * 5


async def states_of(world, ids):
    return [(await world.get(f"/v1/runs/{run_id}"))["status_code"] for run_id in ids]


async def come_to(world, ids, counts):
    async with asyncio.timeout(30):
        while Counter(states := await states_of(world, ids)) != counts:
            await asyncio.sleep(0)
    return states


async def test_a_run_that_is_cancelled_while_the_next_in_line_costs_no_worker(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        ids = [(await world.create()).json()["id"] for _ in range(4)]
        next_one = (await come_to(world, ids, {"running": 2, "dispatching": 2})).index("dispatching")

        await world.client.post(f"/v1/runs/{ids[next_one]}/cancellation")
        world.pool.go_on.set()
        await world.service.idle()

        assert Counter(after := await states_of(world, ids)) == {"succeeded": 3, "cancelled": 1}
        assert after[next_one] == "cancelled"
        assert len(world.pool.orders) == 3


@pytest.mark.parametrize(
    ("failure", "code", "stage"),
    [
        (WorkFailed("WORKER_DIED", "The worker died."), "WORKER_DIED", "execute"),
        (WorkFailed("MASK_EMPTY", "All black.", stage="preprocess"), "MASK_EMPTY", "preprocess"),
        (ZeroDivisionError(), "INTERNAL_ERROR", "execute"),
    ],
)
async def test_a_failure_ends_this_run_and_no_other(open_world, tmp_path, failure, code, stage):
    async with open_world() as world:
        world.pool.failure = failure
        failed = await world.run()
        world.pool.failure = None
        other = await world.run()

        assert (failed["status_code"], failed["failure_code"], failed["failure_stage_code"]) == ("failed", code, stage)
        assert failed["failure_message"]
        assert failed["output"] is None
        assert other["status_code"] == "succeeded"
        assert [folder.name for folder in (tmp_path / "service" / "outputs").iterdir()] == [other["id"]]
        assert not [*(tmp_path / "service" / "work").iterdir()]


async def test_an_input_that_cannot_be_fetched_fails_the_run(open_world):
    async with open_world() as world:
        run = await world.run(input={"image_url": "https://pictures.test/gone.png"})

        assert (run["failure_code"], run["failure_stage_code"]) == ("INPUT_FETCH_FAILED", "preprocess")
        assert run["failure_message"] == "https://pictures.test/gone.png answered 404."
        assert world.pool.orders == []


@pytest.mark.parametrize("name", ["../../service.sqlite3", "missing.png", "/etc/passwd"])
async def test_a_result_that_is_not_where_it_belongs_fails_the_run(open_world, name):
    async with open_world() as world:
        world.pool.file_name = name

        run = await world.run()

        assert run["failure_code"] == "MODEL_ERROR"


async def test_a_data_uri_becomes_an_asset_and_is_kept_once(open_world, photo_data_uri):
    async with open_world() as world:
        first = await world.run(input={"image_url": photo_data_uri})
        second = await world.run(input={"image_url": photo_data_uri})
        assets = await world.get("/v1/assets")

        assert first["status_code"] == "succeeded"
        assert first["input"] == second["input"] == {"image_url": f"runflow://assets/{assets['items'][0]['id']}"}
        assert len(assets["items"]) == 1


async def test_an_asset_and_another_run_s_output_are_read_from_disk(open_world, photo):
    async with open_world() as world:
        asset = (await world.upload()).json()
        world.outside.pages.clear()

        first = await world.run(input={"image_url": f"runflow://assets/{asset['id']}"})
        second = await world.run(input={"image_url": first["output"]["image_urls"][0]})

        assert (first["status_code"], second["status_code"]) == ("succeeded", "succeeded")
        assert (await world.client.get(second["output"]["image_urls"][0])).content == photo


async def test_an_asset_deleted_before_its_run_begins_fails_the_run(open_world):
    async with open_world() as world:
        asset = (await world.upload()).json()
        world.pool.go_on.clear()
        for _ in range(world.pool.size):
            await world.create()
        created = await world.create(input={"image_url": f"runflow://assets/{asset['id']}"})
        await world.client.delete(f"/v1/assets/{asset['id']}")
        world.pool.go_on.set()
        await world.service.idle()

        run = await world.get(f"/v1/runs/{created.json()['id']}")

        assert run["failure_code"] == "INPUT_FETCH_FAILED"


async def test_an_inline_result_is_a_data_uri_and_not_kept(open_world, photo, photo_url, tmp_path):
    async with open_world() as world:
        run = await world.run(CUT, input={"image_url": photo_url, "sync_mode": True})
        listed = (await world.get("/v1/runs"))["items"][0]

    async with open_world() as world:
        later = await world.get(f"/v1/runs/{run['id']}")

    uri = run["output"]["outputs"][0]["url"]
    assert uri == "data:image/png;base64," + base64.b64encode(photo).decode()
    assert listed["output"] is None
    assert later["output"] is None
    assert later["status_code"] == "succeeded"
    assert not [*(tmp_path / "service" / "outputs").iterdir()]


async def test_cancelling_stops_the_work_and_is_final(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        run_id = (await world.create()).json()["id"]
        await world.pool.begun.wait()

        first = await world.client.post(f"/v1/runs/{run_id}/cancellation", json={"reason": "no longer needed"})
        second = await world.client.post(f"/v1/runs/{run_id}/cancellation")
        await world.service.idle()

        assert (first.status_code, first.json()["status_code"]) == (201, "cancelled")
        assert (second.status_code, second.json()["status_code"]) == (200, "cancelled")
        assert len(world.pool.stopped) == 1
        assert (await world.get(f"/v1/runs/{run_id}"))["status_code"] == "cancelled"


async def test_a_queued_run_can_be_cancelled_too(open_world):
    async with open_world() as world:
        run_id = (await world.create()).json()["id"]

        answer = await world.client.post(f"/v1/runs/{run_id}/cancellation")
        await world.service.idle()

        assert answer.status_code == 201
        assert world.pool.orders == []


async def test_the_log_tells_the_story_in_order(open_world):
    async with open_world() as world:
        run = await world.run()

        log = await world.get(f"/v1/runs/{run['id']}/logs")
        embedded = await world.get(f"/v1/runs/{run['id']}", embed="logs,node_runs")

        assert [(line["level_code"], line["message"]) for line in log["items"]] == [
            ("info", "Accepted for runflow/tag-removal."),
            ("info", "1 input fetched."),
            ("warning", "It was only copied."),
            ("info", "Done."),
        ]
        assert all(read_time(line["timestamp"]) for line in log["items"])
        assert embedded["logs"] == log["items"]


async def test_a_restart_fails_what_was_under_way_and_tells_the_receiver(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        run_id = (await world.create(callback_url="https://receiver.test/hook")).json()["id"]
        await world.pool.begun.wait()

    async with open_world() as world:
        run = await world.get(f"/v1/runs/{run_id}")
        await world.service.idle()

    assert (run["status_code"], run["failure_code"]) == ("failed", "SERVICE_RESTARTED")
    assert "create the run again" in run["failure_message"]
    assert [payload["event"] for payload in world.outside.payloads] == ["run.failed"]


async def test_a_service_that_resumes_begins_again_what_was_under_way(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        ids = [(await world.create()).json()["id"] for _ in range(5)]
        while len(world.pool.orders) < 2:
            await asyncio.sleep(0)

    async with open_world(resume=True) as world:
        await world.service.take_up()
        await world.service.idle()
        runs = [await world.get(f"/v1/runs/{run_id}") for run_id in ids]
        log = await world.get(f"/v1/runs/{ids[0]}/logs")

    assert [run["status_code"] for run in runs] == ["succeeded"] * 5
    assert len(world.pool.orders) == 5
    assert all(run["started_at"] and run["output"] for run in runs)
    assert "waits for its turn again" in str([line["message"] for line in log["items"]])


async def test_a_run_with_which_the_service_stops_twice_is_not_begun_a_third_time(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        run_id = (await world.create()).json()["id"]
        await world.pool.begun.wait()
    async with open_world(resume=True) as world:
        world.pool.go_on.clear()
        await world.get(f"/v1/runs/{run_id}")
        await world.pool.begun.wait()

    async with open_world(resume=True) as world:
        run = await world.get(f"/v1/runs/{run_id}")
        await world.service.idle()

    assert (run["status_code"], run["failure_code"]) == ("failed", "SERVICE_RESTARTED")
    assert world.pool.orders == []


async def test_a_run_that_never_began_is_not_to_blame_for_the_stops(open_world):
    async with open_world() as world:
        world.pool.go_on.clear()
        ids = [(await world.create()).json()["id"] for _ in range(5)]
        await world.pool.begun.wait()
    for _ in range(2):
        async with open_world(resume=True) as world:
            world.pool.go_on.clear()
            await world.get(f"/v1/runs/{ids[4]}")
            await world.pool.begun.wait()

    async with open_world(resume=True) as world:
        await world.get(f"/v1/runs/{ids[4]}")
        await world.service.idle()
        last = await world.get(f"/v1/runs/{ids[4]}")

    assert last["status_code"] == "succeeded"


async def test_a_second_service_on_the_folder_leaves_the_first_one_s_runs_alone_until_it_is_gone(open_world):
    async with open_world() as second:
        async with open_world() as first:
            first.pool.go_on.clear()
            run_id = (await first.create()).json()["id"]
            await first.pool.begun.wait()
            seen = await second.get(f"/v1/runs/{run_id}")

        left = await second.get(f"/v1/runs/{run_id}")

    assert seen["status_code"] == "running"
    assert (left["status_code"], left["failure_code"]) == ("failed", "SERVICE_RESTARTED")


async def test_a_batch_is_accepted_whole_and_told_of_once(open_world, photo_url):
    async with open_world() as world:
        body = {
            "input": [{"image_url": photo_url, "client_ref": "a"}, {"image_url": "https://pictures.test/gone.png"}],
            "callback_url": "https://receiver.test/hook",
            "metadata": {"order": 7},
        }
        created = await world.client.post("/v1/models/runflow/tag-removal/batches", json=body)
        await world.service.idle()
        batch = await world.get(f"/v1/batches/{created.json()['id']}")
        items = (await world.get(f"/v1/batches/{batch['id']}/items"))["items"]

        assert created.status_code == 201
        assert created.json()["status_code"] == "queued"
        assert [item["status_code"] for item in created.json()["items"]] == ["queued", "queued"]
        assert batch["status_code"] == "partial_succeeded"
        assert (batch["items_total"], batch["items_succeeded"], batch["items_failed"]) == (2, 1, 1)
        assert [(item["sequence_index"], item["status_code"], item["client_ref"]) for item in items] == [
            (0, "succeeded", "a"),
            (1, "failed", None),
        ]
        assert items[0]["run"]["id"] == items[0]["run_id"] != items[0]["id"]
        assert items[1]["error"]["code"] == "INPUT_FETCH_FAILED"
        [payload] = world.outside.payloads
        assert payload["event"] == "run.partial_succeeded"
        assert payload["batch_id"] == batch["id"]
        assert payload["metadata"] == {"order": 7}
        assert {name: payload["output"][name] for name in ("succeeded", "failed", "cancelled", "total")} == {
            "succeeded": 1,
            "failed": 1,
            "cancelled": 0,
            "total": 2,
        }


async def test_a_batch_with_one_wrong_item_creates_nothing(open_world, photo_url):
    async with open_world() as world:
        body = {"items": [{"input": {"image_url": photo_url}}, {"input": {"image_url": 7}}, {"input": []}]}

        answer = await world.client.post("/v1/models/runflow/tag-removal/batches", json=body)

        assert answer.status_code == 422
        assert [error["loc"] for error in answer.json()["errors"]] == [
            ["body", "input", 2],
            ["body", "input", 1, "image_url"],
        ]
        assert (await world.get("/v1/runs"))["items"] == []


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": {}}, {"input": [{}] * 101}, {"items": "x"}])
async def test_a_batch_takes_one_to_a_hundred_items(open_world, body):
    async with open_world() as world:
        answer = await world.client.post("/v1/models/runflow/tag-removal/batches", json=body)

        assert answer.status_code == 422
