from __future__ import annotations

import re
from pathlib import Path

import pytest
from rig import Browser, JupyterServer, Notebook


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with JupyterServer(tmp_path_factory.mktemp("notebooks")) as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def notebook(server, browser, request, tmp_path):
    """notebook([cells…], kind="lab") opens a notebook; its page must stay free of faults and on this machine."""
    opened = []

    def open_notebook(cells, *, kind="lab", dark=False, **screen):
        name = re.sub(r"\W+", "-", request.node.name) + f"-{len(opened)}.ipynb"
        page = browser.page(colour_scheme="dark" if dark else "light", **screen)
        opened.append(Notebook(page, server, name, cells, kind=kind, dark=dark))
        return opened[-1]

    yield open_notebook
    failed = getattr(request.node, "failed_here", False)
    for index, one in enumerate(opened):
        if failed:
            picture = Path(tmp_path) / f"failed-{index}.png"
            one.page.screenshot(path=picture)
            print("what a person would have seen:", picture)
    faults = [fault for one in opened for fault in one.page.faults]
    for one in opened:
        one.close()
    strayed, browser.strayed[:] = list(browser.strayed), []
    assert faults == []
    assert strayed == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.failed_here = True
