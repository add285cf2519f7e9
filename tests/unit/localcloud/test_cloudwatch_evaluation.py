"""When an alarm is looked at after the clock has jumped."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloudwatch.alarms import Alarm, Query, State
from localcloud.cloudwatch.decision import Rule
from localcloud.cloudwatch.evaluation import evaluate, stretches, turning_points
from localcloud.cloudwatch.metrics import Metric, MetricStore, samples_of

DROPS = Metric.of("App", "Drops", [])
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def alarm(period: int, missing: str) -> Alarm:
    query = Query("m", True, DROPS, "Maximum", period, None, None)
    rule = Rule("GreaterThanThreshold", 0.5, 1, 1, missing)
    return Alarm("drops", "arn", {}, 0.0, State("OK", "", "", 0.0, 0.0), (query,), rule)


def stored(values: Sequence[tuple[float, float]]) -> MetricStore:
    store = MetricStore()
    for at, value in values:
        store.put(DROPS, "None", samples_of({"Value": value}, at))
    return store


def states(found: Alarm, store: MetricStore, moments: Sequence[float]) -> list[str]:
    """The states that the alarm goes through, each once."""
    passed = []
    for moment in moments:
        finding = evaluate(found, store, moment)
        if finding is not None:
            found.state = State(finding.value, "", "", moment, moment)
        passed.append(found.state.value)
    return [state for state, _ in itertools.groupby(passed)]


def test_months_without_data_are_not_looked_at_minute_by_minute() -> None:
    store = stored([(HOUR, 1.0), (90 * DAY, 0.0)])
    assert len(turning_points(alarm(60, "notBreaching"), store, 0.0, 90 * DAY + HOUR)) < 30
    assert len(turning_points(alarm(300, "notBreaching"), store, 0.0, 90 * DAY + HOUR)) < 60


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0.0, 1.0])), max_size=6),
    st.lists(st.tuples(st.integers(400, 440), st.sampled_from([0.0, 1.0])), max_size=6),
    st.sampled_from(["notBreaching", "breaching", "missing", "ignore"]),
)
@pytest.mark.parametrize("period", [60, 300])
def test_no_state_is_missed_that_looks_at_every_minute_would_have_found(
    period: int, before: list[tuple[int, float]], after: list[tuple[int, float]], missing: str
) -> None:
    store = stored([(minute * MINUTE, value) for minute, value in sorted([*before, *after])])
    until = 500 * MINUTE
    every = [minute * MINUTE for minute in range(1, 501)]
    seen = turning_points(alarm(period, missing), store, 0.0, until)
    first = [every[0]]  # the evaluation that the jump began with
    assert states(alarm(period, missing), store, [*first, *seen, until]) == states(alarm(period, missing), store, every)


def test_data_that_lie_closer_than_the_reach_are_one_stretch() -> None:
    assert list(stretches([1.0, 2.0, 9.0, 11.0, 40.0], 5.0)) == [(1.0, 2.0), (9.0, 11.0), (40.0, 40.0)]
    assert list(stretches([], 5.0)) == []
