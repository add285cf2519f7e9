"""May a training be started? Every question and its answer, so that each decision can be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from trimtab.spec.retraining import AlarmKind, RetrainingSpec

Cause = Literal["alarm", "truth", "look", "schedule", "resumed"]
"""An alarm; truth that came; a look at what waits, after a monitoring run or a training; the spec's own schedule; a
person who resumes."""
DAY, MONTH = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True)
class Situation:
    """What is known when somebody asks for a retraining."""

    at: datetime
    asked_by: str
    """In words: the alarm, what the truth arrived in, the schedule, the amount of new data."""
    ringing: Sequence[AlarmKind]
    """Kinds of the alarms that ask; empty for schedule and volume."""
    forbidden: Sequence[str]
    """Why what asks may not: sentences; empty when it may, or nothing asks."""
    asks: bool
    """Whether anything asks at all."""
    starts: Sequence[datetime]
    """When trainings were started or requested before."""
    running: str | None
    """The run in progress."""
    new_data: int
    """Labelled files accepted since the newest dataset was built."""
    doubt: str = ""
    """Why the alarm that asks is no reason: it is OK by now, or the serving version's readings do not bear it out."""
    losses: int = 0
    """Trainings in a row that were refused or failed."""
    given_up: datetime | None = None
    """Since when a person has to resume."""
    spent_usd: float = 0.0
    """In the last 30 days."""
    next_usd: float = 0.0
    """What another training is expected to cost."""


@dataclass(frozen=True)
class Answer:
    """One question, its answer in words, and whether it lets the retraining pass."""

    question: str
    answer: str
    passed: bool
    until: str = ""
    """When it will pass, where that is known."""
    waits: bool = False
    """Whether a no may turn into a yes without anybody asking again, so that the request is worth keeping."""


@dataclass(frozen=True)
class Decision:
    """The verdict, and every answer it rests on."""

    start: bool
    reason: str
    answers: tuple[Answer, ...]

    @property
    def waits(self) -> bool:
        """Whether all that stands against it will pass."""
        against = [answer for answer in self.answers if not answer.passed]
        return bool(against) and all(answer.waits for answer in against)

    @property
    def until(self) -> str:
        """Before this time nothing can change; empty where the time is not known."""
        return max((answer.until for answer in self.answers if not answer.passed), default="")


def decide(situation: Situation, policy: RetrainingSpec) -> Decision:
    """Start only when every answer lets it pass; the reason names what held it back."""
    answers = tuple(_answers(situation, policy))
    objections = [answer.answer for answer in answers if not answer.passed]
    if objections:
        return Decision(False, "; ".join(objections), answers)
    beyond = f": {' and '.join(situation.ringing)} beyond the limit" if situation.ringing else ""
    return Decision(True, f"{situation.asked_by}{beyond}", answers)


def _answers(situation: Situation, policy: RetrainingSpec) -> Iterator[Answer]:
    yield _reason(situation)
    yield _allowed(situation)
    yield _resumed(situation, policy)
    yield _single_flight(situation)
    yield _news(situation)
    yield _cooldown(situation, policy)
    yield _budget(situation, policy.daily_budget, DAY, "24 hours", "daily")
    yield _budget(situation, policy.monthly_budget, MONTH, "30 days", "monthly")
    if policy.monthly_cost_usd is not None:
        yield _money(situation, policy.monthly_cost_usd)


def _reason(situation: Situation) -> Answer:
    question = "Is there a reason: an alarm that rings, the schedule, much that is new?"
    if situation.asks:
        said = " and ".join(situation.ringing) or situation.asked_by
        return Answer(question, f"yes: {said}", True)
    return Answer(question, situation.doubt or "no alarm of this model rings that its readings bear out", False)


def _allowed(situation: Situation) -> Answer:
    question = "Do retraining.triggers and retraining.actions allow it?"
    if not situation.forbidden:
        return Answer(question, f"yes: {', '.join(situation.ringing) or 'nothing to forbid'}", True)
    return Answer(question, "; ".join(situation.forbidden), False)


def _resumed(situation: Situation, policy: RetrainingSpec) -> Answer:
    question = "Do trainings still end well often enough to go on without a person?"
    if situation.given_up is None:
        allowed = policy.give_up_after
        limit = "" if allowed is None else f", and {allowed} are too many"
        return Answer(question, f"yes: {situation.losses} in a row were refused or failed{limit}", True)
    since = f"{situation.given_up:%Y-%m-%d %H:%M}"
    return Answer(question, f"given up since {since}, until a person resumes", False, waits=True)


def _single_flight(situation: Situation) -> Answer:
    question = "Is no training in progress?"
    if situation.running is None:
        return Answer(question, "none", True)
    return Answer(question, f"{situation.running} is in progress, and its outcome comes first", False, waits=True)


def _news(situation: Situation) -> Answer:
    question = "Have labelled data come since the newest dataset?"
    if situation.new_data:
        return Answer(question, f"yes: {situation.new_data} accepted files", True)
    no = "no labelled data have come since the newest dataset: training again would learn nothing"
    return Answer(question, no, False, waits=True)


def cooldown(policy: RetrainingSpec, losses: int) -> timedelta:
    """Time between two starts: longer with every loss in a row after the first, up to the backoff's end."""
    base, longest = policy.cooldown_hours, max(policy.cooldown_hours, policy.backoff.max_hours)
    doublings = min(max(losses - 1, 0), 64)
    return timedelta(hours=min(base * policy.backoff.factor**doublings, longest))


def _cooldown(situation: Situation, policy: RetrainingSpec) -> Answer:
    length = cooldown(policy, situation.losses)
    question = f"Are {length / timedelta(hours=1):g} hours over since the last start?"
    if not situation.starts:
        return Answer(question, "yes: nothing was started yet", True)
    until = max(situation.starts) + length
    if situation.at >= until:
        return Answer(question, f"yes: since {until.isoformat()}", True)
    longer = f" (longer after {situation.losses} losses in a row)" if situation.losses > 1 else ""
    return Answer(question, f"cooldown until {until.isoformat()}{longer}", False, until.isoformat(), waits=True)


def _budget(situation: Situation, budget: int, window: timedelta, words: str, name: str) -> Answer:
    """A start that the clock puts into the future counts too: it may have jumped back since."""
    question = f"Were fewer than {budget} started in the last {words}?"
    recent = sorted(start for start in situation.starts if start > situation.at - window)
    if len(recent) < budget:
        return Answer(question, f"yes: {len(recent)}", True)
    until = (recent[-budget] + window).isoformat()
    return Answer(question, f"the {name} budget of {budget} is spent", False, until, waits=True)


def _money(situation: Situation, limit: float) -> Answer:
    question = f"Does another training leave the last 30 days below {limit:g} USD?"
    known = f"{situation.spent_usd:.2f} USD are spent, about {situation.next_usd:.2f} are needed"
    if situation.spent_usd + situation.next_usd <= limit:
        return Answer(question, f"yes: {known}", True)
    return Answer(question, f"the monthly budget of {limit:g} USD does not suffice: {known}", False, waits=True)
