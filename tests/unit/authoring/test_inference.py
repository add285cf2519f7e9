"""How the container's servers are answered."""

import json
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from trimtab.authoring.contract import Contract, Feature
from trimtab.authoring.inference import Served, transform_fn

JSON_LINES = "application/jsonlines"


class Half:
    """Half of the load is the score."""

    wants_table = False

    def scores(self, columns: Mapping[str, Any]) -> np.ndarray:
        return np.array(columns["load"]) / 2


SERVED = Served(Half(), Contract("id", None, "failed", (Feature("load", "number", nullable=False),)))


def test_a_request_is_answered_line_by_line() -> None:
    body, media_type = transform_fn(SERVED, b'{"id": 1, "load": 0.5}\n{"id": 2, "load": 1}', JSON_LINES, "*/*")
    assert media_type == JSON_LINES
    assert [json.loads(line)["score"] for line in body.splitlines()] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        (b'{"id": 1}', JSON_LINES, "*/*", 400),
        (b"1,2", "text/csv", "*/*", 415),
        (b'{"id": 1, "load": 0.5}', JSON_LINES, "text/csv", 406),
    ],
)
def test_the_single_model_server_gets_a_response_with_the_status(
    body: bytes, content_type: str, accept: str, status: int
) -> None:
    response = transform_fn(SERVED, body, content_type, accept)
    assert response.status_code == status
    assert json.loads(response.get_data())["error"]


def test_the_multi_model_server_gets_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class BaseInferenceToolkitError(Exception):
        def __init__(self, status_code: int, message: str, phrase: str) -> None:
            self.status_code, self.message, self.phrase = status_code, message, phrase

    errors: Any = ModuleType("sagemaker_inference.errors")
    errors.BaseInferenceToolkitError = BaseInferenceToolkitError
    for name in ("sagemaker_inference", "sagemaker_inference.transformer"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "sagemaker_inference.errors", errors)
    with pytest.raises(BaseInferenceToolkitError) as refused:
        transform_fn(SERVED, b'{"id": 1}', JSON_LINES, "*/*")
    assert refused.value.status_code == 400
    assert "has no 'load'" in refused.value.message


def test_an_error_of_the_model_is_not_the_callers_fault() -> None:
    class Broken:
        wants_table = False

        def scores(self, columns: Mapping[str, Any]) -> np.ndarray:
            raise RuntimeError("the model is broken")

    with pytest.raises(RuntimeError, match="broken"):
        transform_fn(Served(Broken(), SERVED.contract), b'{"id": 1, "load": 0.5}', JSON_LINES, "*/*")
