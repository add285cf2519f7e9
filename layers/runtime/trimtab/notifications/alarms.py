"""CloudWatch's alarms in words for people: what, how much, since when, what was done, what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from trimtab.ledger.kinds import TRAINING_RELEASED
from trimtab.monitoring.alarms import AlarmSeen, read_description, reading_of
from trimtab.notifications.notification import Links, Notification, State
from trimtab.notifications.received import AlarmMessage
from trimtab.reports.figures import figure
from trimtab.reports.monitoring_seen import Act, Seen
from trimtab.reports.monitoring_words import sentences

_TOLD: Final = frozenset(
    {"moved", "scores", "by importance", "contract", "unreadable", "performance", "change", "trend", "slice", "bias"}
)
"""Sentences on aggregates; what is said of broken columns may name values, and is on the page."""
_MOVED: Final = "moved"
_COLUMNS: Final = 3
"""Columns that moved which are told one by one."""
_ACTS: Final = 4
_BEFORE: Final = timedelta(minutes=5)
"""An act of the same cause may be dated by the event, a little before the page."""
_STATES: Final[dict[str, State]] = {"ALARM": "alarm", "OK": "ok"}


@dataclass(frozen=True)
class Known:
    """What is known beside the message itself."""

    alarm: AlarmMessage
    ringing: Sequence[AlarmSeen] = ()
    """The alarms that ring below a composite."""
    seen: Seen | None = None
    """What monitoring has found of the model."""
    docs: str = ""
    page: str = ""

    @property
    def since(self) -> datetime:
        """When the first of what rings began to."""
        return min((each.since for each in self.ringing), default=self.alarm.at)

    @property
    def is_measuring(self) -> bool:
        return _itself(self.alarm).is_measuring or any(each.is_measuring for each in self.ringing)


def of_alarm(known: Known) -> Notification:
    """The whole message; of an alarm that is over, that it is."""
    alarm = known.alarm
    about = read_description(alarm.description)
    what, state = about.what or alarm.name, _STATES.get(alarm.state, "notice")
    over = state == "ok"
    return Notification(
        subject=f"[{about.model or 'trimtab'}] {'over: ' if over else ''}{what}",
        what=f"It is over: {what}." if over else f"{what[:1].upper()}{what[1:]}.",
        how_much=[] if over else list(_how_much(known)),
        since=f"{alarm.at if over else known.since:%Y-%m-%d %H:%M} UTC",
        done=[] if over else list(_done(known)),
        to_do=_to_do(known, over),
        model=about.model,
        state=state,
        links=Links(_page(known), _runbook(known, about.runbook), _console(alarm)),
    )


def _how_much(known: Known) -> Iterator[str]:
    """What rings with its reading and its limit, then what the newest window says."""
    for alarm in known.ringing or [_itself(known.alarm)]:
        yield _reading(alarm)
    if known.seen is not None and known.is_measuring:
        yield from _measured(known.seen)
        broken = sorted(known.seen.newest.broken) if known.seen.newest else []
        if broken:
            yield f"broken: {', '.join(broken)}"


def _measured(seen: Seen) -> Iterator[str]:
    """What is bad of the newest window; of the columns that moved, those that matter most."""
    bad = [said for said in sentences(seen) if said.bad and said.about in _TOLD]
    moved = [said for said in bad if said.about == _MOVED]
    yield from (f"{said.about}: {said.text}" for said in bad if said not in moved[_COLUMNS:])
    many = len(seen.newest.drifted) if seen.newest else 0
    if many > _COLUMNS:
        yield f"{many} columns moved in all"


def _itself(alarm: AlarmMessage) -> AlarmSeen:
    return AlarmSeen(alarm.name, alarm.state, alarm.description, alarm.reason, alarm.at, alarm.limit, alarm.metric)


def _reading(alarm: AlarmSeen) -> str:
    """In numbers where CloudWatch gives them, otherwise in its own words."""
    what, value = read_description(alarm.description).what or alarm.name, reading_of(alarm.reason)
    if value is None:
        return f"{what}: {alarm.reason}"
    limit = f", limit {figure(alarm.limit)}" if alarm.limit is not None else ""
    return f"{what}: {figure(value)}{limit}"


def _done(known: Known) -> Iterator[str]:
    """What was decided since, newest first."""
    if known.seen is None or not known.is_measuring:
        yield "nothing: this alarm starts nothing by itself"
        return
    acts = [act for act in reversed(known.seen.acts) if act.at >= known.since - _BEFORE][:_ACTS]
    yield from map(_act, acts)
    if not acts:
        yield "nothing yet: recovery decides on each alarm within minutes"


def _act(act: Act) -> str:
    """With its reason where a policy gave it; a training that failed may quote data."""
    reason = "" if act.kind == TRAINING_RELEASED else f" {act.summary}"
    return f"{act.at:%Y-%m-%d %H:%M} {act.lane}: {act.words}.{reason}"


def _to_do(known: Known, over: bool) -> str:
    model = known.alarm.model
    history = f"trimtab history {model}" if model else "the log of the function that is named"
    if over:
        return f"Nothing. What was decided in the meantime: {history}"
    runbook = read_description(known.alarm.description).runbook
    read = f"Read {runbook}. " if runbook else ""
    if known.is_measuring:
        return (
            f"{read}All of it: trimtab drift {model}; why it is trained again or not: trimtab retraining status {model}"
        )
    return f"{read}What happened before: {history}"


def _page(known: Known) -> str:
    return known.page if known.is_measuring else ""


def _runbook(known: Known, path: str) -> str:
    return f"{known.docs.rstrip('/')}/{path}" if known.docs and path else ""


def _console(alarm: AlarmMessage) -> str:
    """The alarm in AWS's console; empty in partitions whose console is elsewhere."""
    if not alarm.arn.startswith("arn:aws:"):
        return ""
    place = f"{alarm.region}.console.aws.amazon.com/cloudwatch/home?region={alarm.region}"
    return f"https://{place}#alarmsV2:alarm/{quote(alarm.name, safe='')}"
