"""The page of a model draws what is really emitted, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import Assembly
from trimtab.spec.judging import RULES
from trimtab.spec.retraining import AlarmKind
from trimtab.telemetry import NAMESPACE, RULE_DIMENSION, WATCHES, Metric

ROOT = Path(__file__).parents[2]
OF_REQUESTS = {"Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency", "OverheadLatency"}
OF_INSTANCES = {"CPUUtilization", "MemoryUtilization"}
OF_ENDPOINTS = OF_REQUESTS | OF_INSTANCES
"""What SageMaker publishes for every variant (developer guide)."""
MODEL_PAGE = "trimtab-dev-model-tiny"


def _text(value: Any) -> str:
    """A template's text, with a name in place of every reference."""
    if isinstance(value, dict) and "Fn::Join" in value:
        return "".join(_text(part) for part in value["Fn::Join"][1])
    return value if isinstance(value, str) else "reference"


@pytest.fixture(scope="module")
def widgets(assembly: Assembly) -> list[dict[str, Any]]:
    found = [page for page in assembly.resources("AWS::CloudWatch::Dashboard") if page.stack == MODEL_PAGE]
    (page,) = found
    body: list[dict[str, Any]] = json.loads(_text(page.properties["DashboardBody"]))["widgets"]
    return body


def _drawn(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of every line; of a search, what it looks for."""
    for widget in widgets:
        for line in widget["properties"].get("metrics", []):
            if isinstance(line[0], str):
                names = [part for part in line[2:] if isinstance(part, str)]
                yield line[0], line[1], dict(zip(names[::2], names[1::2], strict=True))
            else:
                yield _searched(line[0]["expression"])


def _searched(expression: str) -> tuple[str, str, dict[str, str]]:
    found = re.fullmatch(r"""SEARCH\('\{([^,]+),([^}]+)\} MetricName="(\w+)" .*""", expression)
    assert found, expression
    return found[1], found[3], dict.fromkeys(found[2].split(","), "")


def test_every_line_is_a_metric_that_somebody_emits(widgets: list[dict[str, Any]]) -> None:
    sources = [*(ROOT / "functions").glob("*/handler.py"), *(ROOT / "layers/runtime/trimtab").rglob("*.py")]
    code = "".join(path.read_text() for path in sources if path.name != "telemetry.py")
    emitted = {metric.value for metric in Metric if f"Metric.{metric.name}" in code}
    drawn = list(_drawn(widgets))
    assert {namespace for namespace, _, _ in drawn} == {
        NAMESPACE,
        "AWS/SageMaker",
        "/aws/sagemaker/Endpoints",
        "AWS/States",
    }
    for namespace, name, _ in drawn:
        if namespace != "AWS/States":
            assert name in (emitted if namespace == NAMESPACE else OF_ENDPOINTS), name


def test_a_rollout_is_drawn_with_share_verdict_and_a_line_for_each_rule(widgets: list[dict[str, Any]]) -> None:
    ours = [(name, dimensions) for namespace, name, dimensions in _drawn(widgets) if namespace == NAMESPACE]
    assert {Metric.ROLLOUT_SHARE, Metric.ROLLOUT_VERDICT} <= {name for name, _ in ours}
    rules = [found[RULE_DIMENSION] for name, found in ours if name == Metric.ROLLOUT_EVIDENCE]
    assert rules == list(RULES)


def test_fleets_are_told_apart_by_their_endpoint_config(widgets: list[dict[str, Any]]) -> None:
    searched = {name for namespace, name, found in _drawn(widgets) if "EndpointConfigName" in found}
    assert searched == {"Invocation5XXErrors", "ModelLatency"}


def test_what_alarms_watch_is_drawn_with_the_limit_at_which_it_rings(widgets: list[dict[str, Any]]) -> None:
    drawn = {name for namespace, name, _ in _drawn(widgets) if namespace == NAMESPACE}
    kinds: tuple[AlarmKind, ...] = ("drift", "prediction", "quality", "estimate", "schema", "change", "forecast")
    assert {metric for kind in kinds for metric in WATCHES[kind]} <= drawn
    marks = [mark for widget in widgets for mark in widget["properties"].get("annotations", {}).get("horizontal", [])]
    rings = {mark["label"]: mark["value"] for mark in marks if mark["label"].endswith(" rings")}
    assert rings["change rings"] == 1
    assert {"drift rings", "prediction rings", "estimate rings", "forecast rings"} <= set(rings)
