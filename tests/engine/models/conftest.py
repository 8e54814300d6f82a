"""The scenes of this folder, as a fixture: test modules are imported one by one and cannot import each other."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def scenes():
    spec = importlib.util.spec_from_file_location("scenes", Path(__file__).with_name("scenes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
