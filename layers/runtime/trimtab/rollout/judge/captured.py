"""Captured answers told apart by fleet: what is judged as traffic, and what both versions said to the same record."""

from dataclasses import dataclass, field

from trimtab.rollout.judge.evidence import Fleet, Score
from trimtab.rollout.judge.sources import CapturedAnswer, Captures, Subject


@dataclass(frozen=True)
class Seen:
    """What was captured since the rollout began."""

    new: tuple[Score, ...] = ()
    old: tuple[Score, ...] = ()
    answers: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The new and the old version's answer to the same record."""


def captured(subject: Subject, captures: Captures | None) -> Seen:
    """Answers of both fleets. Synthetic requests are no traffic: they only tell whether both versions agree."""
    if captures is None or subject.old is None:
        return Seen()
    variants = {fleet.variant: fleet for fleet in (subject.new, subject.old)}
    found = [
        (_is_new(answer, fleet, subject), answer)
        for fleet in variants.values()
        for answer in captures.answers(fleet, subject.since)
    ]
    sides = [[answer for is_new, answer in found if is_new is side] for side in (True, False)]
    new, old = ({answer.record: answer.score for answer in side if answer.record} for side in sides)
    both = {record: (score, old[record]) for record, score in new.items() if record in old}
    return Seen(_scores(sides[0]), _scores(sides[1]), both)


def _is_new(answer: CapturedAnswer, fleet: Fleet, subject: Subject) -> bool | None:
    """By the version that it names; by the variant where it names none; None when neither tells."""
    if subject.new_version != subject.old_version and answer.version in (subject.new_version, subject.old_version):
        return answer.version == subject.new_version
    if subject.old is None or subject.new.variant == subject.old.variant:
        return None
    return fleet.variant == subject.new.variant


def _scores(answers: list[CapturedAnswer]) -> tuple[Score, ...]:
    ordered = sorted((answer for answer in answers if not answer.synthetic), key=lambda answer: answer.time)
    return tuple(
        Score(answer.time.replace(second=0, microsecond=0), answer.request, answer.score) for answer in ordered
    )
