"""The page of a rollout after its end: what was planned, what happened, on what evidence, and what to do now."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from trimtab.contracts import Plan
from trimtab.ledger.kinds import (
    APPROVAL_VOTED,
    PROMOTION_CLOSED,
    ROLLOUT_GOING_BACK,
    ROLLOUT_HELD,
    ROLLOUT_JUDGED,
    ROLLOUT_RELEASED,
    ROLLOUT_ROLLED_BACK,
    ROLLOUT_SHIFTED,
    STAGING_TESTED,
)
from trimtab.reports.figures import PAGE_BYTES
from trimtab.reports.pages import template
from trimtab.reports.time_charts import Line, Mark, time_chart
from trimtab.rollout.fleet_numbers import Did, Minute, together
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.progress import Told

_SHOWN: Final = 120
"""Rows of a table and points of a line; of a page that is too long, half as many, and so on."""
_SIGNS: Final = {"pass": "✓", "fail": "✗", "inconclusive": "?"}
_HEADLINES: Final = {
    "Serving": "serves",
    "RolledBack": "was rolled back",
    "Shadowed": "was seen in a shadow",
    "Refused": "was refused",
    "Failed": "was not promoted: it failed",
}


@dataclass(frozen=True)
class RolloutStory:
    """All that the page is about."""

    told: Told
    minutes: Sequence[Minute]
    judgement: Judgement | None
    """The last look; None when both fleets were never compared."""
    shadow: Judgement | None = None
    """The last look at the shadow, where there was one."""
    unread: str = ""
    """Why the fleets' numbers could not be read."""


def rollout_page(story: RolloutStory) -> bytes:
    """One page without a network, under 200 KB, with a table under every chart."""
    pages = (_page(story, _SHOWN >> halvings) for halvings in range(6))
    return next((page for page in pages if len(page) < PAGE_BYTES), _page(story, 2))


def next_command(told: Told) -> str:
    """What a person types now, ready to be pasted."""
    model, version = told.entries[0].model, told.promotion.version
    if told.outcome == "Serving":
        return f"trimtab served {model}"
    if told.outcome == "Shadowed":
        return f'trimtab approve {model} {version} --again --reason "its shadow looked well"'
    if told.outcome == "RolledBack":
        return f"trimtab models gates {model} {version}"
    return f"trimtab history {model}"


def _page(story: RolloutStory, shown: int) -> bytes:
    told, minutes = story.told, _binned(story.minutes, shown)
    tested, entries = told.last(STAGING_TESTED), told.entries
    rendered = template("rollout_report.html").render(
        told=told,
        model=entries[0].model,
        version=told.promotion.version,
        headline=_HEADLINES.get(told.outcome, "is on its way"),
        plan=told.plan,
        command=next_command(told),
        approvals=[entry for entry in entries if entry.kind == APPROVAL_VOTED],
        staging=tested.data if tested else None,
        steps=list(_steps(told)),
        weights=_weights_chart(told),
        errors=_errors_chart(minutes, told),
        latency=_latency_chart(minutes, told),
        minutes=minutes,
        unread=story.unread,
        judgement=story.judgement,
        pairs=next((each.pairs for each in (story.shadow, story.judgement) if each and each.pairs), None),
        judged=told.course.of(ROLLOUT_JUDGED)[-shown:],
        entries=entries[-shown:],
        entries_left=max(len(entries) - shown, 0),
    )
    return rendered.encode()


def _binned(minutes: Sequence[Minute], most: int) -> list[Minute]:
    """At most so many stretches of equal length, in place of the minutes."""
    size = max(1, math.ceil(len(minutes) / most))
    parts = [minutes[first : first + size] for first in range(0, len(minutes), size)]
    return [
        Minute(part[0].at, together(minute.new for minute in part), together(minute.old for minute in part))
        for part in parts
    ]


def _steps(told: Told) -> Iterator[Mapping[str, Any]]:
    """Each step as planned, and when it came, how long it lasted, with which verdict, by whose release."""
    plan, course = told.plan, told.course
    shifts = {int(entry.data["step"]): _moment(entry.data["at"]) for entry in course.of(ROLLOUT_SHIFTED)}
    ended = told.last(PROMOTION_CLOSED)
    for number, step in enumerate(plan.steps if plan else (), start=1):
        came = shifts.get(number)
        until = shifts.get(number + 1) or (ended.at if ended else None)
        judged, released = course.last(ROLLOUT_JUDGED, step=number), course.last(ROLLOUT_RELEASED, step=number)
        held = course.last(ROLLOUT_HELD, step=number)
        yield {
            "number": number,
            "percent": step["percent"],
            "starts_min": int(step["starts_s"]) // 60,
            "bake_min": int(step["bake_s"]) // 60,
            "came": came,
            "lasted_min": round((until - came).total_seconds() / 60) if came and until else None,
            "verdict": judged.data["judgement"]["outcome"] if judged else "",
            "held": held.data["why"] if held else "",
            "released": released.data["summary"] if released else "",
        }


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def _weights_chart(told: Told) -> Any:
    plan = told.plan
    if plan is None or not plan.steps:
        return ""
    lines = [Line("planned", _planned(told, plan), stepped=True), Line("new", _observed(told, plan), stepped=True)]
    return time_chart("Share of the requests that the new version answers", lines, _marks(told), " %", 100)


def _planned(told: Told, plan: Plan) -> list[tuple[datetime, float | None]]:
    """From the moment at which traffic first moved, or would have."""
    first = told.course.last(ROLLOUT_SHIFTED, step=1)
    zero = _moment(first.data["at"]) if first else plan.started
    points: list[tuple[datetime, float | None]] = [(min(plan.started, zero), 0.0)]
    points += [(zero + timedelta(seconds=int(step["starts_s"])), float(step["percent"])) for step in plan.steps]
    last = plan.steps[-1]
    return [*points, (zero + timedelta(seconds=int(last["starts_s"]) + int(last["bake_s"])), float(last["percent"]))]


def _observed(told: Told, plan: Plan) -> list[tuple[datetime, float | None]]:
    points: list[tuple[datetime, float | None]] = [(plan.started, 0.0)]
    for entry in told.course.of(ROLLOUT_SHIFTED):
        points.append((_moment(entry.data["at"]), float(entry.data["percent"])))
    back, ended = told.last(ROLLOUT_ROLLED_BACK), told.last(PROMOTION_CLOSED)
    if back:
        points.append((back.at, 0.0))
    if ended:
        points.append((ended.at, points[-1][1]))
    return points


def _marks(told: Told) -> list[Mark]:
    """Verdicts that said something new, and the decision to go back."""
    found = []
    for entry in told.course.of(ROLLOUT_JUDGED)[-40:]:
        outcome = str(entry.data["judgement"]["outcome"])
        title = f"{entry.at:%H:%M} {outcome}: {entry.data['judgement']['message']}"[:300]
        found.append(Mark(entry.at, _SIGNS.get(outcome, "?"), outcome, title))
    for entry in told.course.of(ROLLOUT_GOING_BACK):
        found.append(Mark(entry.at, "↩ ", "fail", f"{entry.at:%H:%M} going back", "end"))
    return found


def _errors_chart(minutes: Sequence[Minute], told: Told) -> Any:
    def percent(did: Did) -> float | None:
        return None if did.error_share is None else 100 * did.error_share

    lines = [Line("old", [(minute.at, percent(minute.old)) for minute in minutes])]
    lines.append(Line("new", [(minute.at, percent(minute.new)) for minute in minutes]))
    return time_chart("Requests answered with an error, in per cent", lines, _marks(told), " %")


def _latency_chart(minutes: Sequence[Minute], told: Told) -> Any:
    lines = [Line("old", [(minute.at, minute.old.latency_ms) for minute in minutes])]
    lines.append(Line("new", [(minute.at, minute.new.latency_ms) for minute in minutes]))
    return time_chart("Typical latency", lines, _marks(told), " ms")
