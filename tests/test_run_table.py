from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from decimal import Decimal

import httpx
import numpy as np
import pytest
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session
from runflow_widgets.widgets.run_view import RunView
from runflow_widgets.widgets.throttled import Throttled

MODEL = "bria/background/remove"


def photo(grey=120):
    return Image.fromarray(np.full((30, 40, 3), grey, np.uint8))


def seen(table, condition):
    """Wait until the table's traits say so."""
    told = threading.Event()
    table.observe(lambda _: condition(table) and told.set())
    return condition(table) or told.wait(20)


async def written(table):
    """Let a write that was about to be made be made."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(2 * table._every_s(), done.set_result, None)
    await done


def groups(table):
    return [state["group"] for state in table.states]


@pytest.fixture
def remote():
    """A service that has accepted every run, ended every second one, and charges."""
    numbers = iter(range(100))

    def answer(request):
        if request.method == "POST":
            return httpx.Response(201, json={"id": f"r-{next(numbers)}", "status_code": "queued"})
        run_id = request.url.path.rpartition("/")[2]
        if int(run_id[2:]) % 2:
            return httpx.Response(200, json={"id": run_id, "status_code": "running"})
        done = {"status_code": "succeeded", "cost": "0.25", "output": {"image_urls": []}}
        return httpx.Response(200, json={"id": run_id, **done})

    client = Client(transport=httpx.MockTransport(answer), pace=Pace(scale=0.01))
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    yield session
    session.close()


def test_the_page_is_told_when_nothing_more_will_come(slow, finish, wire):  # noqa: F811
    table = rf.RunTable([rf.run(MODEL, image=photo(10))])
    assert table.settled == -1

    finish()
    assert seen(table, lambda table: table.settled == 1)
    # This one is over before the table hears of it.
    table.add(rf.run(MODEL, image=photo(20)).result())
    assert seen(table, lambda table: table.settled == 2)
    table.close()


def test_the_table_follows_all_its_runs(slow, finish, wire):  # noqa: F811
    table = rf.RunTable([rf.run(MODEL, image=photo(grey)) for grey in (10, 20, 30)])

    assert seen(table, lambda table: sorted(groups(table)) == ["running", "waiting", "waiting"])
    assert (table.here, table.away, table.total) == (3, 0, "free: they run here")
    finish()
    assert seen(table, lambda table: groups(table) == ["done"] * 3 and table.here == 0)

    assert [state["says"] for state in table.states] == ["Done"] * 3
    assert all(state["picture"] for state in table.states)
    assert repr(table) == "RunTable(3 runs: 3 done)"
    table.close()


def test_small_pictures_of_the_results_are_sent_once_and_again_when_asked_for(slow, finish, wire):  # noqa: F811
    finish()
    table = rf.RunTable([rf.run(MODEL, image=photo(grey)).result(30) for grey in (10, 20)])
    table._background.quietly(lambda: None).result(20)
    told = [(content["rows"], len(buffers)) for content, buffers in wire.custom(table)]

    say(table, {"do": "thumbs", "rows": [1, 0, 7]})

    assert told == [([0], 1), ([1], 1)]
    content, buffers = wire.custom(table)[-1]
    assert content == {"kind": "thumbs", "rows": [1, 0]}
    assert all(bytes(buffer).startswith(b"RIFF") for buffer in buffers)
    table.close()


def test_a_run_is_opened_below_and_closed_again(slow, finish, wire):  # noqa: F811
    finish()
    runs = [rf.run(MODEL, image=photo(grey)).result(30) for grey in (10, 20)]
    table = rf.RunTable(runs)
    frame = table.frame

    table.opened = 1
    (_, view) = frame.children
    assert isinstance(view, RunView)
    assert view.run is runs[1]
    table.opened = 0
    assert frame.children[1].run is runs[0]
    table.opened = -1
    assert frame.children == (table,)
    table.opened = 5
    assert table.opened == -1
    view.close()
    table.opened = 1
    assert frame.children[1].comm is not None
    table.close()


def test_all_are_cancelled_where_that_is_possible(slow):
    runs = [rf.run(MODEL, image=photo(grey)) for grey in (10, 20, 30)]
    table = rf.RunTable(runs)

    say(table, {"do": "stop"})

    assert seen(table, lambda table: groups(table) == ["stopped"] * 3)
    assert all(run.done for run in runs)
    table.close()


def test_runs_at_the_service_are_only_no_longer_waited_for_and_what_they_cost_is_told(remote):
    runs = [rf.run("runflow/skin-fix", image_url="https://x/y.png", session=remote) for _ in range(4)]
    table = rf.RunTable(runs)
    price = runs[0].price.low
    assert seen(table, lambda table: sorted(groups(table)) == ["done", "done", "running", "running"])
    assert seen(table, lambda table: table.away == 2)
    assert table.total == f"cost $0.50 so far, ${Decimal('0.5') + 2 * price} expected in all"

    say(table, {"do": "stop"})

    assert seen(table, lambda table: table.away == 0)
    assert sorted(groups(table)) == ["done", "done", "stopped", "stopped"]
    stopped = next(state for state in table.states if state["group"] == "stopped")
    assert "Waiting was stopped" in stopped["says"]
    table.close()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, ["aspect_ratio 1:1", "aspect_ratio 16:9"]),
        ({"seed": True}, ["aspect_ratio 1:1, seed 0", "aspect_ratio 16:9, seed 1"]),
    ],
)
def test_the_rows_tell_what_sets_the_runs_apart(remote, more, what):
    ratios = enumerate(("1:1", "16:9"))

    table = rf.RunTable(
        [
            rf.run(
                "google/nano-banana-pro", prompt="a", aspect_ratio=one, **({"seed": n} if more else {}), session=remote
            )
            for n, one in ratios
        ]
    )

    assert table.rows == [{"model": "google/nano-banana-pro", "what": one} for one in what]
    table.stop()
    table.close()


def test_a_row_names_a_file_without_what_signs_its_address(remote):
    addresses = ("https://x.example/a/one.png?signature=s3cret", "https://x.example/two.png", "runflow://assets/3")

    table = rf.RunTable([rf.run("runflow/skin-fix", image_url=one, session=remote) for one in addresses])

    assert [row["what"] for row in table.rows] == ["one.png", "two.png", "3"]
    assert "s3cret" not in str(table.get_state())
    table.stop()
    table.close()


def test_more_runs_are_added_below(slow, finish):
    table = rf.RunTable()
    assert repr(table) == "RunTable(no runs)"

    finish()
    table.add(rf.run(MODEL, image=photo(1)), rf.run(MODEL, image=photo(2)))

    assert seen(table, lambda table: groups(table) == ["done", "done"])
    assert len(table.rows) == len(table.runs) == 2
    table.close()


def test_a_failed_run_says_why_in_its_row(slow):
    run = rf.run("runflow/skin-fix", image=photo())
    with pytest.raises(rf.RunflowError):
        run.result(30)

    table = rf.RunTable([run])

    assert groups(table) == ["failed"]
    assert table.states[0]["says"] == run.error.message
    table.close()


def test_a_page_without_widgets_shows_a_table_without_foreign_html(slow, finish, wire):  # noqa: F811
    finish()
    run = rf.run(MODEL, image=photo()).result(30)
    run._error = rf.errors.RunFailed("<script>alert(1)</script>")
    table = rf.RunTable([run, rf.run(MODEL, image=photo(7)).result(30)])
    table._background.quietly(lambda: None).result(20)

    html = table._repr_mimebundle_()["text/html"]

    assert "2 runs: 1 failed, 1 done" in html
    assert "<script>" not in html
    assert "data:image/webp;base64," in html
    table.close()


def test_a_table_that_nobody_holds_is_not_kept_by_its_runs(slow):
    run = rf.run(MODEL, image=photo())
    table = rf.RunTable([run])
    seen(table, lambda table: groups(table) == ["running"])
    table.close()
    # The portal may be about to write to it once more.
    shared().call(written(table))
    watched = weakref.ref(table)

    del table
    gc.collect()

    assert not run.done
    assert watched() is None
    run.cancel()


def test_hundreds_of_changes_are_few_writes_and_the_last_is_never_lost():
    written, last = [], threading.Event()
    state = {"value": 0}

    def write():
        written.append(state["value"])
        if state["value"] == 500:
            last.set()

    telling = Throttled(shared(), write, lambda: 0.05)
    for number in range(1, 501):
        state["value"] = number
        telling.soon()

    assert last.wait(10)
    assert len(written) < 50
