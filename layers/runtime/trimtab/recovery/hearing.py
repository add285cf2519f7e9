"""Alarms that ask for no training: each is answered in the ledger as those are that do, and its end is written down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Literal

from trimtab.ledger.kinds import ALARM_CLEARED, ALARM_TOLD
from trimtab.monitoring.alarms import AlarmReader, AlarmSeen, read_description
from trimtab.ports import Entry, Ledger, Notifier
from trimtab.recovery.aftermath import Case, case_for_rollback, propose
from trimtab.recovery.decision import ACTOR, result
from trimtab.recovery.policy import Answer
from trimtab.recovery.rings import FOLD, UNHEARD, Rings, kind_named
from trimtab.rollout.reigns import Reign, reigns
from trimtab.spec import Spec

Allowed = Literal["rollback", "propose", "tell"]
OF_THE_VERSION: Final = frozenset({"errors"})
"""Kinds that speak against a new version wherever the spec says nothing else of them: ``rollout.after.action``."""


@dataclass(frozen=True)
class Hearing:
    """One event, or one look; ``entries`` hold at least decisions, ends of alarms, and who served."""

    subject: str
    at: datetime
    entries: Sequence[Entry]
    spec: Spec
    ledger: Ledger
    reader: AlarmReader
    notifier: Notifier

    def begins(self, alarm: str, event: str) -> dict[str, Any]:
        """The ledger has what is done about an alarm that has begun to ring at ``at``, and why."""
        seen = next(iter(self.reader.described([alarm])), None)
        kind = kind_named(alarm)
        allowed = self._allows(kind)
        case = None if allowed == "tell" else self._case(kind, seen)
        answers = [*self._answers(kind, allowed, seen, case)]
        if case is not None and allowed == "propose":
            propose(case, self.ledger, self.notifier, self.subject, self.at)
        back = {"to": case.to, "reason": case.reason} if case is not None and allowed == "rollback" else None
        reason = _reason(kind, allowed, case, answers)
        if self._rings.repeats(alarm, ALARM_TOLD, reason, self.at):
            return self._answer("", reason, answers)
        told = self._told(alarm, kind, seen, reason, answers) | {"event": event, "cause": "alarm", "rollback": back}
        self.ledger.append(ALARM_TOLD, self.subject, told, self.at, ACTOR)
        return self._answer(ALARM_TOLD, reason, answers, back)

    def ends(self, alarm: str, event: str) -> dict[str, Any]:
        """The ledger has when an alarm that rang went to OK; nothing of one that did not, or that has rung since."""
        ring = self._rings.open.get(alarm)
        if ring is None or ring.at > self.at:
            return self._answer("", "no ring of it is open", [])
        return self._answer(ALARM_CLEARED, self._clear(alarm, ring, self.at, self.subject, event), [])

    def look(self, prefix: str) -> None:
        """Rings and ends of which no event came, or whose row was folded, have their rows too.

        A ring is given an hour for its own event to be decided on; nothing is done about one that is found so.
        """
        for seen in self.reader.under(prefix):
            kind, ring = kind_named(seen.name), self._rings.open.get(seen.name)
            subject = f"{self.subject}:{seen.name}"
            if ring is not None and seen.state == "OK" and seen.since >= ring.at:
                self._clear(seen.name, ring, seen.since, subject, "")
            elif ring is None and seen.state == "ALARM" and self.at - seen.since >= FOLD and kind not in UNHEARD:
                self._find(seen, kind, subject)

    @cached_property
    def _rings(self) -> Rings:
        return Rings(self.entries)

    def _allows(self, kind: str) -> Allowed:
        said = self.spec.retraining.named_action(kind)
        if said is not None:
            return "rollback" if said == "rollback" else "tell"
        if kind not in OF_THE_VERSION:
            return "tell"
        return "rollback" if self.spec.rollout.after.action == "rollback" else "propose"

    def _case(self, kind: str, seen: AlarmSeen | None) -> Case | None:
        """Only of an alarm that rings still, and that was quiet when the version took over."""
        reign = self._reign
        if seen is None or seen.state != "ALARM" or reign is None or self.at < reign.began.at:
            return None
        return case_for_rollback(self.entries, [kind], self.spec.rollout.after, self.at)

    @cached_property
    def _reign(self) -> Reign | None:
        found = reigns(self.entries)
        return found[-1] if found else None

    def _answers(self, kind: str, allowed: Allowed, seen: AlarmSeen | None, case: Case | None) -> Iterator[Answer]:
        yield Answer("What does an alarm of this kind allow?", _ALLOWED[allowed].format(kind), allowed != "tell")
        state = seen.state if seen else "gone"
        yield Answer("Does it ring still?", f"{'yes' if state == 'ALARM' else 'no'}: {state}", state == "ALARM")
        if allowed != "tell":
            question = "Did it begin with a version that is still watched, and is there one to go back to?"
            yield Answer(question, case.reason if case else self._no_case(), case is not None)

    def _no_case(self) -> str:
        reign, after = self._reign, self.spec.rollout.after
        if reign is None:
            return "no version serves"
        if self.at < reign.began.at:
            return f"version {reign.version} has taken over since"
        if self.at - reign.began.at > timedelta(hours=after.watch_hours):
            return f"version {reign.version} serves for longer than {after.watch_hours} hours"
        return f"it rings no more, or version {reign.version} has none before it that one may go back to"

    def _told(
        self, alarm: str, kind: str, seen: AlarmSeen | None, reason: str, answers: Sequence[Answer]
    ) -> dict[str, Any]:
        about = read_description(seen.description) if seen else None
        what = about.what if about else alarm
        return {
            "start": False,
            "reason": reason,
            "alarm": alarm,
            "kind": kind,
            "state": seen.state if seen else "",
            "runbook": about.runbook if about else "",
            "decision": [asdict(answer) for answer in answers],
            "at": self.at.isoformat(),
            "summary": f"{kind}: {what}; {reason}",
        }

    def _clear(self, alarm: str, ring: Entry, at: datetime, subject: str, event: str) -> str:
        began = datetime.fromisoformat(ring.data["since"]) if ring.data.get("since") else ring.at
        lasted = at - began
        reason = f"it rang since {began:%Y-%m-%d %H:%M}, for {_in_words(lasted)}"
        data: dict[str, Any] = {
            "alarm": alarm,
            "kind": ring.data.get("kind"),
            "event": event,
            "since": began.isoformat(),
            "minutes": round(lasted / timedelta(minutes=1), 1),
            "ring": ring.seq,
            "reason": reason,
            "decision": [],
            "at": at.isoformat(),
            "summary": f"{ring.data.get('kind')}: the alarm is OK again; {reason}",
        }
        self.ledger.append(ALARM_CLEARED, subject, data, at, ACTOR)
        return reason

    def _find(self, seen: AlarmSeen, kind: str, subject: str) -> None:
        reason = f"it rings since {seen.since:%Y-%m-%d %H:%M}, which has no row: no event of it came, or it flapped"
        answers = [Answer("Was this ring decided on when it began?", reason, False)]
        found = self._told(seen.name, kind, seen, reason, answers) | {"event": "", "cause": "look"}
        found["since"] = seen.since.isoformat()
        self.ledger.append(ALARM_TOLD, subject, found, self.at, ACTOR)

    def _answer(
        self, outcome: str, reason: str, answers: Sequence[Answer], rollback: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        plain = [asdict(answer) for answer in answers]
        return result(outcome, reason, plain, dict(rollback) if rollback else None, self.at.isoformat())


_ALLOWED: Final[Mapping[Allowed, str]] = {
    "rollback": "{}: to go back while the version is watched (rollout.after, retraining.actions)",
    "propose": "{}: to propose a rollback while the version is watched (rollout.after)",
    "tell": "{}: to tell people; no training and no rollback would help, or the spec does not ask for one",
}


def _in_words(lasted: timedelta) -> str:
    """To the minute: 3 d 4 h 5 min."""
    minutes = round(lasted / timedelta(minutes=1))
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "less than a minute"


def _reason(kind: str, allowed: Allowed, case: Case | None, answers: Sequence[Answer]) -> str:
    if case is not None:
        verb = "asked for" if allowed == "rollback" else "proposed"
        return f"a rollback to version {case.to} is {verb}: {case.reason}"
    if allowed == "tell":
        return f"an alarm of the kind {kind} tells people"
    return "; ".join(answer.answer for answer in answers if not answer.passed)
