"""AWS's sagemaker SDK, version 3. One process does everything, because its import takes many seconds."""

from collections.abc import Callable
from typing import Any

import pytest

from ..local.conformance.account import allow
from ..local.conformance.workshop import IMAGE, Workshop
from .conftest import Client


@pytest.fixture(scope="module")
def done(client: Callable[[str], Client], workshop: Workshop) -> Any:
    # the SDK simulates the role first, and wants permissions for services that a training job may never use
    role = workshop.account.role("sagemaker.amazonaws.com", allow("*"))
    return client("sagemaker").script("sagemaker_sdk.py", role, workshop.bucket, IMAGE)


def test_model_trainer_trains_and_an_endpoint_serves_the_model(done: Any) -> None:
    assert done["predicted"] == pytest.approx([42.0])


def test_model_packages_are_got_and_listed(done: Any) -> None:
    assert done["package"] == {"approval": "Approved", "version": 1, "listed": True, "image": IMAGE}


def test_a_feature_group_takes_a_data_frame_and_gives_records(done: Any) -> None:
    assert done["features"] == {
        "types": {"flight": "String", "delay": "Fractional", "at": "String"},
        "record": {"flight": "a", "delay": "9.0", "at": "2026-01-02T00:00:00Z"},
        "left": ["a"],
        "listed": True,
    }
