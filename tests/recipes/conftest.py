"""One service for all tests of recipes, and pictures that are like no other."""

from __future__ import annotations

import pytest
from PIL import Image
from service_of_steps import ServiceOfSteps

from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared


@pytest.fixture(scope="module")
def one_service(tmp_path_factory):
    with ServiceOfSteps(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(one_service):
    one_service.forget()
    return one_service


@pytest.fixture(scope="module")
def warm():
    """Two workers for a whole module; the services in this process come and go."""
    pool = WorkerPool(2, task_module="step_tasks")
    yield pool
    shared().call(pool.close())


@pytest.fixture
def photos(tmp_path):
    """A folder with two pictures that each tell their number."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        Image.new("RGB", (8, 6), (60 * number, 7, 7)).save(folder / f"photo {number}.png")
    return folder
