"""A run from its start to its results, against the embedded service with the smallest honest work."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import numpy as np
import pytest
from lent import Lent
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import (
    BudgetError,
    ConfigError,
    InputError,
    LedgerError,
    OutputError,
    RunCancelled,
    RunFailed,
    RunTimeout,
)
from runflow_widgets.ledger import Entry, Ledger
from runflow_widgets.portal import shared
from runflow_widgets.presence import Presence
from runflow_widgets.session import Session

MODEL = "bria/background/remove"


@pytest.fixture(scope="module")
def warm():
    """One worker for the whole module; the services come and go."""
    pool = WorkerPool(1, task_module="copy_tasks")
    yield pool
    shared().call(pool.close())


@pytest.fixture
def session(warm):
    return rf.connect(embedded=True, workers=Lent(warm))


@pytest.fixture
def photo():
    return Image.fromarray(np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3))


def until_running(run):
    begun = threading.Event()
    run.watch(lambda run: run.status == "running" and begun.set())
    begun.wait(30)


def remote(answer, **settings):
    client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    return Session(client, "remote", shared(), Ledger(), Catalogue.bundled(), **settings)


# ---------------------------------------------------------------------- the way a run goes


async def test_a_run_is_awaited_and_gives_itself(session, photo):
    run = rf.run(MODEL, image=photo)

    assert await run is run
    assert (run.status, run.cost, run.done) == ("succeeded", Decimal("0.00"), True)
    assert np.array_equal(np.asarray(run.image), np.asarray(photo))


def test_a_run_is_blocked_for(session, photo):
    run = rf.run(MODEL, {"image_url": photo}).result(timeout_s=30)

    assert [output.name for output in run.outputs] == ["01.png"]
    assert run.outputs[0].path.parent.parent.parent.name == "outputs"


def test_five_lines_without_a_key():
    photo = Image.new("RGB", (64, 48), "grey")
    photo.paste("red", (20, 12, 44, 36))
    session = rf.connect()
    run = rf.run("runflow/background-color", image=photo, color_red=1, color_green=2, color_blue=3)

    run.result(timeout_s=60)

    assert session.where == "embedded"
    assert run.image.size == (64, 48)


async def test_every_state_is_seen_in_order_also_when_asked_late(session, photo):
    run = rf.run(MODEL, image=photo)

    early = [state.status async for state in run.states()]
    late = [state.status async for state in run.states()]

    assert list(dict.fromkeys(early)) == late
    assert (late[0], late[-1]) == ("queued", "succeeded")


async def test_states_are_seen_while_the_run_goes_on(slow, finish, photo):
    run = rf.run(MODEL, image=photo)
    seen = []

    async for state in run.states():
        seen.append(state.status)
        if state.status == "running":
            finish()

    assert seen[-1] == "succeeded"


def test_progress_does_not_pile_up(slow, finish, photo):
    run = rf.run(MODEL, image=photo)
    begun = threading.Event()
    run.watch(lambda run: run.progress == 0.5 and begun.set())
    begun.wait(30)
    finish()
    run.result(30)

    statuses = [state.status for state in run._history]

    assert statuses == list(dict.fromkeys(statuses))


def test_a_watcher_that_breaks_does_not_break_the_run(session, photo, caplog):
    run = rf.run(MODEL, image=photo)
    run.watch(lambda run: 1 / 0)

    assert run.result(30).status == "succeeded"
    assert "ZeroDivisionError" in caplog.text


def test_a_run_started_on_one_thread_is_waited_for_on_another(session, photo):
    run = rf.run(MODEL, image=photo)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: run.result(timeout_s=30), range(2)))

    assert results == [run, run]


def test_many_runs_at_once_all_arrive(session, photo):
    runs = [rf.run(MODEL, image=photo.rotate(index)) for index in range(12)]

    assert [run.result(timeout_s=60).status for run in runs] == ["succeeded"] * 12
    assert len({run.key for run in runs}) == 12


def test_the_result_of_one_run_is_the_input_of_the_next(session, photo):
    first = rf.run(MODEL, image=photo).result(30)

    second = rf.run(MODEL, image=first).result(30)
    third = rf.run(MODEL, image=second.outputs[0]).result(30)

    assert np.array_equal(np.asarray(third.image), np.asarray(photo))


def test_a_run_without_a_result_is_no_input(slow, finish, photo):
    run = rf.run(MODEL, image=photo)

    with pytest.raises(InputError, match="has no result"):
        rf.run(MODEL, image=run)

    finish()
    run.result(30)


def test_metadata_and_reference_come_back(session, photo):
    run = rf.run(MODEL, image=photo, metadata={"order": 7}, client_ref="order-7").result(30)

    assert (run.key, run.state.metadata, run.state.client_ref) == ("order-7", {"order": 7}, "order-7")
    with pytest.raises(InputError, match="names an earlier run"):
        rf.run(MODEL, image=photo, client_ref="order-7")


def test_inputs_are_frozen_when_the_run_is_started(session):
    pixels = np.full((4, 4, 3), 10, np.uint8)

    run = rf.run(MODEL, image=pixels)
    pixels[:] = 200
    run.result(30)

    assert np.asarray(run.image).max() == 10


# ---------------------------------------------------------------------- what goes wrong


def test_a_wrong_input_is_said_where_it_was_given_and_leaves_no_record(session):
    with pytest.raises(InputError, match="image_url"):
        rf.run(MODEL)

    assert len(rf.runs()) == 0


def test_an_unknown_model_names_its_neighbours(session, photo):
    with pytest.raises(InputError, match="tag-removal"):
        rf.run("runflow/tag-removel", image=photo)


def test_a_model_that_does_not_run_here_says_what_would_do(session, photo):
    run = rf.run("runflow/skin-fix", image=photo)

    with pytest.raises(rf.RunflowError, match="key") as failure:
        run.result(30)

    assert failure.value.code == "MODEL_UNAVAILABLE"
    assert session.ledger.get(run.key).failure_code == "NOT_SENT"


async def test_a_failed_run_raises_for_everyone_who_waits(session, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))

    run = rf.run(MODEL, image=broken)
    with pytest.raises(RunFailed) as failure:
        await run
    with pytest.raises(RunFailed):
        run.result()

    assert failure.value.run_id == run.id
    assert failure.value.state.failure_code
    assert run.error is failure.value
    with pytest.raises(OutputError, match="no picture"):
        run.image  # noqa: B018


def test_a_wait_that_is_too_short_leaves_the_run_going(slow, finish, photo):
    run = rf.run(MODEL, image=photo)

    with pytest.raises(RunTimeout, match="goes on"):
        run.result(timeout_s=0.05)
    finish()

    assert run.result(30).status == "succeeded"


def test_a_run_that_takes_longer_than_allowed_stays_open_and_is_resumed(slow, finish, photo):
    run = rf.run(MODEL, image=photo, timeout_s=0.2)
    with pytest.raises(RunTimeout):
        run.result(30)
    assert slow.ledger.get(run.key).is_open
    finish()

    (again,) = rf.runs.resume()

    assert again.result(30).image.size == (7, 5)
    assert rf.runs.resume() == []


# ---------------------------------------------------------------------- stopping


def test_an_embedded_run_is_cancelled(slow, photo):
    run = rf.run(MODEL, image=photo)
    until_running(run)

    run.cancel()
    with pytest.raises(RunCancelled):
        run.result(10)

    assert run.status in ("canceled", "cancelled")


def test_a_run_that_waits_in_line_is_cancelled_too(slow, finish, photo):
    first = rf.run(MODEL, image=photo)
    second = rf.run(MODEL, image=photo)

    second.cancel()
    with pytest.raises((RunCancelled, RunTimeout)):
        second.result(10)
    finish()

    assert first.result(30).status == "succeeded"


def test_after_stopping_to_wait_the_run_goes_on_and_is_picked_up_again(slow, finish, photo):
    run = rf.run(MODEL, image=photo)
    until_running(run)

    run.stop_waiting()
    with pytest.raises(RunTimeout, match="Waiting was stopped"):
        run.result(10)
    finish()
    (again,) = rf.runs.resume()

    assert (again.key, again.result(30).status) == (run.key, "succeeded")


def test_the_clock_of_a_run_that_was_given_up_stands_still(slow, finish, photo):
    run = rf.run(MODEL, image=photo)
    until_running(run)
    assert run.elapsed_s < run.elapsed_s

    run.stop_waiting()
    with pytest.raises(RunTimeout):
        run.result(10)

    assert run.elapsed_s == run.elapsed_s > 0
    finish()


async def test_cancelling_an_await_cancels_the_embedded_run(slow, photo):
    run = rf.run(MODEL, image=photo)
    waiting = asyncio.ensure_future(_wait(run))
    async for state in run.states():
        if state.status == "running":
            break

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert run.status in ("canceled", "cancelled")


async def _wait(run):
    await run


def test_a_remote_run_cannot_be_cancelled_and_says_what_can_be_done():
    session = remote(lambda request: httpx.Response(201, json={"id": "r-1", "status_code": "queued"}))
    run = rf.run("runflow/skin-fix", image_url="https://x/y.png", session=session)

    with pytest.raises(ConfigError, match="no public way to cancel") as refusal:
        run.cancel()
    run.stop_waiting()

    assert "stop_waiting" in str(refusal.value)
    session.close()


def test_runs_left_open_by_another_kernel_are_not_cancelled_by_an_interrupt(slow, finish, photo):
    run = rf.run(MODEL, image=photo, timeout_s=0.1)
    with pytest.raises(RunTimeout):
        run.result(30)

    (again,) = rf.runs.resume()
    assert again._interrupted() is False
    finish()

    assert again.result(30).status == "succeeded"


def unsent(session, minutes, sender=None):
    """A run that a kernel put on record so long ago, of which the service knows nothing."""
    entry = Entry("k-1", "runflow/tag-removal", session.service, sender=sender)
    session.ledger.add(replace(entry, created_at=datetime.now(UTC) - timedelta(minutes=minutes)))


@pytest.mark.parametrize(("minutes", "says", "is_open"), [(0, "moments ago", True), (10, "never created", False)])
def test_a_run_that_is_not_known_is_given_up_only_when_nobody_can_be_sending_it(minutes, says, is_open):
    session = remote(lambda request: httpx.Response(200, json={"items": []}))
    unsent(session, minutes)

    (run,) = rf.runs.resume(session=session)
    with pytest.raises(LedgerError, match=says):
        run.result(10)

    assert session.ledger.get("k-1").is_open is is_open
    session.close()


@pytest.mark.parametrize("minutes", [0, 10])
@pytest.mark.parametrize("trouble", [httpx.ConnectError("no line"), httpx.ReadTimeout("lost"), httpx.Response(401)])
def test_a_run_that_the_service_cannot_be_asked_about_stays_open(minutes, trouble):
    def answer(request):
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    session = remote(answer)
    unsent(session, minutes)

    (run,) = rf.runs.resume(session=session)
    with pytest.raises(rf.RunflowError) as failure:
        run.result(20)

    assert failure.value.key == "k-1"
    assert session.ledger.get("k-1").is_open
    session.close()


def test_a_run_that_a_killed_kernel_was_about_to_send_is_given_up_at_once():
    asked = []
    session = remote(lambda request: asked.append(request) or httpx.Response(200, json={"items": []}))
    killed = Presence(session.ledger.path.parent / "present")
    unsent(session, 0, killed.token())
    del killed  # and with it the lock

    (run,) = rf.runs.resume(session=session)
    with pytest.raises(LedgerError, match="never created"):
        run.result(20)

    # What it sent with its last breath is given a little time to appear.
    assert len(asked) == 3
    assert session.ledger.get("k-1").failure_code == "NOT_SENT"
    session.close()


def test_a_run_on_its_way_from_a_kernel_that_lives_is_left_to_it():
    session = remote(lambda request: httpx.Response(200, json={"items": []}))
    other = Presence(session.ledger.path.parent / "present")
    unsent(session, 0, other.token())

    (run,) = rf.runs.resume(session=session)
    with pytest.raises(LedgerError, match="another kernel"):
        run.result(20)

    assert session.ledger.get("k-1").is_open
    session.close()


# ---------------------------------------------------------------------- money


class Paid:
    """A remote service at which every run succeeds at once and costs $0.14."""

    def __init__(self, cost="0.14"):
        self.created = 0
        self.cost = cost

    def __call__(self, request):
        if request.method == "POST":
            self.created += 1
            key = json.loads(request.content)["client_ref"]
            return httpx.Response(201, json={"id": f"r-{self.created}", "status_code": "queued", "client_ref": key})
        run = {"id": request.url.path.rpartition("/")[2], "status_code": "succeeded", "cost": self.cost}
        return httpx.Response(200, json={**run, "output": {"outputs": [{"url": "data:text/plain,x", "type": "text"}]}})


def tag_removal(session):
    return rf.run("runflow/tag-removal", image_url="https://x/y.png", session=session)


def test_a_run_that_would_pass_the_limit_is_not_sent_and_the_sums_are_named():
    service = Paid()
    session = remote(service)
    rf.budget(0.30)

    for _ in range(2):
        tag_removal(session).result(10)
    with pytest.raises(BudgetError, match=r"costs \$0.14; with \$0.28 spent"):
        tag_removal(session)

    assert service.created == 2
    assert len(session.ledger.find()) == 2
    session.close()


def test_past_the_limit_a_run_is_sent_when_that_is_asked_for():
    service = Paid()
    session = remote(service)
    rf.budget(0)

    run = rf.run("runflow/tag-removal", image_url="https://x/y.png", session=session, within_budget=False)

    assert run.result(10).cost is not None
    assert service.created == 1
    session.close()


def test_a_price_that_nobody_knows_is_refused_while_a_limit_is_set():
    session = remote(Paid())
    rf.budget("5")

    with pytest.raises(BudgetError, match="not known"):
        rf.run("runflow/outpaint/aspect-ratio", image_url="https://x/y.png", session=session)

    session.close()


def test_a_limit_holds_for_a_day_across_kernels():
    first = remote(Paid())
    tag_removal(first).result(10)
    first.close()
    rf.budget(0.20, per="day")

    second = remote(Paid())
    with pytest.raises(BudgetError, match="per day"):
        tag_removal(second)

    second.close()


def test_embedded_runs_cost_nothing_and_pass_every_limit(session, photo):
    rf.budget(0)

    run = rf.run(MODEL, image=photo)

    assert (run.price.exact, run.result(30).cost) == (0, Decimal("0.00"))


@pytest.mark.parametrize("limit", ["much", -1, float("nan")])
def test_a_limit_is_an_amount(limit):
    with pytest.raises(InputError, match="0 or more"):
        rf.budget(limit)


def test_a_limit_is_looked_at_and_lifted():
    assert repr(rf.budget("2.50", per="day")) == "at most $2.50 per day"
    assert repr(rf.budget()) == "at most $2.50 per day"
    assert repr(rf.budget(None)) == "no limit"


def test_price_before_and_cost_after_are_both_on_record():
    session = remote(Paid("0.13"))

    run = tag_removal(session)
    before = run.price.text
    run.result(10)
    entry = session.ledger.get(run.key)

    assert (before, run.cost, entry.price, entry.cost) == ("$0.14", Decimal("0.13"), "$0.14", Decimal("0.13"))
    session.close()


# ---------------------------------------------------------------------- afterwards


def test_results_are_saved_under_the_models_name_and_nothing_is_overwritten(session, photo, tmp_path):
    run = rf.run(MODEL, image=photo).result(30)

    first, second = run.save(tmp_path / "out"), run.save(tmp_path / "out")

    assert [path.name for path in first + second] == ["remove-01.png", "remove-01-2.png"]


def test_one_output_is_saved_where_it_is_told(session, photo, tmp_path):
    output = rf.run(MODEL, image=photo).result(30).outputs[0]

    assert output.save(tmp_path / "cut.png") == tmp_path / "cut.png"
    assert output.save(tmp_path) == tmp_path / "01.png"


def test_an_output_shows_as_a_picture(session, photo):
    output = rf.run(MODEL, image=photo).result(30).outputs[0]

    bundle = output._repr_mimebundle_()

    assert bundle["image/png"].startswith(b"\x89PNG")


def test_running_again_takes_changes_and_is_a_new_run(session, photo):
    run = rf.run(MODEL, image=photo).result(30)

    again = run.again(image=photo.rotate(90, expand=True)).result(30)

    assert again.image.size == (5, 7)
    assert again.key != run.key


def test_a_run_of_the_record_needs_its_files_again(session, photo):
    key = rf.run(MODEL, image=photo).result(30).key
    found = rf.runs.get(key)

    with pytest.raises(InputError, match="Pass it again"):
        found.again()

    assert found.again(image_url=photo).result(30).image.size == (7, 5)


def test_a_run_is_found_by_key_and_by_id_with_its_results(session, photo):
    run = rf.run(MODEL, image=photo).result(30)

    assert rf.runs.get(run.key).image.size == (7, 5)
    assert rf.runs.get(run.id).status == "succeeded"
    with pytest.raises(InputError, match="No run 'nothing'"):
        rf.runs.get("nothing")


def test_runs_are_listed_as_text_and_as_a_table(session, photo):
    rf.run(MODEL, image=photo, client_ref="<script>").result(30)

    table = rf.runs(model="background")

    assert "bria/background/remove" in repr(table)
    assert "&lt;script&gt;" in table._repr_html_()
    assert len(table) == 1
    assert table[:1].total_usd == 0
    assert repr(rf.runs(status="failed")) == "No runs on record."
    assert len(rf.runs(since="2000-01-01")) == 1
    with pytest.raises(InputError, match="since"):
        rf.runs(since="yesterday")


def test_the_record_of_a_cancelled_run_closes(slow, photo):
    run = rf.run(MODEL, image=photo)
    until_running(run)
    run.cancel()
    with pytest.raises(RunCancelled):
        run.result(10)

    assert not slow.ledger.get(run.key).is_open


def test_typical_time_is_learned(session, photo):
    assert rf.run(MODEL, image=photo).result(30).typical_s is not None


# ---------------------------------------------------------------------- callbacks


def test_a_callback_settles_the_run_that_is_waited_for(session, photo):
    settled = threading.Event()

    with rf.callbacks.listen(lambda run: settled.set()) as listener:
        run = rf.run(MODEL, image=photo, callback_url=listener.url).result(30)
        assert settled.wait(10)

    assert run.status == "succeeded"


def test_a_run_is_made_from_a_callback_that_nobody_waited_for(session, photo):
    known = rf.run(MODEL, image=photo).result(30)
    payload = {
        "event": "run.completed",
        "run_id": "r-elsewhere",
        "status": "succeeded",
        "output": known.state.output,
        "created_at": "2026-01-01T00:00:00.000+00:00",
    }

    run = rf.Run.from_callback(payload).result(30)

    assert run.image.size == (7, 5)
    assert rf.runs.get("r-elsewhere").status == "succeeded"


def test_a_callback_without_a_run_is_refused(session):
    with pytest.raises(InputError, match="names no run"):
        rf.Run.from_callback({"event": "run.completed"})
