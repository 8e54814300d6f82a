"""What every test gets: asyncio, a home of its own, and no key of the machine it runs on."""

from __future__ import annotations

import pytest
from hypothesis import settings

import runflow_widgets as rf
from runflow_widgets import session
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.session import budget

# The same examples each time: a finding is a failure of the change that made it, and not of the day.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Everything that is kept lies in a folder of this test; the environment's key and address are not seen."""
    folder = tmp_path / "runflow-home"
    monkeypatch.setenv("RUNFLOW_HOME", str(folder))
    for name in ("RUNFLOW_API_KEY", "RUNFLOW_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    opened = session.use(None)
    if opened is not None:
        opened.close()
    budget(None)


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """Work that goes on until `finish()`."""
    gate = tmp_path / "go"
    monkeypatch.setenv("SLOW_UNTIL", str(gate))
    return rf.connect(embedded=True, workers=WorkerPool(1, task_module="slow_tasks"))


@pytest.fixture
def finish(tmp_path):
    return (tmp_path / "go").touch


def pytest_collection_modifyitems(items):
    """The browser's tests come last: its driver holds a loop in the main thread from its first test to the end."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
