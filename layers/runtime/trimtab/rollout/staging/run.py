"""All that staging is asked, in an order in which one thing does not spoil the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.rollout.staging.checks import Check, Probe
from trimtab.rollout.staging.contract import check_contract
from trimtab.rollout.staging.golden import Golden, check_golden
from trimtab.rollout.staging.load import check_clients, check_cold_start, check_load
from trimtab.rollout.staging.soak import check_memory
from trimtab.spec import Column, Spec
from trimtab.spec.staging import StagingSpec


@dataclass(frozen=True)
class Demands:
    """What is tried, and the limits it has to keep."""

    golden: Sequence[Golden]
    columns: Mapping[str, Column]
    features: Sequence[str]
    max_latency_ms: float
    staging: StagingSpec

    @classmethod
    def of_spec(cls, spec: Spec, golden: Sequence[Golden]) -> "Demands":
        data, rollout = spec.data, spec.rollout
        return cls(golden, data.columns, data.features, rollout.max_latency_ms, rollout.staging_test)


def run_checks(probe: Probe, demands: Demands) -> list[Check]:
    """Every check that was made: the endpoint has passed when every one has.

    The first request comes first, because only it is cold. What answers no golden record is not asked for minutes how
    it bears load; bad requests come before the load, so that what they break is seen in it.
    """
    golden, staging = demands.golden, demands.staging
    checks = [
        check_cold_start(probe, golden[0], staging.max_cold_start_s),
        check_golden(probe, golden),
        *check_contract(probe, golden[0], demands.columns, demands.features),
    ]
    if all(check.passed for check in checks[:2]):
        checks += [
            check_clients(probe, golden, staging.clients),
            check_load(probe, golden, staging.load, demands.max_latency_ms),
        ]
        checks += [check_memory(probe, golden, staging)] if staging.soak_minutes else []
        checks.append(_again(check_golden(probe, golden)))
    return checks


def _again(check: Check) -> Check:
    """The golden records once more: whatever went before has changed no answer."""
    return Check("golden, at the end", check.passed, check.message, check.facts)
