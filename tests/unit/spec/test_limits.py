"""What an alarm allows is said once, for those who make it, hear it, draw it and count it."""

import pytest

from tests.unit.functions.scene import SPEC, tiny_spec
from trimtab.spec.limits import AlarmLimit, Side, limit_of
from trimtab.spec.retraining import KINDS, AlarmKind

WATCHED: dict[AlarmKind, AlarmLimit | None] = {
    "drift": AlarmLimit(0.3),
    "prediction": AlarmLimit(0.4),
    "schema": AlarmLimit(0.0),
    "quality": AlarmLimit(0.07),
    "estimate": AlarmLimit(0.07),
    "slice": None,
    "bias": None,
    "change": AlarmLimit(1.0, "reached"),
    "forecast": AlarmLimit(14.0, "below"),
}
MONITORING = """
  psi_limit: 0.3
  prediction_psi_limit: 0.4
  quality: {max_drop: 0.07}
  change: {horizon_days: 14}
"""


def limits(monitoring: str = MONITORING, evaluation: str = "{}") -> dict[AlarmKind, AlarmLimit | None]:
    text = SPEC.replace("{min_rows: 50}", f"{monitoring}\nevaluation: {evaluation}")
    return {kind: limit_of(kind, tiny_spec(text)) for kind in KINDS}


def test_every_kind_is_held_against_what_the_spec_says_of_it() -> None:
    assert limits() == WATCHED


def test_an_estimate_has_a_limit_of_its_own_where_the_spec_says_one() -> None:
    assert limits("{estimate: {max_drop: 0.02}}")["estimate"] == AlarmLimit(0.02)


@pytest.mark.parametrize(
    ("monitoring", "limit"),
    [
        ("{quality: {max_drop: 0.07}}", AlarmLimit(0.07)),
        ("{quality: {max_drop: 0.07}, slices: {max_drop: 0.2}}", AlarmLimit(0.2)),
        ("{quality: {max_drop: 0.07, metric: log_loss}}", None),
        ("{quality: {metric: log_loss}, slices: {max_drop: 0.2}}", AlarmLimit(0.2)),
    ],
)
def test_slices_are_held_against_the_limit_of_the_metric_they_are_measured_by(
    monitoring: str, limit: AlarmLimit | None
) -> None:
    assert limits(monitoring, "{slices: [kind]}")["slice"] == limit


def test_groups_have_a_limit_where_the_spec_protects_any() -> None:
    assert limits(evaluation="{gates: {bias: {attributes: {kind: {}}}}}")["bias"] == AlarmLimit(1.0)


@pytest.mark.parametrize(
    ("side", "rings"),
    [("above", [False, False, True]), ("reached", [False, True, True]), ("below", [True, False, False])],
)
def test_a_limit_is_crossed_as_cloudwatch_compares(side: Side, rings: list[bool]) -> None:
    assert [AlarmLimit(1.0, side).is_crossed_by(reading) for reading in (0.9, 1.0, 1.1)] == rings
