"""A column with a rule of its own is held to that rule; the others to the PSI limit."""

import numpy as np
import pyarrow as pa
import pytest

from trimtab.data.drift import DriftRules, compare
from trimtab.data.profile import NumberProfile, Profile
from trimtab.monitoring.drift import Drift
from trimtab.spec import MonitoringSpec

RANDOM = np.random.default_rng(0)
COLUMNS = {name: RANDOM.normal(0, 1, 5_000) for name in ("near", "far")}
MOVED = {"near": COLUMNS["near"] + 0.1, "far": COLUMNS["far"] + 2.0}


def drift(watch: MonitoringSpec) -> Drift:
    profiles = [
        Profile(5_000, {name: NumberProfile.of(pa.array(values)) for name, values in side.items()})
        for side in (COLUMNS, MOVED)
    ]
    return Drift(5_000, tuple(DriftRules.of(watch).judge(compare(*profiles))))


def watch(**drift: dict[str, object]) -> MonitoringSpec:
    return MonitoringSpec.model_validate({"drift": drift})


def test_without_rules_the_psi_limit_decides() -> None:
    found = drift(watch())
    assert found.drifted == ["far"]
    assert found.reading(watch().psi_limit) == max(found.psi.values())


@pytest.mark.parametrize("statistic", ["ks", "wasserstein", "jensen_shannon", "cramers_v"])
def test_a_columns_own_rule_decides_instead(statistic: str) -> None:
    strict = watch(near={"statistic": statistic, "limit": 0.01}, far={"limit": 1_000})
    assert drift(strict).drifted == ["near"]
    assert (drift(strict).reading(strict.psi_limit) or 0) > strict.psi_limit


def test_columns_that_are_not_watched_do_not_count() -> None:
    found = drift(MonitoringSpec.model_validate({"columns": ["near"]}))
    assert found.drifted == []
    assert found.reading(0.25) == found.psi["near"]


def test_what_is_not_measured_has_no_reading() -> None:
    assert Drift(3).reading(0.25) is None
    assert Drift(3).prediction_reading is None


def test_scores_that_moved_by_chance_have_a_reading_of_zero() -> None:
    reference, few, other = (
        NumberProfile.of(pa.array(RANDOM.normal(centre, 1, rows))) for centre, rows in ((0, 5_000), (0, 12), (2, 500))
    )
    readings = []
    for scores in (few, other):
        compared = compare(Profile(5_000, {"score": reference}), Profile(scores.rows, {"score": scores}))
        (found,) = DriftRules().judge(compared)
        readings.append((found.psi, Drift(scores.rows, prediction=found).prediction_reading))
    (chance, none), (moved, reading) = readings
    assert chance is not None
    assert chance > 0.25
    assert (none, reading) == (0.0, moved)


def test_a_rule_names_a_known_statistic() -> None:
    with pytest.raises(ValueError, match="statistic"):
        watch(near={"statistic": "vibes", "limit": 1})
