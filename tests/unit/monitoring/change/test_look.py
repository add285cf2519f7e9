"""Readings in the ledger become looks: what has changed, and when a limit will be crossed."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trimtab.monitoring.change.look import LEAST, in_words, look_at, nearest_crossing, worst_evidence
from trimtab.monitoring.change.measures import Measure, measures_of
from trimtab.monitoring.change.series import Reading
from trimtab.ports import Entry
from trimtab.spec.change import ChangeSpec
from trimtab.spec.monitoring import DriftRule, MonitoringSpec

START = datetime(2013, 6, 1, tzinfo=UTC)
SPEC = MonitoringSpec()


def entry(day: int, kind: str = "quality.measured", version: int = 1, **data: Any) -> Entry:
    start = START + timedelta(days=day)
    period = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
    at = start + timedelta(days=3)
    written = {"version": version, "period": period, **data}
    return Entry("tiny", day + 1, kind, f"w{day}", written, at, "test", "", "")


def falling(days: int, per_day: float, error: float = 0.004) -> list[Entry]:
    wobble = (0.002, -0.003, 0.001, -0.001, 0.003)
    return [entry(day, drop=per_day * day + wobble[day % 5], error=error) for day in range(days)]


def test_a_slow_fall_foretells_the_day_of_its_limit() -> None:
    looks = look_at(measures_of(falling(15, 0.002), 1, SPEC), START + timedelta(days=15), SPEC.change)
    days = nearest_crossing(looks, START + timedelta(days=15))
    assert days == pytest.approx(25.5 - 15, abs=1.5)
    assert "performance: rising by 0.002" in in_words(looks)
    assert worst_evidence(looks) < 1


def test_readings_that_stay_just_below_the_limit_are_a_change_that_no_single_window_shows() -> None:
    below = [entry(day, drop=0.046 + 0.002 * (day % 2), error=0.005) for day in range(20)]
    looks = look_at(measures_of(below, 1, SPEC), START + timedelta(days=20), SPEC.change)
    assert worst_evidence(looks) >= 1
    assert nearest_crossing(looks, START + timedelta(days=20)) is None
    assert "performance: beyond 0.025 since" in in_words(looks)


def test_steady_readings_say_nothing() -> None:
    looks = look_at(measures_of(falling(30, 0.0), 1, SPEC), START + timedelta(days=30), SPEC.change)
    assert worst_evidence(looks) < 0.2
    assert nearest_crossing(looks, START + timedelta(days=30)) is None
    assert in_words(looks) == "no change and no trend in 1 measures"


def test_only_the_serving_version_s_readings_count_and_each_window_once() -> None:
    entries = [*falling(6, 0.0), entry(9, version=2, drop=0.5, error=0.1)]
    entries.append(entry(5, drop=0.04, error=0.01))
    (measure,) = measures_of(entries, 1, SPEC)
    assert [reading.value for reading in measure.readings][-1] == 0.04
    assert len(measure.readings) == 6


def test_few_readings_are_no_change_however_far_they_lie() -> None:
    far = [entry(day, drop=0.2, error=0.01) for day in range(LEAST)]
    few, enough = (look_at(measures_of(far[:count], 1, SPEC), START, SPEC.change) for count in (LEAST - 1, LEAST))
    assert (worst_evidence(few), few[0].to_json()["change"]) == (0, "5 readings, a change needs 6")
    assert worst_evidence(enough) >= 1


def test_one_reading_without_its_error_or_without_chance_does_not_hide_the_others() -> None:
    """A model that gives everybody the same score has windows without chance."""
    moved = [entry(day, drop=0.08, error=error) for day, error in enumerate([0.01] * 12 + [None, 0.0])]
    assert worst_evidence(look_at(measures_of(moved, 1, SPEC), START + timedelta(days=14), SPEC.change)) >= 1


def test_windows_that_were_not_judged_do_not_count() -> None:
    assert measures_of([entry(day, drop=0.2, error=0.01, judged=False) for day in range(20)], 1, SPEC) == []


def test_what_the_evaluation_itself_is_not_sure_of_is_no_change() -> None:
    """The evaluation's luck moves all readings alike; the same readings ring when it was exact."""
    for drop_error, rings in ((math.hypot(0.01, 0.03), False), (0.01, True)):
        entries = [entry(day, drop=0.05, error=0.01, drop_error=drop_error) for day in range(40)]
        looks = look_at(measures_of(entries, 1, SPEC), START + timedelta(days=40), SPEC.change)
        assert (worst_evidence(looks) >= 1) is rings


def test_the_estimate_is_held_to_its_own_limit() -> None:
    spec = SPEC.model_copy(update={"estimate": SPEC.estimate.model_copy(update={"max_drop": 0.2})})
    entries = [entry(0, "performance.estimated", estimate_drop=0.06, estimate_error=0.02, interval=[0.7, 0.74])]
    (measure,) = measures_of(entries, 1, spec)
    assert measure.limit == 0.2
    assert measure.readings[0].error == pytest.approx(0.04 / 3.92, rel=0.001)
    assert measure.shared_error == pytest.approx(math.sqrt(0.02**2 - (0.04 / 3.92) ** 2), rel=0.001)


def test_a_measure_at_its_tolerance_seldom_rings_however_much_its_windows_differ() -> None:
    """Windows that differ five times as much as their own errors say; looked at after each, from the first on."""
    source, rang, tolerance = random.Random(5), 0, SPEC.change.tolerance * SPEC.quality.max_drop
    for _ in range(40):
        entries = [entry(day, drop=source.gauss(tolerance, 0.01), error=0.002) for day in range(30)]
        looks = (look_at(measures_of(entries[:end], 1, SPEC), START, SPEC.change) for end in range(1, 31))
        rang += any(worst_evidence(found) >= 1 for found in looks)
    assert rang <= 2


def test_a_reading_without_an_error_makes_a_trend_but_no_detection() -> None:
    entries = [entry(day, drop=0.002 * day) for day in range(10)]
    (look,) = look_at(measures_of(entries, 1, SPEC), START + timedelta(days=10), SPEC.change)
    assert look.change is None
    assert look.evidence == 0
    assert look.forecast.is_warning


def test_columns_are_reported_and_do_not_ring_and_share_their_chance_of_a_false_trend() -> None:
    columns = [
        entry(day, "window.measured", columns={"x": 0.01 * day, "y": 0.0}, errors={"x": 0.002, "y": 0.002})
        for day in range(20)
    ]
    looks = look_at(measures_of(columns, 1, SPEC), START + timedelta(days=20), SPEC.change)
    assert [look.measure.name for look in looks] == ["column x", "column y"]
    assert looks[0].forecast.is_warning
    assert worst_evidence(looks) == 0
    assert nearest_crossing(looks, START + timedelta(days=20)) is None


def test_drift_of_what_the_model_is_given_is_reported_and_does_not_ring() -> None:
    moved = [entry(day, "window.measured", weighted_psi=0.6, weighted_error=0.01) for day in range(10)]
    (look,) = looks = look_at(measures_of(moved, 1, SPEC), START + timedelta(days=10), SPEC.change)
    assert look.change is not None
    assert look.change.detected
    assert worst_evidence(looks) == 0


def test_scores_that_stay_moved_ring() -> None:
    moved = [entry(day, "window.measured", prediction_value=0.21, prediction_error=0.01) for day in range(10)]
    assert worst_evidence(look_at(measures_of(moved, 1, SPEC), START + timedelta(days=10), SPEC.change)) >= 1


def test_a_column_with_a_rule_of_its_own_is_not_held_to_the_psi_limit() -> None:
    spec = MonitoringSpec(drift={"x": DriftRule(statistic="ks", limit=0.1)})
    assert measures_of([entry(1, "window.measured", columns={"x": 0.3})], 1, spec) == []


def test_days_that_differ_are_no_change_though_each_is_sure_of_itself() -> None:
    """Without their spread the same readings are taken for a change: this is what it is for."""
    values = (0.0, 0.05, 0.0, 0.0, 0.05, 0.0, 0.05, 0.0)
    readings = tuple(Reading(START + timedelta(days=day), value, 0.002) for day, value in enumerate(values))
    measure = Measure("performance", 0.05, readings)
    (look,) = look_at([measure], START + timedelta(days=8), ChangeSpec())
    assert look.evidence < 1


def test_the_whole_look_is_json() -> None:
    (look,) = look_at(measures_of(falling(15, 0.002), 1, SPEC), START + timedelta(days=15), SPEC.change)
    shown = look.to_json()
    assert shown["outcome"] == "crosses"
    assert shown["earliest"] <= shown["expected"]
    assert shown["slope_interval"][0] > 0


def test_one_absurd_reading_stops_neither_this_look_nor_what_the_others_say() -> None:
    spec = ChangeSpec()
    values = [0.01 * day for day in range(40)]
    values[5] = 1e160
    start = datetime(2026, 1, 1, tzinfo=UTC)
    readings = tuple(Reading(start + timedelta(days=day), value, 0.01) for day, value in enumerate(values))
    wild = replace(readings[6], error=1e200)
    measures = [Measure("performance", 0.5, readings), Measure("scores", 0.5, (*readings[6:16], wild))]
    looks = look_at(measures, start + timedelta(days=40), spec)
    assert looks[0].forecast.outcome == "crosses"
    assert looks[1].forecast.outcome != "too few readings"
