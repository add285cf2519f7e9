"""Bands of expected values, and alarms that compare with them."""

import math

import pytest

from localcloud.cloudwatch.alarms import Alarm, AlarmBook, InvalidAlarm
from localcloud.cloudwatch.anomaly import band_of, beyond, learn
from localcloud.cloudwatch.evaluation import Finding, evaluate
from localcloud.cloudwatch.metrics import Metric, MetricStore, Sample

HOUR, DAY = 3600, 86400
FIVE_MINUTES = 300
LATENCY = Metric("N", "Latency", ())
BOTH, ABOVE = "LessThanLowerOrGreaterThanUpperThreshold", "GreaterThanUpperThreshold"


def daily(time: float) -> float:
    """A quiet night and a busy noon, with a ripple that never repeats."""
    return 100 + 50 * math.sin(2 * math.pi * time / DAY) + 2 * math.sin(time * 0.7)


def points(days: float) -> list[tuple[float, float]]:
    return [(float(time), daily(time)) for time in range(0, int(days * DAY), FIVE_MINUTES)]


def settings(comparison: str = BOTH, **changes: object) -> dict[str, object]:
    stat = {"Metric": {"Namespace": "N", "MetricName": "Latency"}, "Period": FIVE_MINUTES, "Stat": "Average"}
    metrics = [
        {"Id": "m1", "ReturnData": True, "MetricStat": stat},
        {"Id": "ad1", "ReturnData": True, "Expression": "ANOMALY_DETECTION_BAND(m1, 4)"},
    ]
    given = {
        "AlarmName": "odd",
        "Metrics": metrics,
        "ThresholdMetricId": "ad1",
        "ComparisonOperator": comparison,
        "EvaluationPeriods": 3,
        "TreatMissingData": "notBreaching",
    }
    return given | changes


def alarm(**changes: object) -> Alarm:
    return AlarmBook("arn:").put(settings(**changes), 0.0)  # type: ignore[arg-type]


def store(days: float, then: float | None = None) -> tuple[MetricStore, float]:
    """History of so many days, a quarter of an hour of ``then``, and the moment at which that ends."""
    known = points(days)
    until = known[-1][0] + FIVE_MINUTES
    if then is not None:
        known += [(until + FIVE_MINUTES * step, then) for step in range(3)]
        until += 3 * FIVE_MINUTES
    found = MetricStore()
    found.put(LATENCY, "None", [Sample(time, 1, value, value, value) for time, value in known])
    return found, until


def found(one: Alarm, days: float, then: float | None = None) -> Finding:
    data, until = store(days, then)
    finding = evaluate(one, data, until)
    assert finding is not None
    return finding


def test_a_band_follows_the_hours_of_the_day() -> None:
    model = learn(points(14))
    assert model is not None
    noon, night = model.limits(14 * DAY + 6 * HOUR, 3), model.limits(14 * DAY + 18 * HOUR, 3)
    assert noon[0] > night[1]


def test_a_value_beyond_its_band_is_so_far_beyond() -> None:
    assert [beyond(value, (1.0, 3.0)) for value in (0.5, 1.0, 2.0, 3.0, 5.0)] == [-0.5, 0.0, 0.0, 0.0, 2.0]


@pytest.mark.parametrize("days", [0.1, 2.9])
def test_there_is_no_band_before_there_is_enough_to_learn_from(days: float) -> None:
    assert learn(points(days)) is None
    assert found(alarm(), days, then=1e9).value == "INSUFFICIENT_DATA"


def test_a_series_that_never_changes_has_a_band_all_the_same() -> None:
    model = learn([(float(time), 5.0) for time in range(0, 4 * DAY, FIVE_MINUTES)])
    assert model is not None
    lower, upper = model.limits(0.0, 2)
    assert lower < 5 < upper


@pytest.mark.parametrize(("then", "state"), [(None, "OK"), (500.0, "ALARM"), (-500.0, "ALARM")])
def test_both_sides_of_a_band_ring(then: float | None, state: str) -> None:
    assert found(alarm(), 10, then).value == state


def test_one_side_of_a_band_rings_alone() -> None:
    assert found(alarm(comparison=ABOVE), 10, then=-500.0).value == "OK"


def test_what_is_usual_at_noon_rings_at_night() -> None:
    noon = daily(6 * HOUR)
    assert found(alarm(), 10 + 6 / 24, then=noon).value == "OK"
    assert found(alarm(), 10 + 18 / 24, then=noon).value == "ALARM"


def test_the_reason_tells_values_and_limits() -> None:
    finding = found(alarm(), 10, then=500.0)
    assert finding.reason.startswith("Thresholds Crossed: 3 out of the last 3 datapoints [500.0 (")
    assert "was less" not in finding.reason
    assert "or greater than the upper thresholds" in finding.reason
    low, high = finding.data["recentLowerThresholds"], finding.data["recentUpperThresholds"]
    assert all(below < above < 500 for below, above in zip(low, high, strict=True))
    assert len(low) == 3


def test_an_alarm_learns_again_once_an_hour_and_not_more() -> None:
    one, (data, until) = alarm(), store(10)
    evaluate(one, data, until)
    first = one.learned
    evaluate(one, data, until + 30 * 60)
    assert one.learned is first
    evaluate(one, data, until + 2 * HOUR)
    assert one.learned is not first


def test_a_band_around_an_expression_is_learned_from_the_expression() -> None:
    stat = {"Metric": {"Namespace": "N", "MetricName": "Latency"}, "Period": FIVE_MINUTES, "Stat": "Average"}
    metrics = [
        {"Id": "raw", "ReturnData": False, "MetricStat": stat},
        {"Id": "m1", "ReturnData": True, "Expression": "raw * 10", "Period": FIVE_MINUTES},
        {"Id": "ad1", "ReturnData": True, "Expression": "ANOMALY_DETECTION_BAND(m1, 4)"},
    ]
    assert found(alarm(Metrics=metrics), 10).value == "OK"
    assert found(alarm(Metrics=metrics), 10, then=500.0).value == "ALARM"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ThresholdMetricId": "absent"}, "ANOMALY_DETECTION_BAND"),
        ({"ComparisonOperator": "GreaterThanThreshold"}, "needs a Threshold"),
        ({"Threshold": 1.0}, "exclude"),
        ({"ThresholdMetricId": None}, "exactly one|ThresholdMetricId|undefined|metric math"),
    ],
)
def test_settings_of_a_band_that_cannot_work_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidAlarm, match=f"(?i){reason}"):
        alarm(**changes)


@pytest.mark.parametrize(
    ("text", "width"), [("ANOMALY_DETECTION_BAND(m1)", 2.0), ("ANOMALY_DETECTION_BAND( m1 , 3.5 )", 3.5)]
)
def test_a_band_is_as_wide_as_it_says(text: str, width: float) -> None:
    found = band_of("ad1", text)
    assert found is not None
    assert (found.of, found.width) == ("m1", width)
    assert band_of("ad1", "m1 * 2") is None


def test_hours_are_learned_apart() -> None:
    model = learn(points(4))
    assert model is not None
    assert len({round(value) for value in model.hours.values()}) > 12
