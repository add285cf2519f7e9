"""A profile made in one pass, in pieces, and by Spark is the same profile, and so is the drift read off it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.unit.data.samples import DATA, rounded, trips
from trimtab.data.drift import DriftRules, Rule, compare
from trimtab.data.profile import Profile
from trimtab.data.report import DropReport
from trimtab.data.state_file import read_state, write_state
from trimtab.data.validate import Gate, Partial, conclude, examine
from trimtab.errors import DataError
from trimtab.lake import job, judge, profile
from trimtab.lake.judge import judge_frame
from trimtab.lake.profile import profile_frame
from trimtab.spec import DataSpec

ROWS, FILES = 30_000, 3
SPEC = DataSpec.model_validate(
    {
        "id": "trip",
        "event_time": "started",
        "label": "late",
        "columns": {
            **{name: column.model_dump() for name, column in DATA.columns.items() if name != "code"},
            "code": {"type": "string"},
            "wide": {"type": "integer"},
            "odd": {"type": "number", "nullable": True},
        },
    }
)


def table(seed: int) -> pa.Table:
    """Every kind of column: few levels and many, narrow and wide integers, numbers with gaps, NaN and infinities."""
    random = np.random.default_rng(seed)
    odd = np.where(random.random(ROWS) < 0.01, np.nan, random.lognormal(0, 3, ROWS))
    odd[:5] = np.inf
    levels = [f"AB{number}" for number in random.integers(0, 30_000, ROWS).tolist()]
    columns = {"odd": pa.array(odd, mask=random.random(ROWS) < 0.1), "wide": random.integers(-(2**40), 2**40, ROWS)}
    return trips(ROWS, seed, code=levels, **columns)


@pytest.fixture(scope="module")
def reference() -> Profile:
    return one_pass([write(table(1), None)], None)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, rows = tmp_path_factory.mktemp("lake"), table(2)
    share = ROWS // FILES
    return [write(rows.slice(number * share, share), folder / f"{number}.parquet") for number in range(FILES)]


def write(rows: pa.Table, path: Path | None) -> Any:
    """The table as a file, or in memory, in row groups of a tenth."""
    target = pa.BufferOutputStream() if path is None else path
    pq.write_table(rows, target, row_group_size=len(rows) // 10)
    return path if path else pa.BufferReader(target.getvalue())


def one_pass(streams: list[Any], pieces: Path | None) -> Profile:
    """The gate's profile; with a folder, in pieces of three row groups that are kept there meanwhile."""
    gate, partials = Gate.of(SPEC), []
    for number, stream in enumerate(streams):
        for first in range(0, 10, 3) if pieces else [0]:
            groups = range(first, min(first + 3, 10)) if pieces else None
            opened = stream.open("rb") if isinstance(stream, Path) else stream
            found = examine(opened, "parquet", gate, str(number), groups)
            if pieces:
                write_state(pieces / "state", found.state())
                found = Partial.of_state(read_state(pieces / "state"), gate)
            partials.append(found)
    profile = conclude(partials, gate).profile
    assert profile is not None
    return profile


def counts(profile: Profile) -> Any:
    """The profile as JSON values, means and spreads to ten digits."""
    return rounded(profile.to_json())


def drift(reference: Profile, profile: Profile) -> Any:
    return [column.to_json() for column in compare(reference, profile, SPEC.features)]


def test_the_three_ways_give_one_profile_and_one_drift(
    session: SparkSession, files: list[Path], reference: Profile, tmp_path: Path
) -> None:
    whole, pieces = one_pass(files, None), one_pass(files, tmp_path)
    frame = session.read.parquet(str(files[0].parent))
    spark = profile_frame(frame, SPEC)
    assert spark.rows == whole.rows == ROWS
    assert counts(spark) == counts(pieces) == counts(whole)
    assert drift(reference, spark) == drift(reference, pieces) == drift(reference, whole), "to the last bit"
    assert max(column["psi"] for column in drift(reference, spark)) > 0


@pytest.fixture
def merged_by_threes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four profiles are already too many for the driver."""
    monkeypatch.setattr(profile, "MERGED_AT_ONCE", 3)


@pytest.mark.usefixtures("merged_by_threes")
@pytest.mark.parametrize("partitions", [1, 5])
def test_any_number_of_partitions_gives_the_same_profile(
    session: SparkSession, files: list[Path], partitions: int
) -> None:
    frame = session.read.parquet(str(files[0].parent)).repartition(partitions)
    assert counts(profile_frame(frame, SPEC)) == counts(one_pass(files, None))


@pytest.mark.usefixtures("merged_by_threes")
@pytest.mark.parametrize("partitions", [1, 4])
def test_a_column_of_another_type_is_told_by_name(session: SparkSession, files: list[Path], partitions: int) -> None:
    frame = session.read.parquet(str(files[0])).selectExpr("trip", "started", "late", "line as miles")
    with pytest.raises(DataError, match="the column 'miles' is string in the table, which cannot be read as number"):
        profile_frame(frame.repartition(partitions), SPEC)


def test_columns_that_the_table_lacks_are_left_out(session: SparkSession, files: list[Path]) -> None:
    profile = profile_frame(session.read.parquet(str(files[0])).select("trip", "miles"), SPEC)
    assert list(profile.columns) == ["miles"]


def bad(seed: int) -> pa.Table:
    """A table that breaks rules on rows, uniqueness and an order, has a column too many and a renamed one."""
    rows = table(seed)
    broken = {
        "stops": np.where(np.arange(ROWS) % 1_000 == 7, 77, rows["stops"].to_numpy()),
        "line": np.where(np.arange(ROWS) % 2_000 == 9, "pink", rows["line"].to_numpy(zero_copy_only=False)),
        "trip": np.where(np.arange(ROWS) >= ROWS - 5, 3, np.arange(ROWS)),
    }
    for name, values in broken.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))
    return rows.append_column("more", pa.array([1] * ROWS)).rename_columns(
        ["exprès" if name == "express" else name for name in (*rows.column_names, "more")]
    )


def judged(streams: list[Path], gate: Gate) -> DropReport:
    """The gate's own report, in one pass over each file."""
    partials = []
    for number, path in enumerate(streams):
        with path.open("rb") as stream:
            partials.append(examine(stream, "parquet", gate, f"partition {number}"))
    return conclude(partials, gate)


def findings(report: DropReport) -> Any:
    """All that a finding says but where its rows stand."""
    said = [
        (found.rule, found.column, found.severity, found.measured, found.limit, found.count)
        for found in report.violations
        if found.rule != "monotonic"
    ]
    return sorted(said, key=str)


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, rows = tmp_path_factory.mktemp("bad"), bad(3)
    share = ROWS // FILES
    return [write(rows.slice(number * share, share), folder / f"{number}.parquet") for number in range(FILES)]


@pytest.mark.parametrize("partitions", [1, 7])
def test_rules_are_judged_as_in_one_pass(
    session: SparkSession, bad_files: list[Path], reference: Profile, partitions: int
) -> None:
    gate = Gate.of(SPEC, reference)
    expected = judged(bad_files, gate)
    assert {"range", "domain", "unique", "renamed_column", "extra_column"} <= {v.rule for v in expected.violations}
    frame = session.read.parquet(str(bad_files[0].parent)).repartition(partitions)
    found = judge_frame(frame, gate)
    assert findings(found) == findings(expected)
    assert (found.verdict, found.rows, found.rows_in_violation) == (
        expected.verdict,
        ROWS,
        expected.rows_in_violation,
    )
    assert found.drift == expected.drift, "to the last bit, and judged"
    assert found.profile is not None
    assert expected.profile is not None
    assert counts(found.profile) == counts(expected.profile)


def test_rows_are_told_with_their_values_where_one_task_reads_one_file(session: SparkSession, tmp_path: Path) -> None:
    path, gate = write(bad(3), tmp_path / "all.parquet"), Gate.of(SPEC)
    found = judge_frame(session.read.parquet(str(path)).coalesce(1), gate)
    expected = judged([path], gate)
    assert [(v.message, v.rows, v.values) for v in found.violations] == [
        (v.message, v.rows, v.values) for v in expected.violations
    ]


@pytest.mark.usefixtures("few_tasks")
def test_a_table_of_many_partitions_is_read_by_a_few_tasks(
    session: SparkSession, files: list[Path], reference: Profile
) -> None:
    frame = session.read.parquet(str(files[0].parent)).repartition(9)
    found, expected = (judge_frame(frame, Gate.of(SPEC, reference)), judged(files, Gate.of(SPEC, reference)))
    assert (findings(found), found.drift) == (findings(expected), expected.drift)


@pytest.fixture
def few_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "MOST_TASKS", 3)


def test_an_order_is_not_judged_and_said_so(session: SparkSession, files: list[Path]) -> None:
    columns = {**SPEC.columns, "trip": SPEC.columns["trip"].model_copy(update={"monotonic": "increasing"})}
    spec = SPEC.model_copy(update={"columns": columns})
    report = judge_frame(session.read.parquet(str(files[0].parent)).repartition(4), Gate.of(spec))
    assert [(v.column, v.severity.value) for v in report.violations if v.rule == "monotonic"] == [("trip", "warn")]


def test_a_table_without_rows_is_refused_and_no_error(session: SparkSession, files: list[Path]) -> None:
    report = judge_frame(session.read.parquet(str(files[0].parent)).limit(0), Gate.of(SPEC))
    assert (report.rows, [v.rule for v in report.violations]) == (0, ["min_rows"])


def test_the_job_writes_report_profile_and_drift(
    session: SparkSession, files: list[Path], reference: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {
        "name": "trips",
        "data": SPEC.model_dump(mode="json"),
        "training": {"entry_point": "train.py"},
        "monitoring": {"drift": {"stops": {"statistic": "ks", "limit": 0.001}}},
    }
    (tmp_path / "model.json").write_text(json.dumps(spec))
    (tmp_path / "reference.json").write_bytes(reference.dumps())
    monkeypatch.setattr(session, "stop", lambda: None)
    asked = {"spec": tmp_path / "model.json", "reference": tmp_path / "reference.json", "output": tmp_path / "out"}
    job.main([f"--{name}={value}" for name, value in (asked | {"data": files[0].parent}).items()])
    rules = DriftRules(own={"stops": Rule("ks", 0.001)})
    expected = judged(files, Gate.of(SPEC, reference, rules=rules))
    assert expected.profile is not None
    assert counts(Profile.loads((tmp_path / "out/profile.json").read_bytes())) == counts(expected.profile)
    told = DropReport.from_json(json.loads((tmp_path / "out/report.json").read_text()))
    assert (told.verdict, findings(told), told.drift) == (expected.verdict, findings(expected), expected.drift)
    found = json.loads((tmp_path / "out/drift.json").read_text())
    assert (found["rows"], found["columns"]) == (ROWS, json.loads(json.dumps(expected.to_json()["drift"])))
