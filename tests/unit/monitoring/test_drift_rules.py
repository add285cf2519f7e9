"""A column with a rule of its own is held to that rule; the others to the PSI limit."""

import numpy as np
import pyarrow as pa
import pytest

from trimtab.data.drift import STATISTICS, compare
from trimtab.data.profile import NumberProfile, Profile
from trimtab.monitoring.drift import Drift
from trimtab.spec import MonitoringSpec

RANDOM = np.random.default_rng(0)
COLUMNS = {name: RANDOM.normal(0, 1, 5_000) for name in ("near", "far")}
MOVED = {"near": COLUMNS["near"] + 0.1, "far": COLUMNS["far"] + 2.0}


def drift() -> Drift:
    profiles = [
        Profile(5_000, {name: NumberProfile.of(pa.array(values)) for name, values in side.items()})
        for side in (COLUMNS, MOVED)
    ]
    return Drift(5_000, tuple(compare(*profiles)))


def watch(**drift: dict[str, object]) -> MonitoringSpec:
    return MonitoringSpec.model_validate({"drift": drift})


def test_without_rules_the_psi_limit_decides() -> None:
    found = drift()
    assert found.drifted(watch()) == ["far"]
    assert found.reading(watch()) == max(found.psi.values())


@pytest.mark.parametrize("statistic", ["ks", "wasserstein", "jensen_shannon", "cramers_v"])
def test_a_columns_own_rule_decides_instead(statistic: str) -> None:
    assert statistic in STATISTICS
    strict = watch(near={"statistic": statistic, "limit": 0.01}, far={"limit": 1_000})
    assert drift().drifted(strict) == ["near"]
    assert (drift().reading(strict) or 0) > strict.psi_limit


def test_what_is_not_measured_has_no_reading() -> None:
    assert Drift(3).reading(watch()) is None


def test_a_rule_names_a_known_statistic() -> None:
    with pytest.raises(ValueError, match="statistic"):
        watch(near={"statistic": "vibes", "limit": 1})
