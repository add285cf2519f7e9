"""Every window meets all the truth that belongs to it, whenever that comes."""

from datetime import timedelta

import numpy as np
import pytest

from tests.unit.monitoring.production import ROWS, Production, population, truth_of
from trimtab.monitoring.tables import read_records
from trimtab.spec import parse_spec


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_truth_in_parts_is_joined_cumulatively(production: Production, file_format: str) -> None:
    rows, label = population(11), list(truth_of(population(11)))
    half = ROWS // 2
    production.traffic(rows)
    production.truth(rows, "first", [*label[:half], *[None] * half], file_format)
    assert production.run()["quality"][0]["n"] == half
    production.scene.later(days=1)
    production.truth(rows, "second", [*[None] * half, *label[half:]], file_format)
    assert production.run()["quality"][0]["n"] == ROWS
    production.scene.later(days=1)
    assert production.run()["quality"] == []
    assert [e.data["n"] for e in production.scene.ledger.entries("quality.measured")] == [half, ROWS]


def test_truth_that_came_before_the_window_was_collected_is_joined_too(production: Production) -> None:
    rows = population(11)
    production.truth(rows, "early", truth_of(rows))
    production.scene.later(days=1)
    production.traffic(rows)
    assert production.run()["quality"][0]["n"] == ROWS


def test_many_windows_are_joined_in_portions_and_none_is_forgotten(production: Production) -> None:
    rows = population(11)
    parts = np.array_split(np.arange(ROWS), 45)
    for part in parts:
        production.traffic({name: values[part] for name, values in rows.items()}, count=len(part))
        production.run()
        production.scene.later(hours=1)
    production.truth(rows, "all", truth_of(rows))
    joined: list[str] = []
    for expected in (40, 5, 0):
        found = production.run()["joined"]
        assert len(found) == expected
        joined += [each["window"] for each in found]
        production.scene.later(hours=1)
    assert len(set(joined)) == 45
    first, second = (entry.data for entry in production.scene.ledger.entries("truth.joined"))
    waiting = sum(len(part) for part in parts[40:])
    assert first["unknown"] == waiting
    assert [(file["before"], file["unknown"]) for file in second["files"]] == [(waiting, 0)]
    assert second["summary"].endswith(f"0 windows wait, {waiting} ids that no window had held were found")


def test_an_id_that_was_met_before_is_not_found_again(production: Production) -> None:
    rows, stranger = population(11), population(11, first=ROWS // 2)
    production.truth(stranger, "half", truth_of(stranger))
    for _ in range(2):
        production.scene.later(days=3)
        production.traffic(rows)
        production.run()
    told = [entry.data["files"] for entry in production.scene.ledger.entries("truth.joined")]
    assert [[file["unknown"] for file in files] for files in told] == [[ROWS // 2], []]


def test_truth_far_beyond_its_horizon_is_not_joined(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.run()
    production.scene.now += timedelta(days=200)
    production.truth(rows, "forgotten", truth_of(rows))
    assert production.run()["joined"] == []


def test_a_retry_joins_nothing_again(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.call("collect_window")
    production.truth(rows, "now", truth_of(rows))
    first = production.call("join_truth")
    assert production.call("join_truth") == first
    entry = production.scene.ledger.entries("truth.joined")
    assert [each.subject for each in entry] == [f"join:{production.scene.now.isoformat()}"]
    assert entry[0].data["joined"] == first["joined"]
    assert entry[0].data["summary"] == f"{ROWS} labels known in 1 windows, 0 windows wait"


def test_truth_of_other_records_leaves_the_window_without_labels(production: Production) -> None:
    production.traffic(population(11))
    production.call("collect_window")
    strangers = population(12, first=10 * ROWS)
    production.truth(strangers, "strangers", truth_of(strangers))
    assert [each["rows"] for each in production.call("join_truth")["joined"]] == [0]
    (entry,) = production.scene.ledger.entries("truth.joined")
    assert entry.data["unknown"] == ROWS


def test_a_file_that_belongs_to_no_window_is_told_of_once(production: Production) -> None:
    rows = population(11)
    production.truth(rows, "nobodys", truth_of(rows))
    assert production.run()["joined"] == []
    production.scene.later(days=1)
    assert production.run()["joined"] == []
    (entry,) = production.scene.ledger.entries("truth.joined")
    assert entry.data["files"] == [{"drop": "nobodys", "rows": ROWS, "unknown": ROWS}]
    assert "2000 ids of new truth were in none of them" in entry.data["summary"]
    production.traffic(rows)
    assert production.run()["joined"][0]["rows"] == ROWS, "it is joined when its window comes at last"
    (file,) = production.scene.ledger.entries("truth.joined")[-1].data["files"]
    assert (file["drop"], file["before"], file["unknown"]) == ("nobodys", ROWS, 0)
    assert production.scene.ledger.entries("truth.joined")[-1].data["unknown"] == 0


def test_repeated_and_contradictory_ids_are_counted_and_the_last_word_is_unknown(production: Production) -> None:
    rows, label = population(11), truth_of(population(11))
    production.traffic(rows)
    production.truth(rows, "first", label)
    production.run()
    production.scene.later(days=14)
    ids = rows["row"][:6]
    again = {"row": np.concatenate([ids, ids[:3], [999_999]])}
    said = [*label[:6], label[0], 1 - label[1], 1 - label[2], 1]
    production.truth(again, "second", said)
    (joined,) = production.run()["joined"]
    assert (joined["rows"], joined["coverage"], joined["age_days"]) == (ROWS - 2, (ROWS - 2) / ROWS, 14)
    (file,) = production.scene.ledger.entries("truth.joined")[-1].data["files"]
    assert file == {
        "drop": "second",
        "rows": ROWS,
        "ids": 7,
        "unknown": 1,
        "repeated": 1,
        "contradictory": 2,
    }
    production.scene.later(days=1)
    production.truth({"row": ids[1:2]}, "third", label[1:2])
    assert production.run()["joined"][0]["rows"] == ROWS - 1


def test_how_long_truth_is_waited_for_is_the_specs(production: Production) -> None:
    monitoring = production.scene.spec.monitoring
    windows = monitoring.windows.model_copy(update={"truth_days": 400})
    changed = monitoring.model_copy(update={"windows": windows})
    production.scene.spec = production.scene.spec.model_copy(update={"monitoring": changed})
    rows = population(11)
    production.traffic(rows)
    production.run()
    production.scene.now += timedelta(days=300)
    production.truth(rows, "late", truth_of(rows))
    assert production.run()["joined"][0]["rows"] == ROWS


NUMBERS = """\
name: tiny
problem: regression
data:
  id: row
  label: y
  columns: {row: {type: integer}, x: {type: number}, kind: {type: string}, y: {type: number, nullable: true}}
training: {entry_point: train.py}
evaluation: {primary: rmse}
"""


def test_truth_that_is_a_number_is_joined_as_it_is(production: Production) -> None:
    production.scene.spec = parse_spec(NUMBERS)
    rows = population(11)
    production.traffic(rows)
    production.call("collect_window")
    volume = 5000.5 + rows["x"]
    production.truth(rows, "numbers", volume)
    (joined,) = production.call("join_truth")["joined"]
    assert joined["coverage"] == 1
    table = read_records(production.scene.objects, joined["uri"], ["row", "_label"])
    assert dict(zip(*(table.column(name).to_pylist() for name in ("row", "_label")), strict=True)) == dict(
        zip(rows["row"].tolist(), volume.tolist(), strict=True)
    )
