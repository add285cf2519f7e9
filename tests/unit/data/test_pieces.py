"""A drop that is looked at in pieces, each kept in a file meanwhile, is judged as in one pass."""

import io
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fakes import NOON
from tests.unit.data.samples import csv, rounded, trips
from trimtab.data.contract import Occasion
from trimtab.data.keys import KeySet
from trimtab.data.read import Format
from trimtab.data.report import DropReport
from trimtab.data.state_file import read_state, write_state
from trimtab.data.validate import Gate, Partial, conclude, examine, validate
from trimtab.errors import DataError
from trimtab.spec import DataSpec

ROWS, GROUP = 4_000, 300
SPEC = DataSpec.model_validate(
    {
        "id": "code",
        "event_time": "started",
        "label": "late",
        "columns": {
            "code": {"type": "string", "pattern": "[A-Z]{2}[0-9]+"},
            "started": {"type": "timestamp", "monotonic": "strictly_increasing"},
            "trip": {"type": "integer", "unique": True, "warn": ["unique"]},
            "miles": {"type": "number", "range": [0, 20], "nullable": True},
            "stops": {"type": "integer", "range": [0, 8], "references": "stops"},
            "line": {"type": "string", "domain": ["red", "green"]},
            "note": {"type": "string", "nullable": True},
            "copy": {"type": "integer"},
            "express": {"type": "boolean"},
            "late": {"type": "integer", "domain": [0, 1]},
        },
        "checks": [{"check": "stops < 9 or express"}],
        "quality": {"duplicate_rows": "warn", "max_violation_share": 0.5},
    }
)


def table() -> pa.Table:
    """Rows that break every kind of rule, within pieces and across them."""
    random = np.random.default_rng(3)
    plain = trips(ROWS, seed=3)
    notes = np.where(random.random(ROWS) < 0.3, "someone@example.com", "=1+2")
    started = plain["started"].to_numpy().copy()
    started[[5, GROUP, 2_500]] -= np.timedelta64(10, "D")
    codes = [f"AB{number % (ROWS - 700)}" for number in range(ROWS)]
    columns = {"code": codes, "started": started, "note": notes, "copy": plain["late"]}
    more = {name: plain[name] for name in ("trip", "miles", "stops", "line", "express", "late")}
    whole = pa.table({**columns, **more})
    return pa.concat_tables([whole.slice(0, ROWS - 40), whole.slice(10, 40)])


def parquet(rows: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(rows, stream, row_group_size=GROUP)
    return stream.getvalue()


@pytest.fixture
def gate() -> Gate:
    profile = validate(io.BytesIO(parquet(trips(3_000, seed=9))), "parquet", SPEC).profile
    keys = {"stops": KeySet.of("integer", pa.array([0, 1, 2, 3, 4]))}
    return Gate.of(SPEC, profile, occasion=Occasion(NOON, keys))


def piece(
    body: bytes, gate: Gate, folder: Path, groups: Sequence[int] | None, file: str = "", format: Format = "parquet"
) -> Partial:
    """What some row groups show, after a while in a file."""
    path = folder / "partial"
    write_state(path, examine(io.BytesIO(body), format, gate, file, groups).state())
    kept = Partial.of_state(read_state(path), gate)
    path.unlink()
    return kept


def figures(report: DropReport) -> Any:
    """All that was found; means and spreads to the ten digits that any order of adding gives."""
    assert report.profile is None or report.profile.rows == report.rows
    return rounded(json.loads(json.dumps([report.to_json(), report.profile and report.profile.to_json()])))


@pytest.mark.parametrize("cuts", [[0, 14], [0, 1, 14], [0, 3, 4, 9, 14], list(range(15))])
def test_any_cutting_of_a_files_row_groups_gives_the_one_pass_report(
    gate: Gate, tmp_path: Path, cuts: list[int]
) -> None:
    body = parquet(table())
    expected = conclude([examine(io.BytesIO(body), "parquet", gate)], gate)
    pieces = [piece(body, gate, tmp_path, range(start, end)) for start, end in pairwise(cuts)]
    found = conclude(pieces, gate)
    assert figures(found) == figures(expected)
    rules = {violation.rule for violation in expected.violations}
    wanted = {"unique", "monotonic", "range", "domain", "references", "check", "duplicate_rows", "label_leakage"}
    assert rules >= wanted | {"personal_data", "formula", "drift"}


def test_counts_drift_and_violations_are_equal_to_the_last_bit(gate: Gate, tmp_path: Path) -> None:
    body = parquet(table())
    expected = conclude([examine(io.BytesIO(body), "parquet", gate)], gate)
    found = conclude([piece(body, gate, tmp_path, range(start, start + 2)) for start in range(0, 14, 2)], gate)
    assert found.violations == expected.violations
    assert (found.rows, found.rows_in_violation) == (expected.rows, expected.rows_in_violation)
    assert [(each.psi, each.ks, each.column) for each in found.drift] == [
        (each.psi, each.ks, each.column) for each in expected.drift
    ]


def test_files_of_several_pieces_and_of_one_are_judged_together(gate: Gate, tmp_path: Path) -> None:
    rows = table()
    first, second = parquet(rows.slice(0, 3_000)), csv(rows.slice(3_000)).getvalue()
    together = [examine(io.BytesIO(first), "parquet", gate, "a"), examine(io.BytesIO(second), "csv", gate, "b")]
    apart = [
        *(piece(first, gate, tmp_path, range(start, start + 5), "a") for start in (0, 5)),
        piece(second, gate, tmp_path, None, "b", "csv"),
    ]
    assert figures(conclude(apart, gate)) == figures(conclude(together, gate))


def test_a_damaged_piece_refuses_the_drop_at_the_row_where_one_pass_does(gate: Gate, tmp_path: Path) -> None:
    whole = parquet(table())
    chunk = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(6).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    body = whole[:start] + bytes(chunk.total_compressed_size) + whole[start + chunk.total_compressed_size :]
    pieces = [piece(body, gate, tmp_path, range(start, start + 2)) for start in range(0, 14, 2)]
    found = conclude(pieces, gate)
    expected = conclude([examine(io.BytesIO(body), "parquet", gate)], gate)
    assert [violation.rule for violation in found.violations] == ["readable"]
    assert found.verdict == expected.verdict
    assert "damaged after row 1,800" in found.violations[0].message
    assert found.rows == 1_800


def test_truth_is_judged_in_pieces_too(tmp_path: Path) -> None:
    gate = Gate.of(SPEC, kind="truth")
    body = parquet(trips(ROWS, seed=3))
    pieces = [piece(body, gate, tmp_path, [group]) for group in range(14)]
    assert figures(conclude(pieces, gate)) == figures(conclude([examine(io.BytesIO(body), "parquet", gate)], gate))


def test_arrays_come_back_as_they_were_wherever_they_lie(tmp_path: Path) -> None:
    tree = {"array": [np.arange(5, dtype=np.uint8), None, {"x": np.ones((2, 3), np.uint64)}], "none": np.zeros(0, int)}
    write_state(tmp_path / "tree", tree)
    found = read_state(tmp_path / "tree")
    assert found["array"][0].tolist() == [0, 1, 2, 3, 4]
    assert found["array"][2]["x"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert found["array"][1] is None
    assert found["none"].tolist() == []


@pytest.mark.parametrize("body", [b"", b"short", b"trimtab0" + bytes(40), b"trimtab1" + bytes(20) + b"\xff" * 8])
def test_a_file_that_is_no_partial_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(DataError, match="no file of this version"):
        read_state(tmp_path / "x")
