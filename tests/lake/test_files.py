"""A table of files is judged by Spark as the gate judges a drop of the same files, whatever the files are like."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.lake.test_lake import ROWS, SPEC, bad, counts, findings, table, write
from trimtab.data.digests import digest_of_file
from trimtab.data.local_drop import DropFile, LocalDrop, judge_drop
from trimtab.data.profile import Profile
from trimtab.data.report import DropReport
from trimtab.data.validate import Gate
from trimtab.lake import files as lake_files
from trimtab.lake import processing
from trimtab.lake.files import TableFile, judge_files

GATE = Gate.of(SPEC)
Change = Callable[[pa.Table], pa.Table]


def by_the_gate(files: dict[str, Path]) -> DropReport:
    found = tuple(DropFile(name, path, "parquet") for name, path in files.items())
    return judge_drop(LocalDrop(Path(), found), GATE)


def by_spark(session: SparkSession, files: dict[str, Path]) -> DropReport:
    return judge_files(session, [TableFile(name, path) for name, path in files.items()], GATE)


def halves(folder: Path, change: Change, seed: int = 2) -> dict[str, Path]:
    """A table in two files, the second of which is changed."""
    rows = table(seed)
    written = {"a.parquet": rows.slice(0, ROWS // 2), "b.parquet": change(rows.slice(ROWS // 2))}
    return {name: write(each, folder / name) for name, each in written.items()}


def cast(name: str, type: pa.DataType) -> Change:
    return lambda rows: rows.set_column(rows.schema.get_field_index(name), name, rows[name].cast(type))


FORMS: dict[str, Change] = {
    "the same": lambda rows: rows,
    "another order": lambda rows: rows.select(rows.column_names[::-1]),
    "a column less": lambda rows: rows.drop(["stops"]),
    "a column more": lambda rows: rows.append_column("more", pa.array([1] * len(rows))),
    "a column renamed": lambda rows: rows.rename_columns([n if n != "stops" else "Stops" for n in rows.column_names]),
    "narrower numbers": cast("stops", pa.int8()),
    "text for numbers": cast("stops", pa.string()),
    "times in nanoseconds": cast("started", pa.timestamp("ns")),
    "times of long ago": lambda rows: rows.set_column(
        rows.schema.get_field_index("started"), "started", pa.array([datetime(1850, 1, 1)] * len(rows))
    ),
    "none that is known": lambda rows: pa.table({"x": pa.array([1] * len(rows))}),
    "a name twice": lambda rows: rows.append_column("stops", rows["stops"]),
    "unsigned": cast("wide", pa.int64()),
}


@pytest.mark.parametrize("form", FORMS)
def test_files_of_different_form_are_judged_as_the_gate_does(session: SparkSession, tmp_path: Path, form: str) -> None:
    files = halves(tmp_path, FORMS[form])
    found, expected = by_spark(session, files), by_the_gate(files)
    assert (found.rows, found.verdict) == (expected.rows, expected.verdict)
    assert told(found) == told(expected)
    assert (found.profile is None) == (expected.profile is None)
    if found.profile is not None and expected.profile is not None:
        assert counts(found.profile) == counts(expected.profile)


def told(report: DropReport) -> Any:
    """Findings; the form of a file counts once, however many partitions it was read in."""
    return findings(report)


def damaged(folder: Path, name: str) -> dict[str, Path]:
    files = halves(folder, FORMS["the same"])
    body = bytearray(files["b.parquet"].read_bytes())
    if name == "truncated":
        body = body[: len(body) // 2]
    elif name == "junk":
        body = bytearray(b"junk")
    elif name == "empty":
        body = bytearray()
    else:
        middle = len(body) // 3
        body[middle : middle + 20_000] = bytes(20_000)
    files["b.parquet"].write_bytes(body)
    return files


@pytest.mark.parametrize("name", ["truncated", "junk", "empty", "pages overwritten"])
def test_a_damaged_file_is_refused_in_the_gates_own_words(session: SparkSession, tmp_path: Path, name: str) -> None:
    files = damaged(tmp_path, name)
    found, expected = by_spark(session, files), by_the_gate(files)
    assert found.verdict.value == "quarantine"
    assert [v.message for v in found.violations] == [v.message for v in expected.violations]


def test_a_flipped_value_is_noticed_where_pages_have_checksums(session: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(table(2), path, compression="none", use_dictionary=False, write_page_checksum=True)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0xFF
    path.write_bytes(body)
    found = by_spark(session, {"a.parquet": path})
    assert found.verdict.value == "quarantine"
    assert [v.message for v in found.violations] == [v.message for v in by_the_gate({"a.parquet": path}).violations]


def test_names_that_spark_would_take_for_patterns_are_only_names(session: SparkSession, tmp_path: Path) -> None:
    files = halves(tmp_path, FORMS["the same"])
    odd = {
        name: files[old].rename(tmp_path / name)
        for name, old in (("[a]*{b}.parquet", "a.parquet"), (" %20=.parquet", "b.parquet"))
    }
    assert by_spark(session, odd).rows == ROWS


@pytest.fixture
def without_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Spark reads, it reads itself."""

    def never(*_: object) -> None:
        raise AssertionError("not read by Spark")

    monkeypatch.setattr(lake_files, "_by_ourselves", never)


@pytest.mark.usefixtures("without_fallback")
@pytest.mark.parametrize("form", ["the same", "a column less", "text for numbers", "times of long ago"])
def test_files_of_usual_form_are_read_by_spark(session: SparkSession, tmp_path: Path, form: str) -> None:
    assert by_spark(session, halves(tmp_path, FORMS[form])).rows == ROWS


@pytest.fixture
def job(tmp_path: Path, session: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as SageMaker mounts it."""
    monkeypatch.setattr(processing, "open_session", lambda scratch: session)
    monkeypatch.setattr(session, "stop", lambda: None)
    for name in ("task", "table"):
        (tmp_path / name).mkdir()
    return tmp_path


def ask(job: Path, files: dict[str, Path], **changes: Any) -> None:
    parts = [
        {"name": name, "size": path.stat().st_size, "sha256": digest_of_file(path)} for name, path in files.items()
    ]
    task = {"parts": parts, "findings": [], "at": "2026-03-01T06:00:00+00:00", "references": []} | changes
    (job / "task" / "task.json").write_text(json.dumps(task))
    spec = {"name": "trips", "data": SPEC.model_dump(mode="json"), "training": {"entry_point": "train.py"}}
    (job / "model.json").write_text(json.dumps(spec))


def answer(job: Path) -> DropReport:
    processing.main(job / "model.json", job)
    return DropReport.from_json(json.loads((job / "verdict" / "report.json").read_text()))


def test_the_job_leaves_the_gates_report_and_profile(job: Path) -> None:
    path = write(bad(3), job / "table" / "a.parquet")
    ask(job, {"a.parquet": path})
    (job / "task" / "reference.json").write_bytes(reference(job).dumps())
    found = answer(job)
    gate = Gate.of(SPEC, reference(job))
    expected = judge_drop(LocalDrop(path, (DropFile("a.parquet", path, "parquet"),)), gate)
    assert (found.verdict, found.rows, findings(found)) == (expected.verdict, ROWS, findings(expected))
    assert found.drift == expected.drift
    assert found.separation is not None
    assert expected.profile is not None
    assert counts(Profile.loads((job / "verdict" / "profile.json").read_bytes())) == counts(expected.profile)


def reference(job: Path) -> Profile:
    path = write(table(1), job / "reference.parquet")
    profile = by_the_gate({"a.parquet": path}).profile
    assert profile is not None
    return profile


def test_a_file_that_is_not_what_was_claimed_is_refused(job: Path) -> None:
    files = {name: job / "table" / name for name in ("a.parquet", "b.parquet")}
    for path in files.values():
        write(table(2), path)
    ask(job, files)
    shutil.copy(write(table(3), job / "other.parquet"), files["b.parquet"])
    assert [v.rule for v in answer(job).violations if v.severity.value == "refuse"][:1] == ["wrong_part"]
    files["a.parquet"].unlink()
    assert {"missing_part", "wrong_part"} <= {v.rule for v in answer(job).violations}
