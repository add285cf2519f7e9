"""From a stored drop to its stored report: download, parse in a sandbox, write report and profile."""

import logging
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from trimtab.contracts import Drop, DropKind, Finding, Period, Validation
from trimtab.data.contract import Occasion
from trimtab.data.drift import DriftRules
from trimtab.data.keys import KeySet
from trimtab.data.local_drop import DropFile as LocalFile
from trimtab.data.local_drop import LocalDrop, judge_drop
from trimtab.data.profile import Profile
from trimtab.data.read import Format, format_of
from trimtab.data.report import DropReport, unreadable
from trimtab.data.sandbox import run
from trimtab.data.together import told_apart
from trimtab.data.validate import Gate
from trimtab.datasets.parts import Part, Parts
from trimtab.errors import DataError
from trimtab.ports import Ledger, ObjectStore
from trimtab.reports.drop_report import DropFile, report_html, report_json
from trimtab.spec import Spec

MEMORY_MB: Final = 1024
"""What parsing may allocate; the function needs about 400 MB more for itself."""
SECONDS: Final = 200
"""Wall time of parsing; the function's timeout must be longer."""
REMOVED: Final = "an object of the drop was removed before it was read"
FINDINGS_RETURNED: Final = 5
MESSAGE_LENGTH: Final = 400

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DropGate:
    """The gate of one model. ``folder`` is the URI under which this drop's report goes."""

    spec: Spec
    objects: ObjectStore
    ledger: Ledger
    folder: str
    references: str = ""
    """URI below which keys of other data sets are stored."""
    memory_mb: int = MEMORY_MB
    seconds: float = SECONDS

    def validate(self, drop: Drop) -> Validation:
        """report.json, report.html and (when the file could be read) profile.json are stored; this is their gist."""
        with tempfile.TemporaryDirectory(prefix="drop-") as scratch:
            return self.stored(self._parsed(drop, Path(scratch)))

    def stored(self, answer: dict[str, Any]) -> Validation:
        """The gist of an answer, whose files are stored."""
        for name, content_type in _TYPES.items():
            if name in answer["files"]:
                self.objects.write(f"{self.folder}/{name}", answer["files"][name].encode(), content_type)
        profile = f"{self.folder}/profile.json" if "profile.json" in answer["files"] else None
        return Validation(report=f"{self.folder}/report.json", profile=profile, **answer["gist"])

    def _parsed(self, drop: Drop, scratch: Path) -> dict[str, Any]:
        free = shutil.disk_usage(scratch).free
        if drop.size > free:
            return self.refused(drop, f"the drop has {drop.size:,} bytes and the gate has room for {free:,}", "limits")
        try:
            local = self._downloaded(drop, scratch)
        except FileNotFoundError as error:
            return self.refused(drop, f"{REMOVED}: {error}", "missing_part")
        judge = partial(_judge, drop=drop, spec=self.spec, reference=self.reference(drop), occasion=self.occasion(drop))
        outcome = run(judge, (local,), memory_mb=self.memory_mb, seconds=self.seconds)
        if outcome.failure is not None:
            return self.refused(drop, outcome.failure, "limits")
        answer: dict[str, Any] = outcome.value
        return answer

    def _downloaded(self, drop: Drop, scratch: Path) -> LocalDrop:
        """The drop's objects as files. Raises FileNotFoundError when one is gone."""
        found = self.parts(drop)
        files = []
        for number, part in enumerate(found.parts):
            path = scratch / str(number)
            self.objects.download(part.uri, path, part.version)
            files.append(LocalFile(part.name, path, self.format(part)))
        return LocalDrop(scratch, tuple(files), found.violations)

    def parts(self, drop: Drop) -> Parts:
        """The objects of the drop; the name of a drop's only object is empty."""
        if drop.parts:
            return Parts.loads(self.objects.read(drop.parts))
        return Parts((Part("", drop.uri, drop.version, drop.size, drop.sha256),))

    def format(self, part: Part) -> Format:
        """The format that an object's name claims, else the spec's."""
        return format_of(part.uri, self.spec.data.format)

    def refused(self, drop: Drop, message: str, rule: str) -> dict[str, Any]:
        """The answer to a drop that is refused for this one reason."""
        return answer(unreadable(self.spec.data.format, message, rule=rule), drop, self.spec)

    def occasion(self, drop: Drop) -> Occasion:
        """What the drop is held against besides the spec."""
        return Occasion(drop.at, self._keys())

    def _keys(self) -> dict[str, KeySet]:
        """The stored keys of the data sets that columns refer to; one that is not stored or unreadable is left out."""
        found: dict[str, KeySet] = {}
        for name in {column.references for column in self.spec.data.columns.values() if column.references}:
            try:
                found[name] = KeySet.loads(self.objects.read(f"{self.references}/{name}.json"))
            except (FileNotFoundError, DataError) as error:
                logger.warning("references to %s are not checked: %s", name, error)
        return found

    def reference(self, drop: Drop) -> Profile | None:
        """The profile of the rows that the serving version was trained on; drift is not measured without one."""
        baseline = self.ledger.state("baseline") if drop.kind is DropKind.DATA else None
        if baseline is None:
            return None
        try:
            return Profile.loads(self.objects.read(baseline["baseline_uri"]))
        except (FileNotFoundError, DataError) as error:
            logger.warning("drift is not measured: %s", error)
            return None


_TYPES: Final = {
    "report.json": "application/json",
    "report.html": "text/html; charset=utf-8",
    "profile.json": "application/json",
}


def _judge(
    local: LocalDrop, *, drop: Drop, spec: Spec, reference: Profile | None, occasion: Occasion
) -> dict[str, Any]:
    """Runs in the sandbox: everything that touches what the files say, the rendering of it included."""
    gate = gate_of(spec, drop, reference, occasion)
    return answer(told_apart(judge_drop(local, gate), gate), drop, spec)


def gate_of(spec: Spec, drop: Drop, reference: Profile | None, occasion: Occasion) -> Gate:
    """What the drop is held against."""
    rules = DriftRules.of(spec.monitoring)
    return Gate.of(spec.data, reference, kind=drop.kind.value, rules=rules, occasion=occasion)


def answer(report: DropReport, drop: Drop, spec: Spec) -> dict[str, Any]:
    """The files to store, as text, and the fields of the Validation, as JSON values."""
    file = DropFile(spec.name, drop.id, drop.kind.value, drop.uri, drop.version, drop.size, drop.at.isoformat())
    page = report_html(report, file)
    files = {"report.json": report_json(report, file).decode(), "report.html": page.decode()}
    if report.profile is not None:
        files["profile.json"] = report.profile.dumps().decode()
    return {"files": files, "gist": _gist(report)}


def _gist(report: DropReport) -> dict[str, Any]:
    period = report.period and Period(start=report.period[0], end=report.period[1])
    findings = [
        Finding(rule=found.rule, column=found.column, message=found.message[:MESSAGE_LENGTH])
        for found in report.violations[:FINDINGS_RETURNED]
    ]
    return {
        "verdict": report.verdict.value,
        "rows": report.rows,
        "period": period and period.to_json(),
        "labelled": report.labelled,
        "findings": [finding.to_json() for finding in findings],
    }
