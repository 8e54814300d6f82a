from __future__ import annotations

import re
from pathlib import Path

import pytest
from rig import Browser, JupyterServer, Notebook
from warm import Kernels, Pages


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with JupyterServer(tmp_path_factory.mktemp("notebooks")) as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def pages(browser):
    return Pages(browser)


@pytest.fixture(scope="session")
def kernels(server):
    kernels = Kernels(server)
    yield kernels
    kernels.close()


@pytest.fixture
def notebook(server, browser, pages, kernels, request, tmp_path):
    """notebook([cells…], kind="lab") opens a notebook; its page must stay free of faults and on this machine."""
    taken, opened = [], []

    def open_notebook(cells, *, kind="lab", dark=False, **screen):
        name = re.sub(r"\W+", "-", request.node.name) + f"-{len(taken)}.ipynb"
        taken.append((name, pages.take(kind=kind, dark=dark, **screen)))
        kernels.give(name)
        opened.append(Notebook(taken[-1][1], server, name, cells, kind=kind, dark=dark))
        return opened[-1]

    yield open_notebook
    failed = getattr(request.node, "failed_here", False)
    if failed:
        for index, (_, page) in enumerate(taken):
            picture = Path(tmp_path) / f"failed-{index}.png"
            page.screenshot(path=picture)
            print("what a person would have seen:", picture)
    faults = [fault for _, page in taken for fault in page.faults]
    strayed, browser.strayed[:] = list(browser.strayed), []
    for one in opened:
        one.forget_kernel()
    for name, page in taken:
        kernels.end(name)
        # Nobody knows what a failed test has left behind.
        if failed or faults or strayed:
            page.context.close()
        else:
            pages.give_back(page)
    assert faults == []
    assert strayed == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.failed_here = True
