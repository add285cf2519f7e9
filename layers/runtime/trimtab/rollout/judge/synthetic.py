"""Requests of our own, so that a quiet service is judged too, and both versions answer the same records.

Behind one endpoint a request cannot choose its fleet, so each record is asked again and again until both have answered.
"""

from collections.abc import Sequence

from trimtab.names import SYNTHETIC
from trimtab.rollout.judge.sources import Requests
from trimtab.rollout.judge.verdict import Judgement
from trimtab.spec.rollout import RolloutSpec

PER_LOOK = 20
"""Requests of one look; there is one every ten seconds or so."""
PATIENCE = 5
"""Requests in a row without an answer after which a look asks no more."""


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

    One look goes on with the record at which the look before it has ended. It ends early when production does not
    answer several times in a row: that is seen in CloudWatch, and a look must not wait for it.
    """
    first = (judgement.look - 1) * PER_LOOK
    answered: list[bool] = []
    for number in range(first, first + (wanted(judgement, rollout) if bodies else 0)):
        answered.append(requests.ask(endpoint, bodies[number % len(bodies)], f"{SYNTHETIC}{number}"))
        if len(answered) >= PATIENCE and not any(answered[-PATIENCE:]):
            break
    return len(answered), sum(answered)
