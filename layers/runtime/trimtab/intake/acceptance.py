"""A drop that passed its gate becomes something to learn from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trimtab.contracts import Drop, DropKind, Validation
from trimtab.intake.record import about, recorded
from trimtab.ledger.kinds import CANDIDATE_REGISTERED, DROP_ACCEPTED
from trimtab.ports import Ledger
from trimtab.spec import Spec

ACTOR: Final = "accept_drop"


@dataclass(frozen=True)
class TrainingRequest:
    """Whether the drop is the occasion for the first training, and why."""

    requested: bool
    reason: str


def accept(ledger: Ledger, drop: Drop, validation: Validation, execution: str, at: datetime) -> bool:
    """The drop is in the ledger as accepted. False when an earlier attempt had written it."""
    if recorded(ledger, DROP_ACCEPTED, drop.id, execution):
        return False
    ledger.append(DROP_ACCEPTED, drop.id, _entry(drop, validation, execution), at, ACTOR)
    return True


def _entry(drop: Drop, validation: Validation, execution: str) -> dict[str, Any]:
    found = validation.to_json()
    evidence = {
        name: found[name] for name in ("verdict", "rows", "period", "labelled", "profile", "report", "findings")
    }
    warned = f", {len(validation.findings)} warnings" if validation.findings else ""
    summary = f"{drop.file_name}: accepted, {validation.rows:,} rows{warned}"
    return {**about(drop, execution, summary, **evidence)}


def first_training(spec: Spec, ledger: Ledger, drop: Drop, validation: Validation) -> TrainingRequest:
    """Whether to ask for the model's first training; later ones are monitoring's to ask for.

    A run in flight does not matter here: the training machine keeps one waiting request, so data that came after the
    run had read its own are not forgotten.
    """
    if "first_data" not in spec.retraining.triggers:
        return TrainingRequest(False, "retraining.triggers does not list first_data")
    if champion := ledger.state("champion"):
        return TrainingRequest(False, f"version {champion['version']} serves; monitoring asks for retraining")
    if ledger.entries(CANDIDATE_REGISTERED):
        return TrainingRequest(False, "a candidate is registered and waits for approval")
    if drop.kind is DropKind.DATA and not validation.labelled:
        return TrainingRequest(False, "the file has no labels; training starts when truth comes")
    if drop.kind is DropKind.TRUTH and not _has_data(ledger):
        return TrainingRequest(False, "truth came before the data it belongs to")
    return TrainingRequest(True, f"first labelled data: {drop.file_name}")


def _has_data(ledger: Ledger) -> bool:
    return any(entry.data["kind"] == DropKind.DATA.value for entry in ledger.entries(DROP_ACCEPTED))
