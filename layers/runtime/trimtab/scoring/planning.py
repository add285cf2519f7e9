"""Which objects a batch scores, with which version, and under which names; decided once for each execution."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import BatchPlan, Promotion
from trimtab.errors import DataError, LedgerConflict
from trimtab.ledger.kinds import BATCH_PLANNED
from trimtab.ledger.lookup import decided
from trimtab.names import ModelNames
from trimtab.ports import Ledger, ObjectStore
from trimtab.rollout.reigns import newest_of, record_of, reigns
from trimtab.scoring.request import INCOMING, Cause, Inputs, found, listing, new_since, of_json_lines

ACTOR = "plan_batch"
LISTED, LEASE, LEASE_S = "batch.listed", "batch", 300.0


def batch_id(execution: str) -> str:
    """Name of the batch that an execution plans: subject of the ledger's entries about it."""
    return hashlib.sha256(execution.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Asked:
    """What one execution was asked for."""

    execution: str
    cause: Cause
    where: str
    """URI of an object, or of a folder with a slash at its end; empty for what is new among the incoming."""
    version: int = 0
    """0 for the one that serves."""
    by: str = ""

    @property
    def id(self) -> str:
        """Name of the batch: the same for every retry of the execution."""
        return batch_id(self.execution)


@dataclass(frozen=True)
class Planning:
    """Plans the batch of one execution at ``at``."""

    asked: Asked
    at: datetime
    names: ModelNames
    ledger: Ledger
    objects: ObjectStore
    folder: str
    """URI of the model's ``batch`` in the drops bucket."""
    manifest_uri: str
    output_uri: str

    def plan(self, prepare: Callable[[Promotion], str]) -> BatchPlan:
        """The plan, which is in the ledger; ``prepare`` makes SageMaker's model of a version and names it.

        What cannot be scored is Refused, and the ledger says why; where nothing is new, or another execution has it
        already, the outcome is Nothing and leaves no trace.
        """
        if data := decided(self.ledger, BATCH_PLANNED, self.asked.id):
            return BatchPlan.model_validate(data)
        try:
            promotion = self._promotion()
            inputs, listed = self._inputs()
        except DataError as refused:
            return self._noted(self._outcome("Refused", str(refused)), {}, str(refused))
        if inputs is None:
            return self._outcome("Nothing", "there is nothing new")
        return self._planned(promotion, inputs, listed, prepare(promotion))

    def _promotion(self) -> Promotion:
        """How the version was promoted. Raises DataError for one that never was, or when none serves."""
        champion = self.ledger.state("champion") or {}
        version = self.asked.version or int(champion.get("version", 0))
        if not version:
            raise DataError("no version serves yet: approve one, then score again")
        entries = self.ledger.entries()
        reign = newest_of(reigns(entries), version)
        record = record_of(entries, reign.promotion) if reign else None
        if record is None:
            raise DataError(
                f"version {version} has never served: batches are scored by versions that went to production"
            )
        return record

    def _inputs(self) -> tuple[Inputs | None, str]:
        """What is scored, None when there is nothing; and the URI of the listing that counts from now on, if any."""
        if self.asked.cause == "schedule":
            return self._new()
        inputs = found(self.objects, self.folder, self.asked.where)
        if self.asked.cause == "arrival" and not self._is_first(inputs):
            return None, ""
        return inputs, ""

    def _is_first(self, inputs: Inputs) -> bool:
        """Whether no other execution has this content: events may come twice, and late."""
        (single,) = inputs.objects
        claim = self.ledger.claim(f"batch:{single.uri}:{single.version}", self.asked.id, self.at, {})
        return claim.first

    def _new(self) -> tuple[Inputs | None, str]:
        where = f"{self.folder}/{INCOMING}/"
        known = (self.ledger.state(LISTED) or {}).get("uri", "")
        listed = [each for each in self.objects.list(where) if each.size]
        fresh = new_since(listed, json.loads(self.objects.read(known)) if known else [])
        if not fresh:
            return None, ""
        uri = f"{self.manifest_uri.rpartition('/')[0]}/listing.json"
        self.objects.write(uri, json.dumps(listing(listed)).encode(), "application/json")
        return of_json_lines(self.folder, fresh, where), uri

    def _planned(self, promotion: Promotion, inputs: Inputs, listed: str, model: str) -> BatchPlan:
        self.objects.write(self.manifest_uri, inputs.manifest(), "application/json")
        plan = self._outcome("Planned", "").model_copy(
            update={
                "version": promotion.version,
                "package_arn": promotion.package_arn,
                "model": model,
                "objects": len(inputs.objects),
            }
        )
        bytes_in_all = sum(each.size for each in inputs.objects)
        summary = f"version {promotion.version} scores {len(inputs.objects)} files, {bytes_in_all:,} bytes"
        evidence = {
            "artifact_uri": promotion.artifact_uri,
            "inputs": inputs.to_json()[:SHOWN],
            "left_out": list(inputs.left_out[:SHOWN]),
            "listed": listed,
        }
        return self._noted(plan, evidence, summary)

    def _outcome(self, outcome: Any, reason: str) -> BatchPlan:
        return BatchPlan(
            outcome=outcome,
            reason=reason,
            id=self.asked.id,
            by=self.asked.by or self.asked.cause,
            job=self.names.batch_job(self.asked.id),
            manifest_uri=self.manifest_uri,
            output_uri=self.output_uri,
        )

    def _noted(self, plan: BatchPlan, evidence: dict[str, Any], summary: str) -> BatchPlan:
        data = plan.to_json() | evidence | {"summary": summary}
        state = {LISTED: {"uri": evidence["listed"]}} if evidence.get("listed") else None
        self.ledger.append(BATCH_PLANNED, self.asked.id, data, self.at, ACTOR, state=state)
        return plan


SHOWN = 100
"""Objects that the ledger's entry names; the manifest has all of them."""


def one_at_a_time(planning: Planning, prepare: Callable[[Promotion], str]) -> BatchPlan:
    """The plan, made while no other is: two of them would find the same files new. Raises LedgerConflict."""
    held = planning.ledger.lease(LEASE, planning.asked.id, planning.at, LEASE_S)
    if held is None:
        raise LedgerConflict("another batch is being planned; this one goes on when it has ended")
    try:
        return planning.plan(prepare)
    finally:
        planning.ledger.release(LEASE, planning.asked.id, held.fence)
