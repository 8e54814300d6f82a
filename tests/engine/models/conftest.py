"""The scenes of this folder, as a fixture: test modules are imported one by one and cannot import each other."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def scenes():
    spec = importlib.util.spec_from_file_location("scenes", Path(__file__).with_name("scenes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ball():
    """A red ball before green, and where it is."""
    photo = np.zeros((90, 120, 3), np.uint8)
    photo[..., 1] = 160
    y, x = np.mgrid[0:90, 0:120]
    inside = np.hypot(y - 45, x - 60) < 25
    photo[inside] = (220, 10, 10)
    return photo, inside
