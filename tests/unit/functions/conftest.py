"""Fixtures of the functions' tests."""

import pytest

from tests.unit.functions.scene import Scene
from tests.unit.monitoring.production import Production


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def production() -> Production:
    """Version 1 serves."""
    made = Production()
    made.serve(1)
    return made
