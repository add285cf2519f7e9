"""A model, its drops and the steps of the intake machine, on fakes."""

from dataclasses import dataclass, field
from typing import Any

from functions.accept_drop.handler import AcceptDropEvent
from functions.accept_drop.handler import handler as accept_drop
from functions.claim_drop.handler import ClaimDropEvent
from functions.claim_drop.handler import handler as claim_drop
from functions.quarantine_drop.handler import QuarantineDropEvent
from functions.quarantine_drop.handler import handler as quarantine_drop
from functions.validate_drop.handler import ValidateDropEvent
from functions.validate_drop.handler import handler as validate_drop
from tests.fakes import NOON, MemoryLedger, MemoryObjects, RecordingMetrics, RecordingNotifier, fake_runtime
from tests.unit.data.samples import DATA
from trimtab.spec import Spec

SPEC = Spec.model_validate(
    {"name": "tiny", "data": DATA.model_dump(), "training": {"entry_point": "train.py"}}, strict=False
)


@dataclass
class Intake:
    """The intake of one model, step by step."""

    spec: Spec = SPEC
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)

    def __post_init__(self) -> None:
        ports = {"objects": self.objects, "ledger": self.ledger, "notifier": self.notifier, "metrics": self.metrics}
        self.runtime = fake_runtime(self.spec, **ports)

    def drop(self, key: str, body: bytes, sequencer: str = "01") -> dict[str, Any]:
        """The event of an object that is put now."""
        uri = f"s3://drops/{key}"
        self.objects.write(uri, body)
        info = self.objects.head(uri)
        assert info is not None
        common = {"model": "tiny", "at": NOON.isoformat()}
        return common | {
            "bucket": "drops",
            "key": key,
            "version": info.version,
            "size": info.size,
            "sequencer": sequencer,
        }

    def claim(self, event: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        return claim_drop.call(ClaimDropEvent.model_validate(event | {"execution": execution}), self.runtime)

    def validate(self, drop: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        return validate_drop.call(ValidateDropEvent.model_validate(self._step(execution, drop=drop)), self.runtime)

    def accept(self, drop: dict[str, Any], validation: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        event = AcceptDropEvent.model_validate(self._step(execution, drop=drop, validation=validation))
        return accept_drop.call(event, self.runtime)

    def quarantine(self, drop: dict[str, Any], validation: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        event = QuarantineDropEvent.model_validate(self._step(execution, drop=drop, validation=validation))
        return quarantine_drop.call(event, self.runtime)

    def through(self, key: str, body: bytes, execution: str = "one", sequencer: str = "01") -> dict[str, Any]:
        """What the last step answers for a new object."""
        return self.on(self.drop(key, body, sequencer), execution)

    def on(self, event: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        """What the last step answers for an event."""
        claimed = self.claim(event, execution)
        if claimed["outcome"] != "Claimed":
            return claimed
        validation = self.validate(claimed["drop"], execution)
        finish = self.quarantine if validation["verdict"] == "quarantine" else self.accept
        return finish(claimed["drop"], validation, execution)

    @property
    def kinds(self) -> list[str]:
        """Kinds of the ledger's entries, in order."""
        return [entry.kind for entry in self.ledger.rows]

    @staticmethod
    def _step(execution: str, **more: Any) -> dict[str, Any]:
        return {"model": "tiny", "at": NOON.isoformat(), "execution": execution, **more}
