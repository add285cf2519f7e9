"""Target tracking: how many instances the last minutes ask for."""

from typing import Any

import pytest

from localcloud.autoscaling import wanted_instances

TRACKING: dict[str, Any] = {"TargetValue": 100.0}
BUSY, QUIET = 250.0, 40.0


@pytest.mark.parametrize(
    ("minutes", "count", "wanted"),
    [
        ([None] * 12 + [BUSY] * 3, 2, 5),
        ([None] * 12 + [BUSY, None, BUSY], 2, 2),
        ([BUSY] * 14 + [90.0], 2, 2),
        ([QUIET] * 15, 4, 2),
        ([QUIET] * 14 + [95.0], 4, 4),
        ([None] + [QUIET] * 14, 4, 4),
        ([None] * 15, 4, 4),
        ([0.0] * 15, 4, 0),
    ],
)
def test_three_busy_minutes_scale_out_and_fifteen_quiet_ones_scale_in(
    minutes: list[float | None], count: int, wanted: int
) -> None:
    assert wanted_instances(minutes, TRACKING, count) == wanted


def test_scaling_in_can_be_turned_off() -> None:
    assert wanted_instances([QUIET] * 15, TRACKING | {"DisableScaleIn": True}, 4) == 4
