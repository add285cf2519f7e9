"""The benchmarks do on small tables what they are timed for on large ones."""

import ast
import sys
from dataclasses import fields
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.contract import PlainQuality, plain_gate
from benchmarks.environments import ALL_PEERS, PEER_LOCKS, PEERS, pinned
from benchmarks.measure import in_turn
from benchmarks.rules import SPEC
from benchmarks.tables import write
from benchmarks.ways import floor, gate
from trimtab.data.contract import data_contract
from trimtab.spec import DataSpec, QualityLimits

ROWS = 3_000


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two tables in both formats."""
    folder = tmp_path_factory.mktemp("tables")
    for format in ("parquet", "csv"):
        write(folder, ROWS, format)
    return folder


@pytest.mark.parametrize("format", ["parquet", "csv"])
@pytest.mark.parametrize("spec", [False, True])
def test_the_gate_finds_what_was_planted(tables: Path, tmp_path: Path, format: str, *, spec: bool) -> None:
    profile = tmp_path / "profile.json"
    gate.main(tables / f"reference_{ROWS}.{format}", profile, spec=spec, repeats=1)
    found = gate.main(tables / f"current_{ROWS}.{format}", profile, spec=spec, repeats=2)
    assert found["rows"] == ROWS
    assert {"pattern": 2, "range": 4, "domain": 4}.items() <= found["found"].items()
    assert found["psi"]["channel"] > 0.25
    assert len(found["seconds"]) == 2


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_the_floor_decodes_every_row(tables: Path, format: str) -> None:
    assert floor.read(str(tables / f"current_{ROWS}.{format}")) == ROWS


def test_the_tables_have_the_columns_that_the_contract_names(tables: Path) -> None:
    assert set(pq.read_schema(tables / f"current_{ROWS}.parquet").names) == set(SPEC["columns"])


def test_the_plain_contract_is_the_one_of_the_spec() -> None:
    plain, full = plain_gate(None).contract, data_contract(DataSpec.model_validate(SPEC))
    assert (plain.id, plain.label, plain.event_time) == (full.id, full.label, full.event_time)
    for name, column in full.columns.items():
        mine = plain.columns[name]
        rules = ("type", "nullable", "pattern", "unique")
        assert [getattr(mine, rule) for rule in rules] == [getattr(column, rule) for rule in rules], name
        for rule in ("range", "domain"):
            assert tuple(getattr(mine, rule) or ()) == tuple(getattr(column, rule) or ()), name


@pytest.mark.parametrize("name", ALL_PEERS)
def test_every_peer_is_pinned_with_hashes(name: str) -> None:
    lock = (PEER_LOCKS / f"{name}.txt").read_text()
    assert pinned(name).split()[1][0].isdigit()
    assert "--hash=sha256:" in lock
    assert "://" not in lock


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_a_program(name: str) -> None:
    program = ast.parse((PEER_LOCKS / f"run_{name}.py").read_text())
    assert ast.get_docstring(program)


def test_runs_are_counted_and_what_fails_is_told() -> None:
    ways = {
        "fine": [sys.executable, "-c", "print('{\"seconds\": [1, 2]}')"],
        "broken": [sys.executable, "-c", "raise SystemExit('no such column')"],
    }
    found = in_turn(ways, {}, 2)
    assert found["broken"].failure == "no such column"
    assert found["fine"].last_seconds == [2, 2]
    assert found["fine"].over(found["fine"]) == 1
    assert min(found["fine"].megabytes) > 1


def test_what_takes_too_long_is_ended() -> None:
    endless = {"endless": [sys.executable, "-c", "import signal; signal.pause()"]}
    assert in_turn(endless, {}, 1, longest_seconds=0.1)["endless"].failure == "not done after 0 s"


def test_the_contract_without_pydantic_has_every_limit_of_the_spec() -> None:
    assert {field.name for field in fields(PlainQuality)} == set(QualityLimits.model_fields)
