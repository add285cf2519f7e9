"""The gate on a table in a lake, as SageMaker runs it: one machine, its inputs and outputs below /opt/ml/processing.

``task`` holds what plan_lake wrote, ``table`` the table's files, and ``verdict`` gets the report. Spark runs on this
machine alone, on all its processors, without a network.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from pyspark.sql import SparkSession

from trimtab.data.contract import Occasion
from trimtab.data.digests import digest_of_file
from trimtab.data.drift import DriftRules
from trimtab.data.keys import KeySet
from trimtab.data.limits import MEGABYTE
from trimtab.data.manifest import Found, Listed, compare_parts
from trimtab.data.profile import Profile
from trimtab.data.report import DropReport
from trimtab.data.together import told_apart
from trimtab.data.validate import Gate
from trimtab.data.violation import Violation
from trimtab.lake.files import TableFile, judge_files
from trimtab.lake.profile import SETTINGS
from trimtab.spec import Spec, load_spec_file

PROCESSING: Final = Path("/opt/ml/processing")
TASK, TABLE, VERDICT = "task", "table", "verdict"
"""Names of input and output folders."""
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class Task:
    """What plan_lake asks for."""

    parts: tuple[Listed, ...]
    """The files of the table; the digest of one that nobody told is empty."""
    findings: tuple[Violation, ...]
    """What was wrong with their being there."""
    at: datetime | None
    references: tuple[str, ...] = ()
    """Data sets whose keys lie beside."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The task that lies in a folder."""
        document: dict[str, Any] = json.loads((folder / "task.json").read_bytes())
        at = datetime.fromisoformat(document["at"]) if document["at"] else None
        findings = tuple(Violation.from_json(found) for found in document["findings"])
        return cls(tuple(Listed(**part) for part in document["parts"]), findings, at, tuple(document["references"]))


def main(spec: Path, folder: Path = PROCESSING) -> None:
    """report.json is in the folder for the verdict, and profile.json when the table could be read."""
    judged = judge_table(load_spec_file(spec), folder)
    target = folder / VERDICT
    target.mkdir(parents=True, exist_ok=True)
    (target / "report.json").write_text(json.dumps(judged.to_json(), allow_nan=False), encoding="utf-8")
    if judged.profile is not None:
        (target / "profile.json").write_bytes(judged.profile.dumps())
    print(f"{judged.verdict.value}: {judged.rows:,} rows, {len(judged.violations)} findings", flush=True)


def judge_table(spec: Spec, folder: Path) -> DropReport:
    """The report on the table whose files lie below ``folder``."""
    task = Task.read(folder / TASK)
    gate = _gate(spec, task, folder / TASK)
    there = [TableFile(part.name, folder / TABLE / part.name) for part in task.parts]
    files = [file for file in there if file.path.is_file()]
    found = (*task.findings, *_compared(task.parts, files))
    with tempfile.TemporaryDirectory(prefix="spark-", dir=folder) as scratch:
        session = open_session(Path(scratch))
        report = judge_files(session, files, gate, found)
        session.stop()
    return told_apart(report, gate)


def open_session(scratch: Path) -> SparkSession:
    """Spark on all processors of this machine; its heap may take half of the memory, tasks in Python the rest."""
    os.environ |= {"SPARK_LOCAL_IP": _LOOPBACK, "SPARK_LOCAL_HOSTNAME": "localhost"}
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (2 * MEGABYTE)
    own = {
        "spark.driver.memory": f"{memory}m",
        "spark.driver.host": _LOOPBACK,
        "spark.driver.bindAddress": _LOOPBACK,
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch),
        "spark.hadoop.fs.defaultFS": "file:///",
        "spark.eventLog.enabled": "false",
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.appName("trimtab-gate").master("local[*]")
    for name, value in (SETTINGS | own).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _gate(spec: Spec, task: Task, folder: Path) -> Gate:
    stored = folder / "reference.json"
    reference = Profile.loads(stored.read_bytes()) if stored.is_file() else None
    keys = {name: KeySet.loads((folder / "keys" / f"{name}.json").read_bytes()) for name in task.references}
    occasion = Occasion(task.at, keys)
    return Gate.of(spec.data, reference, rules=DriftRules.of(spec.monitoring), occasion=occasion)


def _compared(parts: tuple[Listed, ...], files: list[TableFile]) -> Iterator[Violation]:
    """Files that are not what was claimed; the digests of those that have one are computed side by side."""
    told = {part.name for part in parts if part.sha256}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = pool.map(lambda file: digest_of_file(file.path) if file.name in told else "", files)
        found = {
            file.name: Found(file.path.stat().st_size, digest) for file, digest in zip(files, digests, strict=True)
        }
    return compare_parts(parts, found)
