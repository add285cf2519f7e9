"""store_features as the features machine calls it, round after round."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.store_features.handler import LEASE, StoreFeaturesEvent, store
from tests.fakes import NOON, fake_runtime
from tests.fixtures import tiny
from tests.unit.functions.stored_records import MemoryFeatureStore
from trimtab.entrypoint import Runtime
from trimtab.errors import FeatureStoreBusy, LedgerConflict
from trimtab.feature_store import storing
from trimtab.feature_store.records import request_of
from trimtab.ledger.kinds import FEATURES_STORED
from trimtab.spec.stored import ACCEPTED, feature_group

GROUP = feature_group("trimtab-test-tiny", tiny.SPEC)


class Busy(MemoryFeatureStore):
    def put(self, group: str, records: Sequence[Mapping[str, str]]) -> None:
        raise FeatureStoreBusy("come back later")


@pytest.fixture
def runtime() -> Runtime:
    return fake_runtime(tiny.SPEC)


@pytest.fixture
def features() -> MemoryFeatureStore:
    return MemoryFeatureStore("id", "at")


def accept(runtime: Runtime, name: str, table: pa.Table, kind: str = "data") -> None:
    """A file was dropped and accepted."""
    packed, uri = io.BytesIO(), f"s3://drops/tiny/{kind}/{name}.parquet"
    pq.write_table(table, packed)
    runtime.objects.write(uri, packed.getvalue())
    info = runtime.objects.head(uri)
    said = {"kind": kind, "uri": uri, "version": info.version if info else "", "sha256": name, "rows": len(table)}
    runtime.ledger.append("drop.accepted", name, said, NOON, "accept_drop")


def rounds(runtime: Runtime, features: MemoryFeatureStore, most: int = 20) -> list[dict[str, Any]]:
    """What each round of one execution answers."""
    said: list[dict[str, Any]] = [{}]
    while said[-1].get("more", True) and len(said) <= most:
        event = StoreFeaturesEvent(model="tiny", at=NOON, execution="e1", progress=said[-1])
        said.append(store(event, runtime, features))
    return said[1:]


def test_every_accepted_row_becomes_a_record_and_gives_back_what_a_request_holds(
    runtime: Runtime, features: MemoryFeatureStore
) -> None:
    table = tiny.month(1)
    accept(runtime, "january", table)
    assert not rounds(runtime, features)[-1]["more"]
    for row in table.to_pylist():
        record = request_of(features.online[GROUP][str(row["id"])], tiny.SPEC)
        at = row["at"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
        assert record == {name: row[name] for name in ("id", "load", "heat", "age", "site")} | {"at": at}


def test_labels_are_never_stored(runtime: Runtime, features: MemoryFeatureStore) -> None:
    accept(runtime, "january", tiny.month(1))
    accept(runtime, "outcomes", tiny.month(1).select(["id", "failed"]), kind="truth")
    rounds(runtime, features)
    assert set().union(*features.written) == {"id", "at", "load", "heat", "age", "site", ACCEPTED}
    assert len(features.written) == 600


def test_a_large_drop_is_stored_in_rounds_and_a_round_that_is_repeated_changes_nothing(
    runtime: Runtime, features: MemoryFeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing.Storing.advance, "__defaults__", (250,))
    accept(runtime, "january", tiny.month(1))
    said = rounds(runtime, features)
    assert [each["position"] for each in said] == [250, 500, 600, 0]
    held = dict(features.online[GROUP])
    again = StoreFeaturesEvent(model="tiny", at=NOON, execution="e1", progress=said[0])
    runtime.ledger.rows.clear()  # type: ignore[attr-defined]  # as it was before the drop was noted as stored
    accept(runtime, "january", tiny.month(1))
    store(again, runtime, features)
    assert features.online[GROUP] == held


def test_the_ledger_says_what_is_stored_and_it_is_not_stored_twice(
    runtime: Runtime, features: MemoryFeatureStore
) -> None:
    accept(runtime, "january", tiny.month(1))
    rounds(runtime, features)
    (entry,) = runtime.ledger.entries(FEATURES_STORED)
    assert (entry.subject, entry.data["records"], entry.data["skipped"]) == (GROUP, 600, 0)
    rounds(runtime, features)
    assert len(features.written) == 600


def test_drops_go_in_as_they_were_accepted_and_those_from_before_the_store_too(
    runtime: Runtime, features: MemoryFeatureStore
) -> None:
    first = tiny.month(1, rows=150)
    corrected = first.set_column(2, "load", pa.array([7.0] * 150))
    accept(runtime, "january", first)
    accept(runtime, "january-corrected", corrected)
    rounds(runtime, features)
    assert {record["load"] for record in features.online[GROUP].values()} == {"7.0"}
    assert [int(record[ACCEPTED]) for record in features.written] == [1] * 150 + [2] * 150


def test_rows_without_event_time_are_left_out_and_counted(runtime: Runtime, features: MemoryFeatureStore) -> None:
    table = tiny.month(1, rows=150)
    times = pa.array([None, *table.column("at").to_pylist()[1:]], table.schema.field("at").type)
    accept(runtime, "january", table.set_column(1, "at", times))
    rounds(runtime, features)
    (entry,) = runtime.ledger.entries(FEATURES_STORED)
    assert (entry.data["records"], entry.data["skipped"]) == (149, 1)


def test_one_execution_stores_at_a_time(runtime: Runtime, features: MemoryFeatureStore) -> None:
    accept(runtime, "january", tiny.month(1))
    runtime.ledger.lease(LEASE, "another", NOON, 60)
    with pytest.raises(LedgerConflict, match="waited for"):
        rounds(runtime, features)
    assert features.written == []


def test_a_round_that_fails_hinders_nobody(runtime: Runtime, features: MemoryFeatureStore) -> None:
    accept(runtime, "january", tiny.month(1))
    with pytest.raises(FeatureStoreBusy):
        store(StoreFeaturesEvent(model="tiny", at=NOON, execution="e0"), runtime, Busy("id", "at"))
    assert not rounds(runtime, features)[-1]["more"]
    assert len(features.written) == 600
