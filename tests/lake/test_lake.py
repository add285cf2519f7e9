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
from trimtab.data.drift import compare
from trimtab.data.profile import Profile
from trimtab.data.state_file import read_state, write_state
from trimtab.data.validate import Gate, Partial, conclude, examine
from trimtab.errors import DataError
from trimtab.lake import job, profile
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


def test_the_job_writes_profile_and_drift(
    session: SparkSession, files: list[Path], reference: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"name": "trips", "data": SPEC.model_dump(mode="json"), "training": {"entry_point": "train.py"}}
    (tmp_path / "model.json").write_text(json.dumps(spec))
    (tmp_path / "reference.json").write_bytes(reference.dumps())
    monkeypatch.setattr(session, "stop", lambda: None)
    asked = {"spec": tmp_path / "model.json", "reference": tmp_path / "reference.json", "output": tmp_path / "out"}
    job.main([f"--{name}={value}" for name, value in (asked | {"data": files[0].parent}).items()])
    expected = one_pass(files, None)
    assert counts(Profile.loads((tmp_path / "out/profile.json").read_bytes())) == counts(expected)
    found = json.loads((tmp_path / "out/drift.json").read_text())
    assert (found["rows"], found["columns"]) == (ROWS, json.loads(json.dumps(drift(reference, expected))))
