"""What the estimate of a month counts is what the templates make."""

import dataclasses

import pytest

from stacks.model_source import find_models
from tests.infra.conftest import SEARCHED, TINY, Assembly
from tests.infra.test_alarm_proofs import alarms_of, spec_of
from trimtab.cost.alarms import MACHINES, alarm_metrics, composite_alarms
from trimtab.cost.month import Assumptions

BAND = 2


def metrics_of(properties: dict[str, object]) -> int:
    """Metrics that an alarm is paid by: those it names, and a band's two limits."""
    lines = properties.get("Metrics")
    if not isinstance(lines, list):
        return 1
    return sum("MetricStat" in line for line in lines) + (BAND if "ThresholdMetricId" in properties else 0)


@pytest.mark.parametrize("source", ["flights", TINY, SEARCHED])
def test_every_metric_of_an_alarm_is_counted(assembly: Assembly, source: str) -> None:
    (model,) = find_models([source])
    stack = f"trimtab-dev-model-{model.spec.name}"
    found = [one.properties for one in assembly.resources("AWS::CloudWatch::Alarm") if one.stack == stack]
    pages = [one for one in assembly.resources("AWS::CloudWatch::CompositeAlarm") if one.stack == stack]
    assert sum(map(metrics_of, found)) == alarm_metrics(model.spec)
    assert len(pages) == composite_alarms()


@pytest.mark.parametrize("kind", ["realtime", "serverless", "async"])
def test_alarms_that_a_spec_asks_for_are_counted(kind: str) -> None:
    spec = spec_of(kind, ("latency", "throughput", "errors") if kind == "realtime" else ())
    of_machines_and_letters = MACHINES * 3 + 1
    assert sum(map(metrics_of, alarms_of(spec).values())) + of_machines_and_letters == alarm_metrics(spec)


def test_a_run_enters_no_more_states_than_are_paid_for(assembly: Assembly) -> None:
    machines = assembly.machines().items()
    states = {key: len(machine["States"]) for key, machine in machines if "model-tiny" in key}
    entered = sum(count for key, count in states.items() if "Monitoring" in key or "Recovery" in key)
    assert entered <= Assumptions().run_transitions <= 2 * entered


def test_assumptions_are_numbers_that_can_be_told() -> None:
    assert all(float(value) > 0 for value in dataclasses.asdict(Assumptions()).values())
