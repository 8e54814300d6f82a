"""Many inputs for one model: in order, each once, nothing lost, nothing paid twice, and little memory."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import numpy as np
import pandas
import pytest
from lent import Lent
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue, Quote
from runflow_widgets.client import Client, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import (
    BudgetError,
    ConfigError,
    CreditError,
    InputError,
    RunCancelled,
    RunTimeout,
    TransportError,
)
from runflow_widgets.ledger import Ledger
from runflow_widgets.many.pricing import total_of
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

MODEL = "bria/background/remove"
PAID = "runflow/tag-removal"
KEY = "rf_live_many_0001"


@pytest.fixture(scope="module")
def warm():
    """Two workers for the whole module; the services come and go."""
    pool = WorkerPool(2, task_module="copy_tasks")
    yield pool
    shared().call(pool.close())


@pytest.fixture
def lent(warm):
    return Lent(warm)


@pytest.fixture
def session(lent):
    return rf.connect(embedded=True, workers=lent)


def picture(number, side=8):
    """A picture that is like no other, and tells its number."""
    return Image.fromarray(np.full((side, side, 3), (number % 256, number // 256, 7), dtype=np.uint8))


def number_of(image):
    red, green, _ = image.getpixel((0, 0))
    return red + 256 * green


@pytest.fixture
def folder(tmp_path):
    """A folder with five pictures whose names sort otherwise as text, and something else."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (1, 2, 3, 10, 11):
        picture(number).save(folder / f"photo {number}.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"no picture either")
    return folder


def remote(answer, **settings):
    client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    return Session(client, "remote", shared(), Ledger(), Catalogue.bundled(), **settings)


class Paid:
    """A remote service at which every run succeeds at once; `refuse` may answer a creation instead."""

    def __init__(self, refuse=lambda number, body: None):
        self.refuse = refuse
        self.asked = 0
        self.created = []

    def __call__(self, request):
        if request.method == "POST":
            self.asked += 1
            body = json.loads(request.content)
            if (refusal := self.refuse(self.asked, body)) is not None:
                return refusal
            self.created.append(body)
            answer = {"id": f"r-{len(self.created)}", "status_code": "queued", "client_ref": body["client_ref"]}
            return httpx.Response(201, json=answer)
        if request.url.path == "/v1/runs":
            return httpx.Response(200, json={"items": []})
        run = {"id": request.url.path.rpartition("/")[2], "status_code": "succeeded", "cost": "0.14"}
        return httpx.Response(200, json={**run, "output": {"outputs": [{"url": "data:text/plain,x", "type": "text"}]}})


def addresses(count):
    return [f"https://x/{number}.png" for number in range(count)]


# ---------------------------------------------------------------------- from the first to the last


def test_a_folder_comes_back_in_natural_order_under_its_names(session, folder, tmp_path):
    results = rf.map(MODEL, folder)

    saved = results.result(60).save(tmp_path / "out")

    assert [path.name for path in saved] == [f"photo {number}.png" for number in (1, 2, 3, 10, 11)]
    assert [number_of(image) for image in results.images] == [1, 2, 3, 10, 11]
    assert [item.status for item in results.items] == ["succeeded"] * 5


def test_saving_twice_overwrites_nothing(session, folder, tmp_path):
    results = rf.map(MODEL, str(folder / "photo 1*.png")).result(60)

    results.save(tmp_path / "out")
    results.save(tmp_path / "out")

    assert len(list((tmp_path / "out").iterdir())) == 6


def test_items_come_as_they_finish_and_each_once(session):
    results = rf.map(MODEL, [picture(number) for number in range(6)])

    seen = [item.index for item in results]

    assert sorted(seen) == list(range(6))
    assert [item.index for item in results] == seen


async def test_they_are_awaited_and_gone_through_asynchronously(session):
    results = rf.map(MODEL, [picture(number) for number in range(4)])

    seen = [item.index async for item in results]

    assert await results is results
    assert sorted(seen) == [0, 1, 2, 3]
    assert (len(results), results.done, results.cost) == (4, True, Decimal(0))


def test_dicts_are_the_inputs_of_a_run_and_what_is_common_goes_to_all():
    service = Paid()
    session = remote(service)

    rows = [{"image_url": "https://x/mug.png"}, {"image_url": "https://x/cup.png", "color_red": 9}]
    results = rf.map(
        "runflow/background-color", rows, session=session, concurrency=1, color_red=1, color_green=2, color_blue=3
    )

    results.result(30)
    assert [(body["input"]["color_red"], body["input"]["color_blue"]) for body in service.created] == [(1, 3), (9, 3)]
    assert [item.name for item in results.items] == ["mug", "cup"]
    session.close()


class Table:
    """As much of a data frame as is asked for."""

    index = ("a", "b")

    def to_dict(self, orient):
        assert orient == "records"
        return [{"image_url": "https://x/1.png", "seed": float("nan")}, {"image_url": "https://x/2.png", "seed": 7}]


def test_a_table_gives_a_run_for_each_row_and_empty_cells_are_left_out():
    service = Paid()
    session = remote(service)

    results = rf.map("new/model", Table(), session=session, concurrency=1).result(30)

    assert [body["input"].get("seed", "left out") for body in service.created] == ["left out", 7]
    assert [item.name for item in results.items] == ["a", "b"]
    session.close()


def test_earlier_results_become_inputs_as_soon_as_they_are_there(session, folder):
    first = rf.map(MODEL, folder)

    second = rf.map(MODEL, first).result(60)

    assert [number_of(image) for image in second.images] == [1, 2, 3, 10, 11]
    assert [item.name for item in second.items] == [item.name for item in first.items]


def test_chosen_items_become_inputs_under_their_names(session, folder):
    first = rf.map(MODEL, folder).result(60)

    second = rf.map(MODEL, [item for item in first.items if "1" in item.name]).result(60)

    assert [(item.name, number_of(item.image)) for item in second.items] == [
        ("photo 1", 1),
        ("photo 10", 10),
        ("photo 11", 11),
    ]


async def test_waiting_that_is_interrupted_sends_nothing_further(slow, finish):
    results = rf.map(MODEL, [picture(number) for number in range(8)], concurrency=1)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(results._wait(), 0.5)
    finish()

    assert "not sent" in {item.status for item in (await results).items}


@pytest.mark.parametrize("inputs", [[], "/nowhere/*.png", {"image": 1}, 7])
def test_what_holds_no_inputs_is_refused_at_once(session, inputs):
    with pytest.raises(InputError) as refusal:
        rf.map(MODEL, inputs)

    assert refusal.value.field == "inputs"


def test_runs_are_sent_in_the_order_of_the_inputs():
    service = Paid()
    session = remote(service)

    rf.map(PAID, addresses(30), session=session, concurrency=1).result(30)

    assert [body["input"]["image_url"] for body in service.created] == addresses(30)
    session.close()


def test_no_more_runs_are_under_way_than_was_said(slow, finish):
    pictures = [picture(number) for number in range(6)]
    begun = threading.Event()

    results = rf.map(MODEL, pictures, concurrency=2)
    results.watch(lambda results: any(item.status == "running" for item in results.items) and begun.set())
    assert begun.wait(30)
    waiting = [item.status for item in results.items].count("waiting")
    finish()

    assert waiting >= 4
    assert len(results.result(60).images) == 6


# ---------------------------------------------------------------------- what goes wrong


def test_one_that_cannot_be_read_fails_alone(session, folder):
    (folder / "photo 2.png").write_bytes(b"no picture at all")

    results = rf.map(MODEL, folder).result(60)

    assert [item.name for item in results.failed] == ["photo 2"]
    assert isinstance(results.failed[0].error, InputError)
    assert len(results.images) == 4
    assert "of 5: 4 done, 1 failed" in repr(results)


def test_stop_sends_nothing_after_the_first_failure():
    service = Paid(lambda number, body: httpx.Response(422, json={"detail": "no"}) if number == 3 else None)
    session = remote(service)

    results = rf.map(PAID, addresses(20), session=session, concurrency=1, on_error="stop").result(30)

    assert (service.asked, len(service.created)) == (3, 2)
    assert [item.status for item in results.items][2:] == ["failed"] + ["not sent"] * 17
    session.close()


def test_raise_raises_the_first_failure_to_each_who_waits():
    session = remote(Paid(lambda number, body: httpx.Response(422, json={"detail": "no"})))

    results = rf.map(PAID, addresses(3), session=session, on_error="raise")

    for _ in range(2):
        with pytest.raises(rf.RunflowError, match="no"):
            results.result(30)
    with pytest.raises(rf.RunflowError, match="no"):
        list(results)
    session.close()


def test_an_account_without_money_is_asked_once_and_not_a_thousand_times():
    service = Paid(lambda number, body: httpx.Response(402, json={"detail": "no credit"}))
    session = remote(service)

    results = rf.map(PAID, addresses(1000), session=session, concurrency=2).result(60)

    assert service.asked <= 3
    assert isinstance(results.failed[0].error, CreditError)
    session.close()


def test_a_service_that_slows_us_down_gets_every_run_once():
    def refuse(number, body):
        return httpx.Response(429, json={"detail": "slow"}, headers={"Retry-After": "1"}) if number % 5 else None

    service = Paid(refuse)
    session = remote(service)

    results = rf.map(PAID, addresses(40), session=session).result(60)

    refs = [body["client_ref"] for body in service.created]
    assert (len(results.failed), len(refs), len(set(refs))) == (0, 40, 40)
    session.close()


def test_those_that_failed_are_tried_again_and_the_good_ones_stay(session, folder):
    good = (folder / "photo 2.png").read_bytes()
    (folder / "photo 2.png").write_bytes(b"no picture at all")
    first = rf.map(MODEL, folder).result(60)
    (folder / "photo 2.png").write_bytes(good)

    second = first.retry_failed().result(60)

    assert [number_of(image) for image in second.images] == [1, 2, 3, 10, 11]
    assert [item.key for item in second.items if item.index != 1] == [i.key for i in first.items if i.index != 1]


def test_what_never_reached_the_service_is_tried_again_under_the_same_key():
    down = True

    def answer(request):
        if down:
            raise httpx.ConnectError("down")
        return service(request)

    service = Paid()
    session = remote(answer)
    first = rf.map(PAID, addresses(3), session=session).result(30)
    keys = [item.key for item in first.items]
    assert all(isinstance(item.error, TransportError) for item in first.failed)

    down = False
    second = first.retry_failed().result(30)

    assert len(second.failed) == 0
    assert sorted(body["client_ref"] for body in service.created) == sorted(keys)
    session.close()


def test_a_run_that_was_not_over_in_time_is_followed_again_and_not_sent_again(slow, finish):
    first = rf.map(MODEL, [picture(1)], timeout_s=0.1).result(30)
    assert isinstance(first.failed[0].error, RunTimeout)

    second = first.retry_failed()
    second._timeout_s = None
    finish()

    assert second.result(60).items[0].key == first.items[0].key
    assert len(second.failed) == 0


# ---------------------------------------------------------------------- stopping


def test_a_stop_keeps_what_is_finished_and_cancels_what_is_computed_here(slow, finish, home):
    results = rf.map(MODEL, [picture(number) for number in range(8)], concurrency=2)
    begun = threading.Event()
    results.watch(lambda results: any(item.status == "running" for item in results.items) and begun.set())
    assert begun.wait(30)

    says = results.stop()
    results.result(30)

    assert "cancelled" in says
    assert {item.status for item in results.items[2:]} == {"not sent"}
    assert all(isinstance(item.error, RunCancelled | RunTimeout) for item in results.failed)
    assert results.stop() == "All is over already."


def test_after_a_stop_remote_runs_that_were_sent_still_land():
    results = None

    def refuse(number, body):
        if number == 5:
            results.stop()

    service = Paid(refuse)
    session = remote(service)
    ready = threading.Event()
    session.portal.soon(ready.wait, 30)
    results = rf.map(PAID, addresses(50), session=session, concurrency=1)
    ready.set()

    results.result(30)

    assert len(service.created) == 5
    assert [item.ok for item in results.items] == [True] * 5 + [False] * 45
    assert results.cost == Decimal("0.70")
    session.close()


def test_once_the_session_is_closed_nothing_further_is_sent(slow):
    results = rf.map(MODEL, [picture(number) for number in range(5)], concurrency=1)
    begun = threading.Event()
    results.watch(lambda results: any(item.status == "running" for item in results.items) and begun.set())
    assert begun.wait(30)

    slow.close()

    assert {item.status for item in results.items[1:]} == {"not sent"}
    results.items[0].run.stop_waiting()
    assert results.result(30).done


def test_what_breaks_before_it_is_sent_is_not_left_open():
    def answer(request):
        if broken:
            raise RuntimeError("the connection is gone")
        return service(request)

    service, broken = Paid(), True
    session = remote(answer)
    first = rf.map(PAID, addresses(1), session=session).result(30)
    entry = session.ledger.find()[0]
    assert (len(first.failed), entry.is_open) == (1, True)
    rf.map(PAID, [picture(1)], session=session).result(30)

    assert session.ledger.find()[0].failure_code == "NOT_SENT"
    session.close()


# ---------------------------------------------------------------------- money


def test_the_price_is_known_before_and_above_the_budget_nothing_is_sent():
    service = Paid()
    session = remote(service)

    with pytest.raises(BudgetError, match=r"cost \$1\.40 .*at most \$1 for this call"):
        rf.map(PAID, addresses(10), session=session, budget_usd=1)
    rf.budget(0.50)
    with pytest.raises(BudgetError, match=r"with \$0 spent that passes the limit \(at most \$0.50 per session\)"):
        rf.map(PAID, addresses(10), session=session)

    assert service.asked == 0
    assert session.ledger.find() == []
    results = rf.map(PAID, addresses(10), session=session, within_budget=False)
    assert (results.price.exact, results.result(30).cost) == (Decimal("1.40"), Decimal("1.40"))
    session.close()


def test_a_total_that_nobody_knows_is_refused_where_there_is_a_limit():
    session = remote(Paid())

    with pytest.raises(BudgetError, match="not known"):
        rf.map("runflow/outpaint/aspect-ratio", addresses(2), session=session, budget_usd=100)

    session.close()


def test_what_need_not_be_paid_again_does_not_count_against_the_limit():
    service = Paid()
    session = remote(service)
    rf.map(PAID, addresses(3), session=session).result(30)

    results = rf.map(PAID, addresses(4), session=session, budget_usd="0.20").result(30)

    assert (results.price.exact, results.cost) == (Decimal("0.14"), Decimal("0.14"))
    assert len(service.created) == 4
    session.close()


def test_what_is_reused_is_not_refused_when_the_budget_is_spent():
    service = Paid()
    session = remote(service)
    rf.budget("0.42")
    rf.map(PAID, addresses(3), session=session).result(30)

    results = rf.map(PAID, addresses(3), session=session).result(30)

    assert [item.reused for item in results.items] == [True] * 3
    assert len(service.created) == 3
    session.close()


@pytest.mark.parametrize(
    ("quotes", "text"),
    [
        ([Quote(Decimal("0.1"), Decimal("0.1"))] * 3, "$0.30"),
        ([Quote(Decimal("0.1"), Decimal("0.4"))] * 2, "$0.20 to $0.80"),
        ([Quote(Decimal("0.1"), Decimal("0.1")), Quote()], "at least $0.10"),
        ([Quote(), Quote()], "price unknown"),
    ],
)
def test_a_total_says_no_more_than_is_known(quotes, text):
    assert total_of(quotes).text == text


# ---------------------------------------------------------------------- nothing is paid twice


def test_the_same_call_after_a_restart_takes_what_is_finished(lent, warm, folder):
    first = rf.map(MODEL, folder, session=rf.connect(embedded=True, workers=lent)).result(60)
    rf.connect(embedded=True).close()
    again = Lent(warm)

    second = rf.map(MODEL, folder, session=rf.connect(embedded=True, workers=again)).result(60)

    assert (lent.orders, again.orders) == (5, 0)
    assert [item.key for item in second.items] == [item.key for item in first.items]
    assert all(item.reused for item in second.items)
    assert "5 reused" in repr(second)


def test_when_it_is_not_wanted_nothing_is_reused(session, lent, folder):
    rf.map(MODEL, folder).result(60)

    rf.map(MODEL, folder, reuse=False).result(60)

    assert lent.orders == 10


def test_a_result_whose_file_is_gone_is_made_anew(session, lent, folder):
    first = rf.map(MODEL, folder).result(60)
    first.outputs[2].path.unlink()

    second = rf.map(MODEL, folder).result(60)

    assert [item.reused for item in second.items] == [True, True, False, True, True]


def test_equal_inputs_are_runs_of_their_own_and_each_is_reused_once(session, lent):
    first = rf.map(MODEL, [picture(1)] * 3).result(60)

    second = rf.map(MODEL, [picture(1)] * 4).result(60)

    assert len({item.key for item in first.items}) == 3
    assert lent.orders == 4
    assert [item.reused for item in second.items] == [True, True, True, False]


def test_the_same_call_made_twice_at_once_follows_the_same_runs(slow, finish):
    pictures = [picture(number) for number in range(5)]

    first, second = rf.map(MODEL, pictures), rf.map(MODEL, pictures)
    finish()
    first.result(60)
    second.result(60)

    assert [item.key for item in first.items] == [item.key for item in second.items]
    assert len(slow.ledger.find()) == 5


def test_runs_that_a_dead_kernel_left_open_are_looked_up_and_those_unknown_sent_under_their_key():
    service = Paid()
    session = remote(service)
    rf.map(PAID, addresses(3), session=session, concurrency=1).result(30)
    keys = [body["client_ref"] for body in service.created]
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    session.ledger.update(keys[0], status="unsent", id=None, files=(), created_at=long_ago)
    session.ledger.update(keys[1], status="running", files=())

    results = rf.map(PAID, addresses(3), session=session).result(30)

    assert [body["client_ref"] for body in service.created] == [*keys, keys[0]]
    assert [item.key for item in results.items] == keys
    assert [item.reused for item in results.items] == [False, False, True]
    session.close()


def test_a_run_that_another_kernel_may_be_sending_is_not_sent_beside_it():
    service = Paid()
    session = remote(service)
    rf.map(PAID, addresses(1), session=session).result(30)
    session.ledger.update(service.created[0]["client_ref"], status="unsent", id=None, files=())

    results = rf.map(PAID, addresses(1), session=session).result(30)

    key = results.failed[0].key
    assert len(service.created) == 1
    assert session.ledger.get(key).is_open
    session.ledger.update(key, created_at=datetime.now(UTC) - timedelta(hours=1))
    assert results.retry_failed().result(30).items[0].ok
    assert [body["client_ref"] for body in service.created] == [key, key]
    session.close()


# ---------------------------------------------------------------------- together


def test_a_batch_is_one_request_for_a_hundred_and_gives_the_same_results(session, lent, folder):
    pictures = [picture(number) for number in range(103)]
    before = rf.map(MODEL, pictures[:2]).result(60)

    results = rf.batch(MODEL, pictures).result(100)

    batches = {run["batch_id"] for run in session.portal.call(_runs(session))} - {None}
    assert [number_of(image) for image in results.images] == list(range(103))
    assert [item.key for item in results.items[:2]] == [item.key for item in before.items]
    assert (len(batches), lent.orders, results.note) == (2, 103, "")


async def _runs(session):
    return [run async for run in session.client.each_run()]


def test_an_item_of_a_batch_that_fails_fails_alone(session, folder):
    (folder / "photo 2.png").write_bytes(b"no picture at all")

    results = rf.batch(MODEL, folder).result(60)

    assert [item.name for item in results.failed] == ["photo 2"]
    assert len(results.images) == 4


def test_a_model_that_takes_no_batch_gets_its_runs_one_by_one_under_the_same_keys():
    refused = []

    def answer(request):
        if request.url.path.endswith("/batches"):
            refused.extend(item["client_ref"] for item in json.loads(request.content)["input"])
            return httpx.Response(422, json={"detail": "not binding-capable"})
        return service(request)

    service = Paid()
    session = remote(answer)

    results = rf.batch(PAID, addresses(5), session=session, concurrency=1).result(30)

    assert [body["client_ref"] for body in service.created] == refused
    assert "takes no batch" in results.note
    assert results.note in repr(results)
    session.close()


def test_a_batch_whose_answer_is_lost_is_looked_up_and_not_sent_again():
    sent = []

    def answer(request):
        if request.url.path.endswith("/batches"):
            sent.extend(item["client_ref"] for item in json.loads(request.content)["input"])
            raise httpx.ReadError("lost")
        if request.url.path == "/v1/runs":
            runs = [{"id": f"r-{place}", "status_code": "queued", "client_ref": ref} for place, ref in enumerate(sent)]
            return httpx.Response(200, json={"items": runs})
        return service(request)

    service = Paid()
    session = remote(answer)

    results = rf.batch(PAID, addresses(5), session=session).result(30)

    assert (len(sent), len(service.created), len(results.failed)) == (5, 0, 0)
    assert [item.key for item in results.items] == sent
    session.close()


# ---------------------------------------------------------------------- how it shows


def test_a_table_shows_the_first_rows_and_what_a_name_says_is_text():
    session = remote(Paid())
    rows = [{"image_url": f"https://x/<script>{number}.png"} for number in range(30)]

    shown = rf.map(PAID, rows, session=session).result(30)._repr_mimebundle_()

    assert "<script>" not in shown["text/html"]
    assert shown["text/html"].count("<tr>") == 21
    assert "and 10 more" in shown["text/html"]
    assert "$4.20 billed" in shown["text/plain"]
    session.close()


def test_records_are_plain_values(session, folder):
    results = rf.map(MODEL, folder).result(60)

    records = results.to_records()

    assert json.loads(json.dumps(records)) == records
    assert (records[3]["name"], records[3]["cost_usd"]) == ("photo 10", 0.0)


@pytest.mark.parametrize("kind", ["float64", "Int64", "object"])
def test_a_frame_of_pandas_goes_in_and_comes_out(session, folder, kind):
    files = sorted(map(str, folder.glob("photo*.png")))
    # A column with a gap: pandas makes the whole numbers of it fractions.
    frame = pandas.DataFrame(
        {"image": files, "color_red": [255, 0, None, 7, 8], "color_green": range(5), "color_blue": 1},
        index=[f"row {number}" for number in range(5)],
    ).astype({"color_red": kind})

    results = rf.map("runflow/background-color", frame).result(60)
    told = results.to_frame()

    assert [type(item.error) for item in results.items] == [type(None), type(None), InputError, type(None), type(None)]
    assert "color_red" in told["error"][2]
    assert list(told["name"]) == list(frame.index)
    assert told["status"].value_counts().to_dict() == {"succeeded": 4, "failed": 1}
    joined = frame.join(told.set_index("name")[["files", "cost_usd"]])
    assert joined.loc["row 3", "files"] == [str(results.items[3].outputs[0].path)]
    assert joined["cost_usd"].sum() == 0


def test_without_pandas_a_frame_says_what_to_use(session, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ConfigError, match="to_records"):
        rf.map(MODEL, folder).result(60).to_frame()


def test_the_run_behind_an_item_is_at_hand_and_can_be_run_again(session, folder):
    item = rf.map(MODEL, folder).result(60)[4]

    again = item.run.again().result(30)

    assert item.run.key == item.key
    assert number_of(again.image) == 11
