"""What is asked before traffic moves and after it has moved: the author's own functions, and production itself."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from trimtab.contracts import Promotion
from trimtab.ledger.kinds import ROLLOUT_CHECKED
from trimtab.names import SYNTHETIC
from trimtab.ports import Endpoints, Ledger, ObjectStore
from trimtab.rollout.proof import WAITING, Queue
from trimtab.rollout.staging.golden import BATCH, Golden, compared, lines, read_golden
from trimtab.spec.strategies import ChecksSpec

Phase = Literal["before", "after"]


@dataclass(frozen=True)
class Said:
    """What a check said."""

    check: str
    passed: bool
    reason: str


class Functions(Protocol):
    """Lambda functions that are asked for their opinion."""

    def ask(self, name: str, question: Mapping[str, Any]) -> Said:
        """Its {passed, reason}. A function that errs, answers late or says anything else has not passed."""
        ...


@dataclass(frozen=True)
class Checks:
    """The checks of one promotion. Each phase is asked once: what was said is in the ledger, and holds."""

    model: str
    promotion: Promotion
    spec: ChecksSpec
    functions: Functions
    ledger: Ledger
    at: datetime
    queue: Queue | None = None
    """How production is asked where it does not answer at once."""

    def before(self) -> list[str]:
        """Why traffic must not move; empty when everybody agrees that it may."""
        return self._asked("before", self._opinions("before", self.spec.before))

    def after(self, endpoints: Endpoints, endpoint: str, objects: ObjectStore) -> list[str]:
        """Why the new version, which serves now, must not stay."""
        return self._asked("after", self._after(endpoints, endpoint, objects))

    def _after(self, endpoints: Endpoints, endpoint: str, objects: ObjectStore) -> Iterator[Said]:
        if self.spec.golden:
            golden = read_golden(objects.read(self.promotion.golden_uri))[:BATCH]
            yield self._golden(endpoints, endpoint, golden)
        yield from self._opinions("after", self.spec.after)

    def _golden(self, endpoints: Endpoints, endpoint: str, golden: list[Golden]) -> Said:
        """A long queue is no fault of the version: what is not answered yet has not said no."""
        body = lines([each.record for each in golden])
        marked = f"{SYNTHETIC}check"
        answer = self.queue.ask(endpoint, body) if self.queue else endpoints.invoke(endpoint, body, inference_id=marked)
        if self.queue and answer.status == WAITING:
            return Said("golden records", True, "accepted, and not answered in half a minute: the queue is long")
        wrong, _ = compared(answer, golden)
        return Said("golden records", not wrong, wrong or f"{len(golden)} records have the evaluation's scores")

    def _opinions(self, phase: Phase, names: tuple[str, ...]) -> Iterator[Said]:
        question = {"model": self.model, "version": self.promotion.version, "phase": phase}
        return (self.functions.ask(name, question) for name in names)

    def _asked(self, phase: Phase, opinions: Iterator[Said]) -> list[str]:
        """``opinions`` are only formed when the ledger does not have them yet."""
        said = self._earlier(phase)
        if said is None:
            said = list(opinions)
            self._write_down(phase, said)
        return [f"check {each.check} said no: {each.reason or 'it gave no reason'}" for each in said if not each.passed]

    def _earlier(self, phase: Phase) -> list[Said] | None:
        entries = [
            entry for entry in self.ledger.entries(ROLLOUT_CHECKED, self.promotion.id) if entry.data["phase"] == phase
        ]
        return [Said(**said) for said in entries[-1].data["said"]] if entries else None

    def _write_down(self, phase: Phase, said: list[Said]) -> None:
        if not said:
            return
        passed = sum(each.passed for each in said)
        summary = f"version {self.promotion.version}: {passed} of {len(said)} checks passed {phase} traffic moved"
        data = {"phase": phase, "said": [asdict(each) for each in said], "summary": summary}
        self.ledger.append(ROLLOUT_CHECKED, self.promotion.id, data, self.at, "checks")
