"""A table in a lake is judged by a job: what it is told, and what becomes of what it has found.

The job has its inputs and outputs below one folder: ``task`` (what it is asked), ``files.manifest`` (which objects it
is given) and ``verdict`` (its report).
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from trimtab.contracts import Drop, Validation
from trimtab.data.profile import Profile
from trimtab.data.report import DropReport, unreadable
from trimtab.errors import DataError
from trimtab.intake.gate import DropGate, answer
from trimtab.intake.record import about, recorded
from trimtab.intake.table import RULE, changed
from trimtab.ledger.kinds import DROP_PLANNED


@dataclass(frozen=True)
class LakeJob:
    """The gate of one table, around its job. ``folder`` is the URI under which task and verdict go."""

    gate: DropGate
    drop: Drop
    folder: str

    @property
    def addresses(self) -> dict[str, str]:
        """Where the job finds what it needs, and where its verdict goes."""
        names = {"task": "task/", "files": "files.manifest", "verdict": "verdict"}
        return {name: f"{self.folder}/{place}" for name, place in names.items()}

    def plan(self) -> int:
        """Number of the table's objects; all that the job is told is stored."""
        parts = self.gate.parts(self.drop)
        occasion, reference = self.gate.occasion(self.drop), self.gate.reference(self.drop)
        task = {
            "at": occasion.at.isoformat() if occasion.at else None,
            "parts": [{"name": part.name, "size": part.size, "sha256": part.sha256} for part in parts.parts],
            "findings": [found.to_json() for found in parts.violations],
            "references": sorted(occasion.keys),
        }
        self._write("task/task.json", task)
        self._write("files.manifest", [{"prefix": self.drop.lake}, *(part.name for part in parts.parts)])
        for name, keys in occasion.keys.items():
            self.gate.objects.write(f"{self.folder}/task/keys/{name}.json", keys.dumps(), "application/json")
        if reference is not None:
            self.gate.objects.write(f"{self.folder}/task/reference.json", reference.dumps(), "application/json")
        return len(parts.parts)

    def record(self, objects: int, execution: str) -> None:
        """The ledger says once that the table is judged by a job."""
        ledger = self.gate.ledger
        if recorded(ledger, DROP_PLANNED, self.drop.id, execution) is None:
            summary = f"{self.drop.file_name}: {objects:,} objects at {self.drop.lake} are judged there"
            ledger.append(
                DROP_PLANNED,
                self.drop.id,
                about(self.drop, execution, summary, objects=objects),
                self.drop.at,
                "plan_lake",
            )

    def read(self) -> Validation:
        """The job's verdict, with report and profile, as `DropGate.validate` gives it.

        A table that was changed while it was judged is refused. Raises DataError when the job left no verdict.
        """
        report = self._report()
        if name := changed(self.gate.objects, self.gate.parts(self.drop)):
            message = f"'{name}' was changed while the table was judged: point to it again when it is complete"
            report = unreadable(report.format, message, rule=RULE, rows=report.rows)
        return self.gate.stored(answer(report, self.drop, self.gate.spec))

    def _report(self) -> DropReport:
        found = f"{self.folder}/verdict"
        try:
            report = DropReport.from_json(json.loads(self.gate.objects.read(f"{found}/report.json")))
        except FileNotFoundError as error:
            raise DataError(f"the job left no report: {error}. Its log says why") from error
        return replace(report, profile=self._profile(f"{found}/profile.json"))

    def _profile(self, uri: str) -> Profile | None:
        try:
            return Profile.loads(self.gate.objects.read(uri))
        except FileNotFoundError:  # a table that could not be read has none
            return None

    def _write(self, name: str, document: Any) -> None:
        self.gate.objects.write(f"{self.folder}/{name}", json.dumps(document).encode(), "application/json")
