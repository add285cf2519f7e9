"""What a run has cost: the seconds that its jobs are billed for, at a dated price."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trimtab.ledger.kinds import SEARCH_ENDED, TRAINING_LEASED, TRAINING_RESUMED
from trimtab.names import ModelNames
from trimtab.ports import Entry
from trimtab.spec import Spec
from trimtab.spec.prices import AS_OF, CURRENCY
from trimtab.training.queue import attempt_name, job_name


class Bills(Protocol):
    """Knows how long SageMaker's jobs are billed for."""

    def training(self, job: str) -> float | None:
        """Seconds of one instance of a training job; 0 of one that never was, None when SageMaker does not tell."""
        ...

    def processing(self, job: str) -> float | None:
        """The same of a processing job."""
        ...


def cost_of(
    bills: Bills, spec: Spec, names: ModelNames, entries: Sequence[Entry], run: str, attempt: int
) -> dict[str, Any]:
    """``seconds`` of all instances together and ``usd``, either None when it is not known, of one attempt of a run.

    The trials of its search are counted by the time that they ran; on spot instances they cost less.
    """
    job = job_name(run, attempt)
    trained, evaluated = bills.training(job), bills.processing(names.evaluation_job(job))
    count = spec.training.instance_count
    if trained is None or evaluated is None:
        return _told(None, None)
    seconds = count * (trained + _searched(entries, run, attempt)) + evaluated
    price = spec.retraining.price(spec.training.instance_type)
    return _told(seconds, None if price is None else seconds * price / 3600)


def _searched(entries: Sequence[Entry], run: str, attempt: int) -> float:
    """Seconds of the trials of a search that ended within the attempt."""
    name = attempt_name(run, attempt)
    begun = max(
        (e.seq for e in entries if e.kind in (TRAINING_LEASED, TRAINING_RESUMED) and e.subject == name), default=0
    )
    found = [e.data for e in entries if e.kind == SEARCH_ENDED and e.seq > begun and e.data.get("run") == run]
    return sum(float(data["seconds"]) for data in found)


def _told(seconds: float | None, usd: float | None) -> dict[str, Any]:
    rounded = None if usd is None else round(usd, 4)
    return {"seconds": seconds, "usd": rounded, "currency": CURRENCY, "prices_of": AS_OF}


def in_words(cost: Mapping[str, Any]) -> str:
    """The cost as the end of a sentence; empty when it is not known."""
    return "" if cost.get("usd") is None else f" (about {cost['usd']:.2f} {cost['currency']})"
