"""A look at a rollout: evidence gathered, and judged."""

from datetime import datetime

from trimtab.rollout.judge.collect import collect
from trimtab.rollout.judge.judge import judge
from trimtab.rollout.judge.sources import Sources, Subject
from trimtab.rollout.judge.verdict import Judgement
from trimtab.spec.rollout import RolloutSpec


def look(
    subject: Subject, rollout: RolloutSpec, sources: Sources, now: datetime, previous: Judgement | None = None
) -> Judgement:
    """What is known of both fleets at ``now``; ``previous`` is the judgement of the look before, None at the first."""
    return judge(collect(subject, rollout, sources), rollout, now, previous)
