"""Stages: the values in which one deployment of the same app differs from another."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_logs import RetentionDays
from aws_cdk.aws_s3 import ObjectLockRetention

from trimtab.errors import TrimtabError


@dataclass(frozen=True)
class Stage:
    """One deployment of the app. Names carry :attr:`name`; everything else decides what outlives it."""

    name: str
    removal: RemovalPolicy
    """What becomes of state when its stack or resource goes."""
    protected: bool
    """State refuses deletion: termination protection on its stack, deletion protection on its table."""
    log_retention: RetentionDays
    audit_lock: ObjectLockRetention
    """How long an audit object withstands deletion."""


STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        stage.name: stage
        for stage in (
            Stage(
                "dev",
                RemovalPolicy.DESTROY,
                protected=False,
                log_retention=RetentionDays.ONE_MONTH,
                audit_lock=ObjectLockRetention.governance(Duration.days(1)),
            ),
            Stage(
                "staging",
                RemovalPolicy.RETAIN,
                protected=False,
                log_retention=RetentionDays.THREE_MONTHS,
                audit_lock=ObjectLockRetention.governance(Duration.days(30)),
            ),
            Stage(
                "prod",
                RemovalPolicy.RETAIN,
                protected=True,
                log_retention=RetentionDays.ONE_YEAR,
                audit_lock=ObjectLockRetention.compliance(Duration.days(365)),
            ),
        )
    }
)


def stage_named(name: str) -> Stage:
    """The stage called ``name``. Raises TrimtabError that lists the stages."""
    if name not in STAGES:
        raise TrimtabError(f"there is no stage '{name}'; choose one of {', '.join(STAGES)}")
    return STAGES[name]
