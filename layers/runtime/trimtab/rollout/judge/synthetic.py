"""Requests of our own, so that a quiet service is judged too, and both versions answer the same records.

Behind one endpoint a request cannot choose its fleet, so each record is asked again and again until both have answered.
"""

from collections.abc import Sequence
from typing import Protocol

from trimtab.names import SYNTHETIC
from trimtab.rollout.judge.verdict import Judgement
from trimtab.spec.rollout import RolloutSpec

PER_LOOK = 20
"""Requests of one look; there is one every ten seconds or so."""


class Requests(Protocol):
    """Requests to an endpoint that are no traffic."""

    def ask(self, endpoint: str, body: bytes, inference_id: str) -> bool:
        """Whether it was answered with 200 in time; once, and no error is raised for any answer."""
        ...


def wanted(judgement: Judgement, rollout: RolloutSpec) -> int:
    """How many requests to send after a look."""
    when = rollout.judge.synthetic
    if when == "always":
        return PER_LOOK
    thin = any(check.required and not check.dry_run and check.outcome == "inconclusive" for check in judgement.checks)
    return PER_LOOK if when == "when_thin" and thin else 0


def ask(
    requests: Requests, endpoint: str, bodies: Sequence[bytes], judgement: Judgement, rollout: RolloutSpec
) -> tuple[int, int]:
    """How many of the golden records' ``bodies`` were sent after the look, and how many were answered.

    One look goes on with the record at which the look before it has ended.
    """
    count = wanted(judgement, rollout) if bodies else 0
    first = (judgement.look - 1) * PER_LOOK
    answered = sum(
        requests.ask(endpoint, bodies[number % len(bodies)], f"{SYNTHETIC}{number}")
        for number in range(first, first + count)
    )
    return count, answered
