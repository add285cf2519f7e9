"""Statistics of metric data, metric math, and the metrics that log events embed."""

import json
import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloudwatch.emf import extract
from localcloud.cloudwatch.expression import InvalidExpression, Scope, evaluate
from localcloud.cloudwatch.metrics import (
    InvalidDatum,
    Metric,
    MetricStore,
    Vector,
    check_statistic,
    percentile,
    samples_of,
)

LATENCY = Metric.of("App", "Latency", [{"Name": "Fleet", "Value": "new"}])
SIMPLE = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")


def stored(*values: float, at: float = 30.0) -> MetricStore:
    store = MetricStore()
    store.put(LATENCY, "None", [sample for value in values for sample in samples_of({"Value": value}, at)])
    return store


def test_statistics_cover_exactly_the_window() -> None:
    store = MetricStore()
    for at, value in ((59.9, 1.0), (60.0, 2.0), (119.9, 4.0), (120.0, 8.0)):
        store.put(LATENCY, "None", samples_of({"Value": value}, at))
    found = store.statistics(LATENCY, SIMPLE, 60.0, 120.0)
    assert found == {"SampleCount": 2, "Sum": 6, "Average": 3, "Minimum": 2, "Maximum": 4}


def test_data_may_arrive_out_of_order() -> None:
    store = MetricStore()
    for at in (30.0, 10.0, 20.0):
        store.put(LATENCY, "None", samples_of({"Value": at}, at))
    assert store.vector(LATENCY, "Sum", [0.0, 15.0, 25.0, 35.0]) == [10.0, 20.0, 30.0]


def test_a_metric_with_other_dimensions_is_another_metric() -> None:
    store = stored(1.0)
    assert store.statistics(Metric.of("App", "Latency", []), SIMPLE, 0, 60) == {}


def test_without_data_there_is_no_value() -> None:
    assert stored(1.0).vector(LATENCY, "Sum", [60.0, 120.0]) == [None]


def test_values_count_as_often_as_their_counts_say() -> None:
    store = MetricStore()
    store.put(LATENCY, "None", samples_of({"Values": [1.0, 10.0], "Counts": [3, 1]}, 5.0))
    assert store.statistics(LATENCY, ("SampleCount", "Average", "p50"), 0, 60) == {
        "SampleCount": 4,
        "Average": 3.25,
        "p50": 1.0,
    }


def test_a_summary_of_different_values_has_no_percentiles() -> None:
    store = MetricStore()
    summary = {"SampleCount": 4, "Sum": 10.0, "Minimum": 1.0, "Maximum": 4.0}
    store.put(LATENCY, "None", samples_of({"StatisticValues": summary}, 5.0))
    assert store.statistics(LATENCY, ("Average", "Maximum", "p90"), 0, 60) == {"Average": 2.5, "Maximum": 4.0}


def test_a_unit_selects_the_data_put_in_that_unit() -> None:
    store = stored(1.0)
    store.put(LATENCY, "Seconds", samples_of({"Value": 5.0}, 30.0))
    assert store.statistics(LATENCY, ("Sum",), 0, 60, "Seconds") == {"Sum": 5.0}
    assert store.statistics(LATENCY, ("Sum",), 0, 60) == {"Sum": 6.0}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_lies_between_the_extremes_and_grows_with_its_rank(values: list[float], rank: float) -> None:
    counted = [(value, 1.0) for value in values]
    found = percentile(counted, rank)
    assert min(values) - 1e-6 <= found <= max(values) + 1e-6
    assert found <= percentile(counted, min(100.0, rank + 10)) + 1e-6


@pytest.mark.parametrize(
    "datum",
    [
        {},
        {"Value": 1.0, "Values": [1.0]},
        {"Value": math.nan},
        {"Values": [1.0], "Counts": [1, 2]},
        {"Value": math.inf},
    ],
)
def test_malformed_data_are_refused(datum: dict[str, object]) -> None:
    with pytest.raises(InvalidDatum):
        list(samples_of(datum, 0.0))


def test_an_unknown_statistic_is_refused() -> None:
    check_statistic("p99.9")
    with pytest.raises(InvalidDatum):
        check_statistic("p999")


def test_a_window_is_found_fast_among_hundreds_of_thousands_of_data_points() -> None:
    store = MetricStore()
    times = [index / 20 for index in range(300_000)]
    store.put(LATENCY, "None", (sample for at in times for sample in samples_of({"Value": random.random()}, at)))
    began = time.thread_time()
    for _ in range(20):
        store.vector(LATENCY, "p99", [14_700.0, 14_760.0, 14_820.0, 14_880.0, 14_940.0])
    assert time.thread_time() - began < 2.0


A: Vector = [1.0, 2.0, None, 4.0]
B: Vector = [10.0, 0.0, 30.0, 40.0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", [11.0, 2.0, None, 44.0]),
        ("a / b", [0.1, None, None, 0.1]),
        ("100 * a / (a + b)", [100 / 11, 100.0, None, 400 / 44]),
        ("a ^ 2", [1.0, 4.0, None, 16.0]),
        ("-a", [-1.0, -2.0, None, -4.0]),
        ("a > 1", [0.0, 1.0, None, 1.0]),
        ("a > 1 AND b > 1", [0.0, 0.0, None, 1.0]),
        ("a > 3 || b == 0", [0.0, 1.0, None, 1.0]),
        ("FILL(a, 0)", [1.0, 2.0, 0.0, 4.0]),
        ("FILL(a, REPEAT)", [1.0, 2.0, 2.0, 4.0]),
        ("IF(b > 5, b, a)", [10.0, 2.0, 30.0, 40.0]),
        ("IF(b > 5, b)", [10.0, None, 30.0, 40.0]),
        ("SUM([a, b])", [11.0, 2.0, 30.0, 44.0]),
        ("SUM(METRICS())", [11.0, 2.0, 30.0, 44.0]),
        ("MAX(METRICS())", [10.0, 2.0, 30.0, 40.0]),
        ("AVG(b)", [20.0] * 4),
        ("a - MIN(b)", [1.0, 2.0, None, 4.0]),
        ("ABS(-1 * b)", B),
        ("CEIL(a / 3)", [1.0, 1.0, None, 2.0]),
        ("5", [5.0] * 4),
    ],
)
def test_metric_math(expression: str, expected: list[float | None]) -> None:
    assert evaluate(expression, Scope({"a": A, "b": B}, frozenset({"a", "b"}), 4)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "expression", ["a +", "c", "ANOMALY_DETECTION_BAND(a)", "RATE(a)", "[a, b]", "a.b", "__import__('os')", "'x'"]
)
def test_metric_math_that_cannot_be_computed_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        evaluate(expression, Scope({"a": A, "b": B}, frozenset({"a", "b"}), 4))


def embedded(**changes: object) -> str:
    document = {
        "_aws": {
            "Timestamp": 1714557600000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Trimtab",
                    "Dimensions": [["model"], ["model", "column"]],
                    "Metrics": [{"Name": "psi"}, {"Name": "latency", "Unit": "Milliseconds"}],
                }
            ],
        },
        "model": "flights",
        "column": "dep_delay",
        "psi": 0.31,
        "latency": [1, 2.5],
        "free text": "not a metric",
    }
    return json.dumps(document | changes)


def test_each_dimension_set_gets_each_metric() -> None:
    (found,) = extract(embedded())
    assert (found.namespace, found.milliseconds) == ("Trimtab", 1714557600000)
    assert [(datum["MetricName"], len(datum["Dimensions"]), datum["Values"]) for datum in found.data] == [
        ("psi", 1, [0.31]),
        ("latency", 1, [1.0, 2.5]),
        ("psi", 2, [0.31]),
        ("latency", 2, [1.0, 2.5]),
    ]
    assert found.data[1]["Unit"] == "Milliseconds"


def test_a_dimension_set_whose_value_is_missing_is_not_published() -> None:
    (found,) = extract(embedded(column=None))
    assert {len(datum["Dimensions"]) for datum in found.data} == {1}


def test_a_value_that_is_no_number_is_not_published() -> None:
    (found,) = extract(embedded(psi="high", latency=[True]))
    assert found.data == ()


@pytest.mark.parametrize("line", ["", "plain text", "{broken", '{"_aws": 3}', '{"level": "INFO"}', '["_aws"]'])
def test_other_lines_embed_nothing(line: str) -> None:
    assert extract(line) == []


def test_several_directives_share_a_document() -> None:
    directives: list[dict[str, object]] = [
        {"Namespace": name, "Dimensions": [[]], "Metrics": [{"Name": "psi", "StorageResolution": 1}]}
        for name in ("One", "Two")
    ]
    found = extract(embedded(_aws={"Timestamp": 1714557600000, "CloudWatchMetrics": directives}))
    assert [(part.namespace, part.data[0]["Dimensions"]) for part in found] == [("One", []), ("Two", [])]


@pytest.mark.parametrize(
    "directive",
    [
        {"Namespace": "One", "Metrics": [{"Name": "psi"}]},
        {"Namespace": "One", "Dimensions": [["model"]]},
        {"Dimensions": [["model"]], "Metrics": [{"Name": "psi"}]},
    ],
)
def test_a_directive_that_lacks_a_part_embeds_nothing(directive: dict[str, object]) -> None:
    assert extract(embedded(_aws={"Timestamp": 1714557600000, "CloudWatchMetrics": [directive]})) == []


def test_values_that_are_not_finite_and_unknown_units_are_not_published() -> None:
    assert extract(embedded(psi=math.nan)) == []
    metrics = [{"Name": "psi", "Unit": "Furlongs"}, {"Name": "latency", "Unit": "Milliseconds"}]
    directive = {"Namespace": "One", "Dimensions": [[]], "Metrics": metrics}
    (found,) = extract(embedded(_aws={"Timestamp": 1714557600000, "CloudWatchMetrics": [directive]}))
    assert [datum["MetricName"] for datum in found.data] == ["latency"]
