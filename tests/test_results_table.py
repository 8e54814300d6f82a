"""The results of a map, shown while they come."""

from __future__ import annotations

import pytest
from changes import until
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.widgets.results_table import ResultsTable

MODEL = "bria/background/remove"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (40, 30), (40 * number, 90, 90)).save(folder / f"photo {number}.png")
    return folder


def test_rows_come_as_the_runs_begin_and_end_as_they_do(wire, folder):  # noqa: F811
    rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))
    results = rf.map(MODEL, folder, concurrency=2)

    table = ResultsTable(results)
    until(table, lambda: [state["group"] for state in table.states] == 5 * ["done"])
    until(table, lambda: table.settled == 5)

    assert len(table.runs) == 5
    assert table.notice == ""
    assert repr(table) == repr(results)
    assert "5" in results._repr_html_()
    table.close()


def test_what_is_still_to_come_is_said_and_stopping_sends_nothing_further(wire, folder, slow, finish):  # noqa: F811
    results = rf.map(MODEL, folder, concurrency=1)
    table = ResultsTable(results)
    until(table, lambda: "are still to come" in table.notice)
    assert table.settled == -1

    say(table, {"do": "stop"})
    finish()
    results.result(30)

    until(table, lambda: table.settled == len(table.runs))
    assert {item.status for item in results} >= {"not sent"}
    assert len(table.runs) < 5
    table.close()


def test_results_show_one_table_however_often_they_are_displayed(wire, folder, slow, finish):  # noqa: F811
    finish()
    results = rf.map(MODEL, folder)

    view = "application/vnd.jupyter.widget-view+json"
    first, second = results._repr_mimebundle_(), results._repr_mimebundle_()

    assert first[view] == second[view]
    assert first["text/html"]
    results.result(60)
