"""A drop that was refused: copied aside with the reason, told to people, never lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trimtab.contracts import POINTER, Drop, Validation
from trimtab.datasets.parts import Part, Parts
from trimtab.intake.record import about, recorded
from trimtab.intake.side_by_side import side_by_side
from trimtab.ledger.kinds import DROP_QUARANTINED
from trimtab.ports import Ledger, Notifier, ObjectStore

ACTOR: Final = "quarantine_drop"
SUBJECT_LENGTH: Final = 99


def refusal_of(ledger: Ledger, copy_uri: str) -> Mapping[str, Any] | None:
    """What the ledger says of the newest refusal whose copy lies at ``copy_uri``; None when there is none."""
    if "/quarantine/" not in copy_uri:
        return None
    refusals = [entry.data for entry in ledger.entries(DROP_QUARANTINED) if entry.data["copy_uri"] == copy_uri]
    return refusals[-1] if refusals else None


@dataclass(frozen=True)
class Quarantined:
    """Where the refused file and the reason lie. ``copy_uri`` is None when the version was gone by then."""

    reason_uri: str
    copy_uri: str | None


@dataclass(frozen=True)
class Quarantine:
    """Everything that refusing one drop needs."""

    model: str
    drop: Drop
    validation: Validation
    execution: str
    at: datetime
    objects: ObjectStore
    ledger: Ledger
    notifier: Notifier

    @property
    def _folder(self) -> str:
        return f"s3://{self.drop.bucket}/{self.model}/quarantine/{self.drop.id}"

    def refuse(self) -> tuple[Quarantined, bool]:
        """Copy, reason and ledger agree, people are told; the flag is False when an earlier attempt had done it all.

        The ledger comes last, so a retry after a crash repeats what is harmless to repeat and forgets nothing.
        """
        copy_uri = self._copy()
        reason_uri = f"{self._folder}/reason.json"
        place = Quarantined(reason_uri, copy_uri)
        if recorded(self.ledger, DROP_QUARANTINED, self.drop.id, self.execution):
            return place, False
        reason = {"drop": self.drop.to_json(), "validation": self.validation.to_json(), "copy": copy_uri}
        self.objects.write(reason_uri, json.dumps(reason, indent=1).encode(), "application/json")
        self._tell()
        self._record(place)
        return place, True

    def _copy(self) -> str | None:
        """Where the copy lies: an object, or a folder of objects; a replayed drop is one already."""
        if self.drop.replays:
            return self.drop.uri
        own = self.drop.key.rsplit("/", 1)[-1]
        target = f"{self._folder}/{own if own == POINTER else self.drop.file_name}"
        try:
            self.objects.copy(self.drop.uri, target, self.drop.version)
            kept = self.drop.parts and not self.drop.lake  # a table stays where it is
            parts = Parts.loads(self.objects.read(self.drop.parts)).parts if kept else ()
            side_by_side(self._copy_part, parts)
        except FileNotFoundError:
            return None
        return target

    def _copy_part(self, part: Part) -> None:
        self.objects.copy(part.uri, f"{self._folder}/parts/{part.name}", part.version)

    def _tell(self) -> None:
        reasons = [finding.message for finding in self.validation.findings] or ["see the report"]
        page = self.validation.report.removesuffix(".json") + ".html"
        self.notifier.send(
            subject=_subject(f"{self.model}: file refused: {self.drop.file_name}"),
            what=f"{self.drop.uri} (version {self.drop.version}) was refused and not used. Nothing was started.",
            why="; ".join(reasons),
            next_step=(
                f"Read {page}, correct the file at its source and drop it again; or correct the contract, deploy it, "
                f"and run: trimtab drops replay {self.model} {self.drop.id}"
            ),
            link=page,
            quotes_data=True,
        )

    def _record(self, place: Quarantined) -> None:
        reason = self.validation.findings[0].message if self.validation.findings else "refused"
        found = self.validation.to_json()
        data = about(
            self.drop,
            self.execution,
            f"{self.drop.file_name}: refused, {reason}",
            reason=reason,
            reason_uri=place.reason_uri,
            copy_uri=place.copy_uri,
            report=found["report"],
            findings=found["findings"],
        )
        self.ledger.append(DROP_QUARANTINED, self.drop.id, data, self.at, ACTOR)


def _subject(text: str) -> str:
    """The text as SNS takes it for a subject: printable ASCII, fewer than 100 characters."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return plain[:SUBJECT_LENGTH]
