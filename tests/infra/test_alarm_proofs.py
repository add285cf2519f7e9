"""Every alarm looks at a metric that is really emitted, under that name and those dimensions; rings, and clears.

Good and bad readings come from the code that emits them (of AWS's own metrics: from the local cloud's stand-ins), and
go through the log where Trimtab's go. What the alarms make of them is decided by the local cloud's evaluation.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sns as sns

from stacks.constructs.model_alarms import ModelAlarms
from stacks.model_source import find_models
from tests.infra.alarm_evaluation import MODEL, Emitted, Watched, identities
from tests.infra.alarm_readings import (
    FAILED,
    FINE,
    NOTHING,
    REFUSED,
    SLOW,
    STUCK,
    Readings,
    asked,
    blind_to_one_kind,
    delivered,
    due,
    evaluated,
    executed,
    expected,
    followed,
    given_up,
    in_another_unit,
    looked_at,
    monitored,
    moved,
    moving,
    queued,
    same,
    treated,
    uncaptured,
    unread,
    unsure,
    used,
    with_holes,
)
from tests.infra.conftest import TINY, Assembly
from tests.unit.monitoring.production import truth_of
from trimtab.names import ModelNames
from trimtab.spec import Spec

LARGE, SERVERLESS = (
    {"InstanceType": "ml.m5.large"},
    {"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 20}},
)
BUSY = 40
"""Requests in five minutes."""
MEASURED = monitored(same)
CALM, STEADY = asked(*[FINE] * BUSY), followed(0.0)
PROOFS: Mapping[str, Readings] = {
    "Drift": Readings(MEASURED, monitored(moved)),
    "Prediction": Readings(MEASURED, monitored(moved)),
    "Schema": Readings(MEASURED, monitored(in_another_unit)),
    "Quality": Readings(MEASURED, monitored(same, noise=True)),
    "Slice": Readings(evaluated(same, truth_of), evaluated(same, blind_to_one_kind)),
    "Estimate": Readings(evaluated(same), evaluated(unsure)),
    "Bias": Readings(treated(0.0), treated(0.4)),
    "Change": Readings(STEADY, followed(0.02)),
    "Forecast": Readings(STEADY, followed(0.002)),
    "Silence": Readings(MEASURED, uncaptured(runs=3)),
    "Unreadable": Readings(MEASURED, unread(300)),
    "Disagreement": Readings(
        looked_at(lambda look: None), looked_at(lambda look: look.around.alarms["PsiMax"].clear())
    ),
    "Settling": Readings(lambda: NOTHING, moving),
    "GivenUp": Readings(given_up(resumed=True), given_up(resumed=False)),
    "MissingDrops": Readings(expected(after_days=29), expected(after_days=70)),
    "Unusable": Readings(evaluated(same), evaluated(with_holes)),
    "MissingTruth": Readings(due(came=True), due(came=False)),
    "Errors": Readings(CALM, asked(*[FAILED] * 6, *[FINE] * BUSY)),
    "Saturation": Readings(used(20, LARGE), used(190, LARGE)),
    "Latency": Readings(CALM, asked(*[STUCK] * BUSY)),
    "Throughput": Readings(CALM, asked(FINE)),
    "LatencyAnomaly": Readings(CALM, asked(*[SLOW] * BUSY)),
    "ThroughputAnomaly": Readings(CALM, lambda: NOTHING),
    "ErrorAnomaly": Readings(CALM, asked(*[REFUSED] * 20, *[FINE] * 20)),
}
OTHER_KINDS: Mapping[str, Mapping[str, Readings]] = {
    "serverless": {
        "Errors": PROOFS["Errors"],
        "Saturation": Readings(used(20, SERVERLESS), used(20, SERVERLESS, taken=1.0)),
    },
    "async": {
        "Errors": Readings(
            asked(*[FINE] * BUSY, asynchronous=True), asked(*[FAILED] * 6, *[FINE] * BUSY, asynchronous=True)
        ),
        "Saturation": Readings(queued(5, 1), queued(5, 0)),
        "Throughput": Readings(asked(*[FINE] * BUSY, asynchronous=True), asked(FINE, asynchronous=True)),
    },
}


ELSEWHERE = {"capture_percent": 0, "strategy": "all_at_once"}


def spec_of(kind: str = "realtime", anomalies: tuple[str, ...] = ()) -> Spec:
    """The tiny model with an endpoint of a kind, a protected attribute, and all that can be expected."""
    (source,) = find_models([TINY])
    document = source.spec.model_dump(mode="json")
    document["rollout"] |= {"endpoint": {"kind": kind}} | ({} if kind == "realtime" else ELSEWHERE)
    document["data"]["expected_every_days"] = 30
    document["data"]["columns"]["site"]["role"] = "protected"
    document["monitoring"]["alarms"] |= {"anomalies": list(anomalies), "truth_expected_days": 30}
    document["monitoring"]["alarms"]["min_requests_per_hour"] = BUSY // 4
    return Spec.model_validate(document)


def template_of(spec: Spec) -> dict[str, Any]:
    """A stack of a spec's alarms alone, without those of machines and dead letters."""
    app = App()
    stack = Stack(app, "S")
    ModelAlarms(stack, "Alarms", spec=spec, names=ModelNames("dev", spec.name), topic=sns.Topic(stack, "Topic"))
    template: dict[str, Any] = app.synth().get_stack_by_name("S").template
    return template


def alarms_of(spec: Spec) -> dict[str, dict[str, Any]]:
    """Their properties by id."""
    resources = template_of(spec)["Resources"]
    found = {id: one for id, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    return {id.removeprefix("Alarms")[:-8]: one["Properties"] for id, one in found.items()}


@pytest.fixture(scope="module")
def alarms() -> dict[str, dict[str, Any]]:
    """Everything that a model's spec can have alarms on."""
    return alarms_of(spec_of(anomalies=("latency", "throughput", "errors")))


@pytest.fixture(scope="module")
def deployed(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """The alarms of the tiny model as its stack has them, machines and dead letters included."""
    stack = f"trimtab-dev-model-{MODEL}"
    found = [one for one in assembly.resources("AWS::CloudWatch::Alarm") if one.stack == stack]
    return {one.id.removeprefix("Alarms")[:-8]: one.properties for one in found}


def prove(name: str, properties: dict[str, Any], readings: Readings) -> None:
    """The alarm's metrics are emitted; it is quiet, rings and clears."""
    good, bad = readings.good(), readings.bad()
    watched = Watched(name, properties)
    assert watched.metrics <= set(identities([*good, *bad])), "nobody emits what it looks at"
    assert watched.live_through(good, periods=_before(watched)) != "ALARM"
    assert watched.live_through(bad, periods=None if bad else watched.longest) == "ALARM"
    assert watched.live_through(good) == "OK"


def _before(watched: Watched) -> int | None:
    """A band is learned from four days of five minutes; then its values are quiet."""
    return 4 * 288 if watched.alarm.band is not None else None


@pytest.mark.parametrize("name", PROOFS)
def test_an_alarm_looks_at_what_is_emitted_rings_and_clears(alarms: dict[str, dict[str, Any]], name: str) -> None:
    prove(name, alarms[name], PROOFS[name])


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, proofs in OTHER_KINDS.items() for name in proofs])
def test_other_kinds_of_endpoints_are_watched_by_what_they_publish(kind: str, name: str) -> None:
    prove(name, alarms_of(spec_of(kind))[name], OTHER_KINDS[kind][name])


def test_where_nothing_can_be_measured_silence_is_no_alarm(alarms: dict[str, dict[str, Any]]) -> None:
    assert "Silence" in alarms
    assert "Silence" not in alarms_of(spec_of("serverless"))


def test_a_machine_that_breaks_off_rings(deployed: dict[str, dict[str, Any]]) -> None:
    for name in [name for name in deployed if name.endswith("Broken")]:
        (machine,) = {metric.dimensions[0][1] for metric in Watched(name, deployed[name]).metrics}
        ends = [executed(machine, status)() for status in ("FAILED", "TIMED_OUT", "ABORTED")]
        for bad in ends:
            rung = Watched(name, deployed[name])
            assert [rung.live_through(data) for data in (NOTHING, bad, NOTHING)] == ["OK", "ALARM", "OK"]
        assert Watched(name, deployed[name]).metrics <= set(identities(itertools.chain(*ends)))
        assert Watched(name, deployed[name]).live_through(executed(machine, "SUCCEEDED")()) == "OK"


def test_a_dead_letter_rings(deployed: dict[str, dict[str, Any]]) -> None:
    alarm = deployed["DeadLetters"]
    ((_, queue),) = next(iter(Watched("DeadLetters", alarm).metrics)).dimensions
    name = queue.replace(".", "-")
    renamed = [_named(delivered(name, lost)(), name, queue) for lost in (0, 1)]
    prove("DeadLetters", alarm, Readings(lambda: renamed[0], lambda: renamed[1]))


def _named(emitted: Emitted, name: str, queue: str) -> Emitted:
    """A reference is no name of a queue: the data bear it all the same."""
    own = [(space, datum) for space, datum in emitted if datum["Dimensions"][0]["Value"] == name]
    return [(space, datum | {"Dimensions": [{"Name": "QueueName", "Value": queue}]}) for space, datum in own]


def test_no_alarm_is_without_its_proof(alarms: dict[str, dict[str, Any]], deployed: dict[str, dict[str, Any]]) -> None:
    machines = {name for name in deployed if name.endswith("Broken")}
    assert set(alarms) == set(PROOFS)
    assert set(deployed) - machines - {"DeadLetters"} <= set(PROOFS)
    for kind, proofs in OTHER_KINDS.items():
        watching = set(alarms_of(spec_of(kind))) - set(PROOFS)
        assert not watching, kind
        assert {"Errors", "Saturation"} <= set(proofs)
