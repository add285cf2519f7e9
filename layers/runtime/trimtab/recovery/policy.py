"""May an alarm, or new truth, start a training? Every question and its answer, so that each decision can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from trimtab.spec.retraining import RetrainingSpec

Cause = Literal["alarm", "truth"]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Situation:
    """What is known when somebody asks for a retraining."""

    cause: Cause
    at: datetime
    ringing: Sequence[str]
    """What rings now: ``drift``, ``quality`` or both."""
    asked_by: str
    """The alarm that asks, or what the truth arrived in."""
    starts: Sequence[datetime]
    """When trainings were started or requested before."""
    running: str | None
    """The run in progress."""
    new_data: int
    """Labelled files accepted since the newest dataset was built."""


@dataclass(frozen=True)
class Answer:
    """One question, its answer in words, and whether it lets the retraining pass."""

    question: str
    answer: str
    passed: bool


@dataclass(frozen=True)
class Decision:
    """The verdict, and every answer it rests on."""

    start: bool
    reason: str
    answers: tuple[Answer, ...]


def decide(situation: Situation, policy: RetrainingSpec) -> Decision:
    """Start only when every answer lets it pass; the reason names what held it back."""
    answers = (
        _alarm(situation),
        _allowed(situation, policy),
        _single_flight(situation),
        _news(situation),
        _cooldown(situation, policy),
        _budget(situation, policy),
    )
    objections = [answer.answer for answer in answers if not answer.passed]
    if objections:
        return Decision(False, "; ".join(objections), answers)
    return Decision(True, f"{situation.asked_by}: {' and '.join(situation.ringing)} beyond the limit", answers)


def _alarm(situation: Situation) -> Answer:
    question = "Is a drift or quality alarm ringing?"
    if situation.ringing:
        return Answer(question, f"yes: {' and '.join(situation.ringing)}", True)
    return Answer(question, "no drift or quality alarm of this model rings", False)


def _allowed(situation: Situation, policy: RetrainingSpec) -> Answer:
    question = "Does retraining.triggers allow it?"
    wanted = {"truth"} if situation.cause == "truth" else set(situation.ringing)
    allowed = wanted & set(policy.triggers)
    if allowed or not wanted:
        return Answer(question, f"yes: {', '.join(sorted(allowed)) or 'nothing to allow'}", True)
    return Answer(question, f"retraining.triggers does not list {' or '.join(sorted(wanted))}", False)


def _single_flight(situation: Situation) -> Answer:
    question = "Is no training in progress?"
    if situation.running is None:
        return Answer(question, "none", True)
    return Answer(question, f"{situation.running} is in progress, and its outcome comes first", False)


def _news(situation: Situation) -> Answer:
    question = "Have labelled data come since the newest dataset?"
    if situation.new_data:
        return Answer(question, f"yes: {situation.new_data} accepted files", True)
    return Answer(
        question, "no labelled data have come since the newest dataset: training again would learn nothing", False
    )


def _cooldown(situation: Situation, policy: RetrainingSpec) -> Answer:
    question = f"Are {policy.cooldown_hours} hours over since the last start?"
    if not situation.starts:
        return Answer(question, "yes: nothing was started yet", True)
    until = max(situation.starts) + timedelta(hours=policy.cooldown_hours)
    if situation.at >= until:
        return Answer(question, f"yes: since {until.isoformat()}", True)
    return Answer(question, f"cooldown until {until.isoformat()}", False)


def _budget(situation: Situation, policy: RetrainingSpec) -> Answer:
    question = f"Were fewer than {policy.daily_budget} started in the last 24 hours?"
    recent = sum(situation.at - DAY < start <= situation.at for start in situation.starts)
    if recent < policy.daily_budget:
        return Answer(question, f"yes: {recent}", True)
    return Answer(question, f"the daily budget of {policy.daily_budget} is spent", False)
