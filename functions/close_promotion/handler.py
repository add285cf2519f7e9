"""Ends a promotion however it went; last step of the promotion machine, and called when an execution breaks off."""

import json
from datetime import datetime
from typing import Any, Literal

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import PROMOTION_REQUESTED, Event, Plan, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import EvidenceUnreadable, KeyUnusable
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.reports.rollout_report import RolloutStory, rollout_page
from trimtab.rollout.closing import Closing
from trimtab.rollout.fleet_numbers import Minute, minutes_of
from trimtab.rollout.judge.sources import Measurements
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.looking import NEWEST, SHADOW_LOOK
from trimtab.rollout.progress import told_of
from trimtab.rollout.reigns import record_of

WHY = {"ABORTED": "its execution was stopped", "TIMED_OUT": "its execution ran out of time"}


class ClosePromotionEvent(Event):
    """How the promotion ended; without ``promotion`` it failed before its approval was checked, or broke off."""

    promotion: Promotion | None = None
    package_arn: str = ""
    outcome: Literal["Serving", "RolledBack", "Shadowed", "Refused", "Busy", "Failed"] = "Failed"
    reason: str = ""
    broken: str = ""
    """Status of an execution that ended without this step; empty when the machine itself is asking."""


@entrypoint(ClosePromotionEvent)
def handler(event: ClosePromotionEvent, runtime: Runtime) -> dict[str, Any]:
    """Nothing of the promotion is left but what serves, and ``next`` is the approval whose turn it is."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    closed = close(event, runtime, *connected)
    published(event, runtime, CloudWatchMeasurements.connect())
    return closed


def close(
    event: ClosePromotionEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms, registry: ModelRegistry
) -> dict[str, Any]:
    """Safe to repeat: what is gone stays gone, and the ledger holds one entry."""
    promotion = record_of(runtime.ledger.entries(), event.execution) if event.broken else event.promotion
    closing = Closing(
        id=promotion.id if promotion else event.execution,
        promotion=promotion,
        at=event.at,
        names=runtime.names,
        ledger=runtime.ledger,
        notifier=runtime.notifier,
        endpoints=endpoints,
        alarms=alarms,
        registry=registry,
        rollout=runtime.spec.rollout,
    )
    closed = closing.close(event.outcome, WHY.get(event.broken, event.reason))
    if event.broken and closed["next"]:
        runtime.events.put(PROMOTION_REQUESTED, closed["next"])
    return closed


def published(event: ClosePromotionEvent, runtime: Runtime, measurements: Measurements) -> str | None:
    """The page's URI; a closed key costs the page and no more, and people are told."""
    try:
        return report(event, runtime, measurements)
    except KeyUnusable as error:
        what = f"Promotion {event.execution} has ended; its page is missing."
        step = "Enable the key; the history has what the page would say: trimtab history " + event.model
        runtime.notifier.send("the page of a rollout could not be written", what, str(error), step)
        return None


def report(event: ClosePromotionEvent, runtime: Runtime, measurements: Measurements) -> str | None:
    """URI of the rollout's page, made anew from ledger and metrics each time; None for what was never let in."""
    told = told_of(runtime.ledger.entries(), event.promotion.id if event.promotion else event.execution)
    if told is None:
        return None
    folder = runtime.artifact("rollouts", told.promotion.tag)
    minutes, unread = _minutes(told.plan, measurements, event.at)
    newest, shadow = (_look(runtime, f"{folder}/{name}") for name in (NEWEST, SHADOW_LOOK))
    page = rollout_page(RolloutStory(told, minutes, newest, shadow, unread))
    uri = f"{folder}/report.html"
    runtime.objects.write(uri, page, "text/html; charset=utf-8")
    return uri


def _minutes(plan: Plan | None, measurements: Measurements, at: datetime) -> tuple[list[Minute], str]:
    """What both versions did, or why nobody can say."""
    if plan is None:
        return [], ""
    try:
        return minutes_of(plan, measurements, at), ""
    except EvidenceUnreadable as error:
        return [], str(error)


def _look(runtime: Runtime, uri: str) -> Judgement | None:
    try:
        return Judgement.from_json(json.loads(runtime.objects.read(uri)))
    except FileNotFoundError:
        return None
