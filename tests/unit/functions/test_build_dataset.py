"""build_dataset as the training machine calls it."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.build_dataset.handler import BuildDatasetEvent, handler
from tests.fakes import NOON, MemoryObjects, fake_runtime
from tests.fixtures import tiny
from trimtab.data.profile import Profile
from trimtab.entrypoint import Runtime


@pytest.fixture
def runtime() -> Runtime:
    return fake_runtime(tiny.SPEC)


def accept(runtime: Runtime, name: str, table: pa.Table, kind: str = "data") -> None:
    """A file was dropped and accepted."""
    packed, uri = io.BytesIO(), f"s3://drops/tiny/{kind}/{name}.parquet"
    pq.write_table(table, packed)
    runtime.objects.write(uri, packed.getvalue())
    info = runtime.objects.head(uri)
    times = table.column("at").to_pylist() if "at" in table.column_names else []
    data = {
        "kind": kind,
        "uri": uri,
        "version": info.version if info else "",
        "sha256": name,
        "rows": table.num_rows,
        "period": {"start": times[0].isoformat(), "end": times[-1].isoformat()} if times else None,
    }
    runtime.ledger.append("drop.accepted", name, data, NOON, "accept_drop")


def build(runtime: Runtime, run: str = "run-1") -> dict[str, object]:
    return handler.call(BuildDatasetEvent(model="tiny", at=NOON, run=run), runtime)


def read(runtime: Runtime, uri: object) -> pa.Table:
    return pq.read_table(io.BytesIO(runtime.objects.read(f"{uri}part.parquet")))


def test_a_labelled_drop_becomes_a_stored_dataset(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    found = build(runtime)
    assert (found["ready"], found["rows_train"], found["rows_holdout"], found["champion"]) == (True, 450, 150, None)
    assert read(runtime, found["train_uri"]).num_rows == 450
    assert read(runtime, found["holdout_uri"]).num_rows == 150
    manifest = json.loads(runtime.objects.read(str(found["manifest_uri"])))
    assert manifest["sources"][0]["version"] == "v1"
    assert str(found["manifest_uri"]) == f"s3://artifacts/tiny/datasets/{found['dataset']}/manifest.json"


def test_the_baseline_profile_is_of_the_training_rows_features(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    profile = Profile.loads(runtime.objects.read(str(build(runtime)["baseline_uri"])))
    assert profile.rows == 450
    assert set(profile.columns) == {"load", "heat", "age", "site"}


def test_truth_joins_the_month_it_belongs_to(runtime: Runtime) -> None:
    february = tiny.month(2)
    accept(runtime, "february", february.drop_columns(["failed"]))
    assert build(runtime) == {
        **build(runtime),
        "ready": False,
        "reason": "no accepted drop has a labelled row yet",
    }
    accept(runtime, "outcomes", february.select(["id", "failed"]), kind="truth")
    assert build(runtime)["ready"]


def test_exactly_the_accepted_version_is_read(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    runtime.objects.write("s3://drops/tiny/data/january.parquet", b"overwritten by somebody")
    assert build(runtime)["ready"]


def test_a_retry_gives_the_first_attempt_s_dataset(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    first = build(runtime)
    accept(runtime, "february", tiny.month(2))
    assert build(runtime) == first
    assert build(runtime, "run-2")["dataset"] != first["dataset"]


def test_nothing_new_is_not_trained_on_again_unless_a_person_asks(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    first = build(runtime)
    judged = {"run": "run-1", "dataset": first["dataset"], "code_uri": runtime.settings.code_uri}
    runtime.ledger.append("candidate.judged", "run-1", {}, NOON, "judge_candidate", state={"last_run": judged})
    again = build(runtime, "run-2")
    assert (again["ready"], str(again["reason"])[:30]) == (
        False,
        "nothing new since dataset " + str(first["dataset"])[:4],
    )
    runtime.ledger.append("training.leased", "run-2", {"cause": "person"}, NOON, "lease_training")
    assert build(runtime, "run-2")["dataset"] == first["dataset"]


def test_new_code_is_reason_enough(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    judged = {"run": "run-1", "dataset": build(runtime)["dataset"], "code_uri": "s3://assets/older.tar.gz"}
    runtime.ledger.append("candidate.judged", "run-1", {}, NOON, "judge_candidate", state={"last_run": judged})
    assert build(runtime, "run-2")["ready"]


def test_the_champion_is_named_for_the_evaluation(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    champion = {"version": 3, "package_arn": "arn", "artifact_uri": "s3://artifacts/m.tar.gz", "config": "c"}
    runtime.ledger.append("rollout.serving", "p", {}, NOON, "confirm_serving", state={"champion": champion})
    assert build(runtime)["champion"] == champion


def test_the_same_files_in_another_bucket_object_give_the_same_rows() -> None:
    digests = set()
    for _ in range(2):
        runtime = fake_runtime(tiny.SPEC, objects=MemoryObjects())
        accept(runtime, "january", tiny.month(1))
        digests.add(build(runtime)["dataset"])
    assert len(digests) == 1


def test_a_resumed_run_has_its_first_data_and_the_champion_of_today(runtime: Runtime) -> None:
    accept(runtime, "january", tiny.month(1))
    before = build(runtime)
    accept(runtime, "february", tiny.month(2))
    champion = {"version": 4, "package_arn": "arn", "artifact_uri": "s3://artifacts/other.tar.gz", "config": "c"}
    runtime.ledger.append("rollout.serving", "4", {}, NOON, "confirm_serving", state={"champion": champion})
    after = build(runtime)
    assert after["dataset"] == before["dataset"]
    assert (before["champion"], after["champion"]) == (None, champion)
