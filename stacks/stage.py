"""Stages: the values in which one deployment of the same app differs from another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_logs import RetentionDays
from aws_cdk.aws_s3 import ObjectLockRetention
from pydantic import PositiveInt, TypeAdapter, ValidationError

from trimtab.errors import TrimtabError
from trimtab.spec.receivers import Receiver


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
    receivers: tuple[Receiver, ...] = ()
    """Who is told beside those who subscribe to the topic."""
    captures_days: int = 365
    """How long captured traffic and its windows are kept."""


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


def stage_named(name: str, notifications: Any = None, captures_days: Any = None) -> Stage:
    """The stage called ``name``, with the receivers and the age of captures that the context's values have for it.

    Raises TrimtabError that lists the stages, or says what is wrong with a receiver or the age.
    """
    if name not in STAGES:
        raise TrimtabError(f"there is no stage '{name}'; choose one of {', '.join(STAGES)}")
    days = STAGES[name].captures_days if captures_days is None else _days(captures_days)
    return replace(STAGES[name], receivers=_receivers(notifications).get(name, ()), captures_days=days)


def _days(given: Any) -> int:
    """``cdk -c`` gives text where cdk.json gives a number."""
    try:
        return TypeAdapter(PositiveInt).validate_python(given)
    except ValidationError as error:
        raise TrimtabError(f"the context's captures_days is {given!r}, and no number of days above 0") from error


def _receivers(given: Any) -> dict[str, tuple[Receiver, ...]]:
    """By stage. ``cdk -c`` gives text where cdk.json gives an object."""
    try:
        read = json.loads(given) if isinstance(given, str) else given or {}
        found = TypeAdapter(dict[str, tuple[Receiver, ...]]).validate_python(read)
    except (ValidationError, ValueError) as error:
        raise TrimtabError(f"the context's notifications are not receivers by stage: {error}") from error
    for name, receivers in found.items():
        if name not in STAGES or len({receiver.name for receiver in receivers}) < len(receivers):
            raise TrimtabError(f"notifications: '{name}' is no stage, or two of its receivers have one name")
    return found
