"""The retraining policy applied to what the ledger and the alarms say now, and to every request that was kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from trimtab.ledger.kinds import (
    ALARM_CLEARED,
    ALARM_TOLD,
    RETRAIN_DEFERRED,
    RETRAIN_REQUESTED,
    RETRAIN_SUPPRESSED,
    ROLLBACK_REQUESTED,
)
from trimtab.ports import Alarms, Entry, Ledger, MetricsSink, Notifier
from trimtab.precondition import Precondition
from trimtab.recovery.aftermath import OF_THE_VERSION, Case, case_for_rollback, propose
from trimtab.recovery.giving_up import GivingUp
from trimtab.recovery.history import DECISIONS, History
from trimtab.recovery.policy import MONTH, Answer, Cause, Decision, Situation, decide
from trimtab.recovery.ringing import Ringing
from trimtab.recovery.rings import Rings
from trimtab.spec import Spec
from trimtab.spec.retraining import KINDS, AlarmKind
from trimtab.telemetry import Metric

BESIDES_TRAINING = timedelta(hours=3)
"""A training that was leased and not released is taken for dead after its longest run time and this."""
ACTOR = "decide_retrain"
DECIDED = ("retrain.", "training.", ROLLBACK_REQUESTED)
"""What others write that a start or a rollback was not decided on, when it comes after the ledger was read."""
TRUTH, SCHEDULE = "truth", "schedule"
"""Keys of requests that no alarm made."""
OUTCOMES = {
    RETRAIN_REQUESTED: "Started",
    RETRAIN_SUPPRESSED: "Suppressed",
    RETRAIN_DEFERRED: "Deferred",
    ALARM_TOLD: "Told",
    ALARM_CLEARED: "Cleared",
}


def earlier(entries: Sequence[Entry], subject: str, event: str) -> dict[str, Any] | None:
    """The result that a first attempt has recorded; of an event that was delivered twice, that nothing is to be done.

    None when nobody has decided on it yet.
    """
    for entry in reversed(entries):
        if entry.kind not in (*DECISIONS, ALARM_CLEARED):
            continue
        data = entry.data
        if entry.subject == subject:
            return result(entry.kind, data["reason"], data["decision"], data.get("rollback"), entry.at.isoformat())
        if event and data.get("event") == event:
            said = f"decided on already: {data['reason']}"
            return result("", said, data["decision"], None, entry.at.isoformat()) | {"outcome": "Duplicate"}
    return None


@dataclass(frozen=True)
class Request:
    """Who asks for a decision."""

    cause: Cause
    alarm: str = ""
    """Name of the alarm."""
    event: str = ""
    """What tells this request from every other, however often it is delivered; empty where nothing does."""

    @property
    def key(self) -> str:
        """Under what the request is kept while it waits."""
        return self.alarm or self.cause


@dataclass(frozen=True)
class Retraining:
    """One decision; ``subject`` names it in the ledger, of which ``entries`` are all that there are."""

    subject: str
    at: datetime
    entries: Sequence[Entry]
    model: str
    spec: Spec
    ledger: Ledger
    alarms: Alarms
    metrics: MetricsSink
    notifier: Notifier

    def decide(self, request: Request) -> dict[str, Any]:
        """``start``, ``outcome``, ``reason`` and ``decision``: the questions that were asked, with their answers.

        Soon after a rollout it may be a ``rollback`` instead. A look at which nothing asks writes nothing down.
        """
        given_up = GivingUp(self.spec.retraining, self.ledger, self.metrics, self.notifier, self.at).look(self.history)
        waiting = self._waiting()
        if request.cause == "look" and not waiting and not self._is_much_new:
            return self._result("", "nothing waits", [], None)
        kind = self.ringing.kind_of(request.alarm) if request.alarm else None
        if (case := self._case(request, kind)) is not None:
            if self._goes_back(kind):
                return self._record(
                    RETRAIN_SUPPRESSED, request, kind, _instead(case), {"to": case.to, "reason": case.reason}
                )
            propose(case, self.ledger, self.notifier, self.subject, self.at)
        if kind is not None and self.spec.retraining.action(kind) != "retrain":
            return self._record(ALARM_TOLD, request, kind, self._only_told(request, kind))
        situation = replace(self._situation(request, kind, waiting), given_up=given_up)
        return self._apply(decide(situation, self.spec.retraining), request, kind, waiting)

    def _apply(
        self, decision: Decision, request: Request, kind: AlarmKind | None, waiting: Mapping[str, list[Entry]]
    ) -> dict[str, Any]:
        """The policy's answer to the request, and to all that waits, is written down."""
        if decision.start:
            return self._record(RETRAIN_REQUESTED, request, kind, decision, settles=waiting)
        if request.cause in ("look", "resumed"):
            return self._result("", decision.reason, _plain(decision), None)
        kept = decision.waits and (request.cause != SCHEDULE or self.history.news.files > 0)
        return self._record(RETRAIN_DEFERRED if kept else RETRAIN_SUPPRESSED, request, kind, decision)

    @cached_property
    def history(self) -> History:
        """What the ledger says."""
        longest = timedelta(minutes=self.spec.training.making_minutes) + BESIDES_TRAINING
        return History(self.entries, self.at, longest)

    @cached_property
    def ringing(self) -> Ringing:
        """What the alarms say, asked once."""
        champion = self.ledger.state("champion")
        version = int(champion["version"]) if champion else None
        return Ringing(self.model, self.alarms, self.entries, self.spec, version)

    def _waiting(self) -> dict[str, list[Entry]]:
        """Requests that are still worth something; the others are closed, each with its reason."""
        waiting = self.history.pending
        for key in [key for key in waiting if not self._is_current(key)]:
            self._expire(key, waiting.pop(key))
        return waiting

    def _is_current(self, key: str) -> bool:
        if key in (TRUTH, SCHEDULE):
            return key == SCHEDULE or bool(self._allowed(self.ringing.now()))
        kind = self.ringing.kind_of(key)
        return kind is not None and bool(self._allowed([kind])) and self.ringing.still(key)

    def _no_more(self, key: str) -> str:
        if key == TRUTH:
            return "no alarm rings that may ask for a training"
        return self.ringing.doubt(key) or "an alarm of its kind may not ask for a training (retraining.actions)"

    def _expire(self, key: str, waited: Sequence[Entry]) -> None:
        reason = f"{key}, which waited since {waited[0].at:%Y-%m-%d %H:%M}, asks no more: {self._no_more(key)}"
        answer = Answer("Does what waited still ask?", reason, False)
        data = {
            "start": False,
            "reason": reason,
            "cause": "look",
            "alarm": "" if key in (TRUTH, SCHEDULE) else key,
            "kind": waited[-1].data.get("kind"),
            "decision": [asdict(answer)],
            "settles": {key: len(waited)},
            "at": self.at.isoformat(),
            "summary": f"a request to retrain has expired: {reason}",
        }
        self.ledger.append(RETRAIN_SUPPRESSED, f"{self.subject}:{key}", data, self.at, ACTOR)

    def _case(self, request: Request, kind: AlarmKind | None) -> Case | None:
        """Whether the version that serves is a case for a rollback, by the alarm that asks or by those that ring."""
        asking = [kind] if kind else self.ringing.now() if request.cause == "truth" else []
        counts = [each for each in asking if each in OF_THE_VERSION or self._is_rollback(each)]
        own = [each for each in counts if self.ringing.is_own(each)]
        if request.alarm and not self.ringing.still(request.alarm):
            return None
        return case_for_rollback(self.entries, own, self.spec.rollout.after, self.at)

    def _is_rollback(self, kind: AlarmKind | None) -> bool:
        return kind is not None and self.spec.retraining.action(kind) == "rollback"

    def _goes_back(self, kind: AlarmKind | None) -> bool:
        return self.spec.rollout.after.action == "rollback" or self._is_rollback(kind)

    def _only_told(self, request: Request, kind: AlarmKind) -> Decision:
        what = "may only go back, and there is no new version to go back from" if self._is_rollback(kind) else "tells"
        reason = f"an alarm of the kind {kind} {what} (retraining.triggers, retraining.actions)"
        doubt = self.ringing.doubt(request.alarm)
        readings = Answer("Do the serving version's own readings bear it out?", doubt or "yes", not doubt)
        return Decision(False, reason, (Answer("What does an alarm of this kind allow?", reason, False), readings))

    def _allowed(self, kinds: Sequence[AlarmKind]) -> list[AlarmKind]:
        return [kind for kind in kinds if self.spec.retraining.action(kind) == "retrain"]

    def _situation(self, request: Request, kind: AlarmKind | None, waiting: Mapping[str, list[Entry]]) -> Situation:
        kinds, forbidden = self._kinds(request, kind, waiting)
        history, news = self.history, self.history.news
        asks = bool(kinds) or request.cause == "schedule" or SCHEDULE in waiting or self._is_much_new
        return Situation(
            at=self.at,
            asked_by=self._asked_by(request, waiting),
            ringing=kinds,
            doubt=self.ringing.doubt(request.alarm) if request.alarm else "",
            forbidden=[] if asks else forbidden,
            asks=asks or bool(forbidden),
            starts=history.starts,
            running=history.running,
            new_data=news.files,
            losses=history.losses,
            spent_usd=history.spent(MONTH, self._next_usd),
            next_usd=self._next_usd,
        )

    def _kinds(
        self, request: Request, kind: AlarmKind | None, waiting: Mapping[str, list[Entry]]
    ) -> tuple[list[AlarmKind], list[str]]:
        """Kinds of alarm that ask, by themselves or by what waits; and why those that ring may not."""
        found = {kind} if kind and self.ringing.still(request.alarm) else set[AlarmKind | None]()
        found |= {self.ringing.kind_of(key) for key in waiting}
        forbidden: list[str] = []
        if request.cause == "truth" or TRUTH in waiting:
            now = self._allowed(self.ringing.now())
            if TRUTH in self.spec.retraining.triggers:
                found |= set(now)
            elif now:
                forbidden.append("retraining.triggers does not list truth, and nothing waits for it")
        return self._allowed([each for each in KINDS if each in found]), forbidden

    def _asked_by(self, request: Request, waiting: Mapping[str, list[Entry]]) -> str:
        """In words, the request first."""
        words = {"alarm": f"alarm {request.alarm}", "truth": "new truth", "schedule": "retraining.schedule"}
        asks = request.cause in words and (not request.alarm or self.ringing.still(request.alarm))
        said = [words[request.cause]] if asks else []
        said += [f"{key}, which waited" for key in waiting if key != request.key]
        if self._is_much_new:
            said.append(f"{self.history.news.rows:,} labelled rows in {self.history.news.files} new files")
        return " and ".join(said[:4])

    @cached_property
    def _is_much_new(self) -> bool:
        """Whether as much has come as ``retraining.volume`` asks for."""
        volume, news = self.spec.retraining.volume, self.history.news
        if volume is None:
            return False
        enough = ((volume.rows, news.rows), (volume.drops, news.files))
        return any(wanted is not None and come >= wanted for wanted, come in enough)

    @property
    def _next_usd(self) -> float:
        """What the last run has cost; before there was one, the most that one may cost."""
        last, training = self.history.last_cost, self.spec.training
        price = self.spec.retraining.price(training.instance_type)
        most = (price or 0.0) * training.instance_count * training.making_minutes / 60
        return most if last is None else last

    def _record(
        self,
        outcome: str,
        request: Request,
        kind: AlarmKind | None,
        decision: Decision,
        rollback: dict[str, Any] | None = None,
        settles: Mapping[str, Sequence[Entry]] | None = None,
    ) -> dict[str, Any]:
        """The decision is the ledger's, and counted."""
        answers = _plain(decision)
        if rollback is None and self._repeats(outcome, request, decision):
            self._count(outcome)
            return self._result("", decision.reason, answers, None)
        data: dict[str, Any] = {
            "start": decision.start,
            "reason": decision.reason,
            "cause": request.cause,
            "alarm": request.alarm or None,
            "kind": kind,
            "event": request.event,
            "decision": answers,
            "rollback": rollback,
            "at": self.at.isoformat(),
            "summary": f"{_VERBS[outcome]}: {decision.reason}",
        }
        if outcome == RETRAIN_DEFERRED:
            data |= {"key": request.key, "until": decision.until}
        if settles:
            data["settles"] = {key: len(waited) for key, waited in settles.items()}
        self.ledger.append(outcome, self.subject, data, self.at, ACTOR, given=self._precondition(outcome, rollback))
        self._count(outcome)
        return self._result(outcome, decision.reason, answers, rollback)

    def _count(self, outcome: str) -> None:
        if outcome != ALARM_TOLD:
            started = outcome == RETRAIN_REQUESTED
            self.metrics.put(Metric.RETRAINS_STARTED if started else Metric.RETRAINS_SUPPRESSED, 1)

    def _precondition(self, outcome: str, rollback: Mapping[str, Any] | None) -> Precondition | None:
        """What starts something is decided again when another has decided since: the lease may have run out."""
        if outcome != RETRAIN_REQUESTED and rollback is None:
            return None
        return Precondition(self.entries[-1].seq if self.entries else 0, DECIDED, f"{self.subject}:")

    def _repeats(self, outcome: str, request: Request, decision: Decision) -> bool:
        """Whether the ledger has this answer to this alarm, and keeps its request where it is to be kept."""
        if not request.alarm or (outcome == RETRAIN_DEFERRED and request.key not in self.history.pending):
            return False
        return Rings(self.entries).repeats(request.alarm, outcome, decision.reason, self.at)

    def _result(
        self, outcome: str, reason: str, decision: list[dict[str, Any]], rollback: dict[str, Any] | None
    ) -> dict[str, Any]:
        return result(outcome, reason, decision, rollback, self.at.isoformat())


_VERBS = {
    RETRAIN_REQUESTED: "retraining asked for",
    RETRAIN_SUPPRESSED: "retraining suppressed",
    RETRAIN_DEFERRED: "retraining deferred",
    ALARM_TOLD: "people are told, nothing is trained",
}


def _plain(decision: Decision) -> list[dict[str, Any]]:
    return [asdict(answer) for answer in decision.answers]


def _instead(case: Case) -> Decision:
    """A rollback is performed, so nothing is trained on what it may have broken."""
    reason = f"a rollback to version {case.to} comes first: {case.reason} (rollout.after)"
    return Decision(False, reason, (Answer("Is the serving version past its watch window?", reason, False),))


def result(
    outcome: str, reason: str, decision: list[dict[str, Any]], rollback: dict[str, Any] | None, at: str
) -> dict[str, Any]:
    """What the recovery machine is told."""
    ended = "RollbackRequested" if rollback else OUTCOMES.get(outcome, "Nothing")
    start = outcome == RETRAIN_REQUESTED
    return {"start": start, "outcome": ended, "reason": reason, "decision": decision, "rollback": rollback, "at": at}
