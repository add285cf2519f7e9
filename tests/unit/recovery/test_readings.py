"""Of every kind of alarm: the newest reading of the version that serves, and no other, says whether it asks."""

from typing import Any

import pytest

from tests.fakes import NOON, MemoryAlarms, MemoryLedger
from tests.unit.functions.scene import SPEC as TINY
from tests.unit.functions.scene import tiny_spec
from trimtab.recovery.ringing import Ringing
from trimtab.spec import Spec
from trimtab.spec.retraining import KINDS, AlarmKind
from trimtab.telemetry import WATCHES

SPEC = tiny_spec(f"{TINY}evaluation: {{slices: [kind], gates: {{bias: {{attributes: {{kind: {{}}}}}}}}}}\n")
BEYOND: dict[AlarmKind, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "drift": ("window.measured", {"max_psi": 0.9}, {"max_psi": 0.1}),
    "prediction": ("window.measured", {"prediction_psi": 0.9}, {"prediction_psi": 0.1}),
    "schema": ("window.measured", {"schema_breaks": [{"columns": ["x"]}]}, {"schema_breaks": []}),
    "quality": ("quality.measured", {"drop": 0.3, "reading": 0.3}, {"drop": 0.3, "reading": 0.0}),
    "slice": ("quality.measured", {"slice_drop": 0.3}, {"slice_drop": 0.0}),
    "estimate": ("performance.estimated", {"estimate_reading": 0.3}, {"estimate_reading": 0.0}),
    "bias": ("performance.estimated", {"bias_excess": 1.4}, {"bias_excess": 0.9}),
    "change": (
        "change.measured",
        {"looks": [{"evidence": 1.0, "rings": True}]},
        {"looks": [{"evidence": 0.9, "rings": True}, {"evidence": 7.0, "rings": False}]},
    ),
    "forecast": ("change.measured", {"days_to_limit": 3.0}, {"days_to_limit": None}),
}


def watched(**changed: Any) -> Spec:
    """The spec with other rules of monitoring."""
    return SPEC.model_copy(update={"monitoring": SPEC.monitoring.model_copy(update=changed)})


class Watched:
    """A model whose alarm of one kind rings, and what was measured of it."""

    def __init__(self, kind: AlarmKind) -> None:
        self.kind, self.ledger, self.alarms = kind, MemoryLedger(), MemoryAlarms()
        self.spec = SPEC
        dimensions = [{"Name": "Model", "Value": "tiny"}]
        name = {"Namespace": "Trimtab", "MetricName": WATCHES[kind][0].value, "Dimensions": dimensions}
        self.alarms.put({"AlarmName": "it", **name})
        self.alarms.state["it"] = "ALARM"

    def measured(self, beyond: bool, version: int = 1, end: str = "", **more: Any) -> None:
        entry, bad, good = BEYOND[self.kind]
        data = {"version": version, **(bad if beyond else good), **({"period": {"end": end}} if end else {}), **more}
        self.ledger.append(entry, f"w{len(self.ledger.rows)}", data, NOON, "test")

    def word(self, version: int) -> None:
        """A person reconsiders the baseline of the version."""
        self.ledger.append("baseline.reconsidered", "word", {"version": version, "window": "w0"}, NOON, "test")

    def asks(self, version: int | None = 1) -> bool:
        return Ringing("tiny", self.alarms, self.ledger.rows, self.spec, version).still("it")


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_reading_beyond_the_limit_bears_its_alarm_out(kind: AlarmKind) -> None:
    model = Watched(kind)
    assert not model.asks(), "nothing was measured"
    model.measured(beyond=True)
    assert model.asks()
    assert not model.asks(version=None), "nothing serves"
    model.measured(beyond=False)
    assert not model.asks(), "it has been measured since, and is well"


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_earlier_version_did_bears_out_nothing(kind: AlarmKind) -> None:
    model = Watched(kind)
    model.measured(beyond=True)
    model.measured(beyond=False, version=2)
    assert not model.asks(version=2)
    model.measured(beyond=True, version=1)
    assert not model.asks(version=2)


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_window_that_is_measured_later_is_not_what_the_alarm_saw(kind: AlarmKind) -> None:
    model = Watched(kind)
    model.measured(beyond=False, end="2026-01-31")
    model.measured(beyond=True, end="2026-01-01")
    assert not model.asks()
    model.measured(beyond=True, end="2026-02-01")
    assert model.asks()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("change", "forecast")])
def test_a_window_that_was_not_judged_says_nothing_either_way(kind: AlarmKind) -> None:
    model = Watched(kind)
    model.measured(beyond=True)
    model.measured(beyond=False, judged=False)
    assert model.asks()


@pytest.mark.parametrize("kind", KINDS)
def test_of_an_alarm_of_m_of_n_readings_m_of_the_newest_n_bear_it_out(kind: AlarmKind) -> None:
    model, alone = Watched(kind), kind in ("change", "forecast")
    model.spec = watched(periods=3, datapoints=2)
    model.measured(beyond=True)
    assert model.asks() is alone, "what looks at many readings itself needs one"
    model.measured(beyond=True)
    model.measured(beyond=False)
    assert model.asks() is not alone
    model.measured(beyond=False)
    assert not model.asks()


@pytest.mark.parametrize("kind", KINDS)
def test_drift_from_before_a_person_reconsidered_the_baseline_bears_out_nothing(kind: AlarmKind) -> None:
    model, truth = Watched(kind), kind in ("quality", "slice", "estimate", "bias")
    model.measured(beyond=True)
    model.word(version=2)
    assert model.asks(), "it was of another version's"
    model.word(version=1)
    assert model.asks() is truth
    model.measured(beyond=True)
    assert model.asks()


def test_performance_that_has_changed_has_so_whatever_the_baseline_is() -> None:
    model = Watched("change")
    looks = [{"measure": "scores", "evidence": 5.0}, {"measure": "performance", "evidence": 1.2}]
    model.measured(beyond=True, looks=looks)
    model.word(version=1)
    assert model.asks()
    model.measured(beyond=True, looks=[looks[0]])
    model.word(version=1)
    assert not model.asks()


def test_bias_that_only_truth_can_show_counts_where_truth_was_joined() -> None:
    model = Watched("bias")
    model.measured(beyond=False)
    truth = {"version": 1, "judged": False, "bias_excess_truth": 1.4}
    model.ledger.append("quality.measured", "w", truth, NOON, "test")
    assert model.asks()


def test_an_alarm_that_the_spec_has_no_limit_for_is_borne_out_by_nothing() -> None:
    """Slices that are measured by another metric than the primary one have no alarm, and no limit by accident."""
    model = Watched("slice")
    model.measured(beyond=True)
    assert model.asks()
    model.spec = watched(quality=SPEC.monitoring.quality.model_copy(update={"metric": "log_loss"}))
    assert not model.asks()
