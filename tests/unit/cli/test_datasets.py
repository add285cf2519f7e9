"""`trimtab datasets`: versions that are listed, shown and made again."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli import datasets
from cli.errors import CommandError
from tests.fakes import NOON, MemoryLedger, MemoryObjects, fake_runtime
from tests.fixtures import tiny
from tests.unit.functions.test_build_dataset import accept, build
from trimtab.entrypoint import Runtime
from trimtab.errors import DataError


@dataclass
class Deployed:
    """What a stage has, in memory."""

    runtime: Runtime

    @property
    def objects(self) -> MemoryObjects:
        assert isinstance(self.runtime.objects, MemoryObjects)
        return self.runtime.objects

    def ledger(self, model: str) -> MemoryLedger:
        assert model == "tiny"
        assert isinstance(self.runtime.ledger, MemoryLedger)
        return self.runtime.ledger


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Two dataset versions: of January, and with February whose truth came later."""
    runtime, february = fake_runtime(tiny.SPEC), tiny.month(2)
    accept(runtime, "january", tiny.month(1))
    build(runtime)
    accept(runtime, "february", february.drop_columns(["failed"]))
    accept(runtime, "outcomes", february.select(["id", "failed"]), kind="truth")
    build(runtime, "run-2")
    deployed = Deployed(runtime)
    monkeypatch.setattr(datasets, "Stage", lambda name: deployed)
    return deployed


def digests(stage: Deployed) -> list[str]:
    return list(datasets.versions(stage.ledger("tiny").entries("dataset.built")))


def test_versions_are_listed_once_each(stage: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    build(stage.runtime, "run-3")
    datasets.list_datasets("tiny", as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert [(each["dataset"], each["rows_train"]) for each in listed] == list(
        zip(digests(stage), (450, 900), strict=True)
    )
    datasets.list_datasets("tiny")
    assert digests(stage)[1][:12] in capsys.readouterr().out


def test_a_version_is_shown_with_its_files_and_what_was_looked_for(
    stage: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets.show("tiny", digests(stage)[1][:10])
    shown = capsys.readouterr().out
    assert "900 rows to learn from, 2026-01-01 to" in shown
    assert "600 of s3://drops/tiny/truth/outcomes.parquet" in shown
    assert "the column that alone tells most of the label: " in shown
    datasets.show("tiny", digests(stage)[1], as_json=True)
    assert json.loads(capsys.readouterr().out)["leakage"]["refusals"] == []


def test_years_later_the_very_rows_come_of_the_files_they_were_made_of(stage: Deployed, tmp_path: Path) -> None:
    """Drops have been overwritten, truth corrected and other drops accepted since."""
    first, second = digests(stage)
    stage.objects.write("s3://drops/tiny/data/january.parquet", b"overwritten by somebody")
    flipped = tiny.month(2).select(["id"]).append_column("failed", tiny.month(3).column("failed"))
    accept(stage.runtime, "corrections", flipped, kind="truth")
    accept(stage.runtime, "march", tiny.month(3))
    assert build(stage.runtime, "run-3")["dataset"] not in (first, second)
    for digest in (first, second):
        datasets.read_dataset("tiny", digest, tmp_path / digest)
        for side in ("train", "holdout"):
            kept = stage.objects.read(f"s3://artifacts/tiny/datasets/{digest}/{side}/part.parquet")
            (tmp_path / "kept.parquet").write_bytes(kept)
            again = pq.read_table(tmp_path / digest / f"{side}.parquet")
            assert again.equals(pq.read_table(tmp_path / "kept.parquet"))


def test_one_file_says_of_each_row_on_which_side_it_was(stage: Deployed, tmp_path: Path) -> None:
    datasets.read_dataset("tiny", digests(stage)[0], tmp_path / "new" / "all.parquet")
    sides = pq.read_table(tmp_path / "new" / "all.parquet").column("split").to_pylist()
    assert sides == ["train"] * 450 + ["holdout"] * 150


def test_programs_are_told_what_was_written(
    stage: Deployed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = digests(stage)[0]
    datasets.read_dataset("tiny", digest[:9], tmp_path, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "digest": digest,
        "rows": {"train": 450, "holdout": 150},
        "files": [str(tmp_path / "train.parquet"), str(tmp_path / "holdout.parquet")],
    }


def test_a_version_of_a_file_that_is_gone_is_named(stage: Deployed, tmp_path: Path) -> None:
    stage.objects._versions.pop("s3://drops/tiny/truth/outcomes.parquet")
    with pytest.raises(FileNotFoundError, match="outcomes"):
        datasets.read_dataset("tiny", digests(stage)[1], tmp_path)


def test_a_manifest_that_was_changed_is_refused(stage: Deployed, tmp_path: Path) -> None:
    digest = digests(stage)[0]
    uri = f"s3://artifacts/tiny/datasets/{digest}/manifest.json"
    stage.objects.write(uri, stage.objects.read(uri).replace(b'"window_days":60', b'"window_days":61'))
    with pytest.raises(CommandError, match="not the manifest that the ledger names"):
        datasets.show("tiny", digest)


def test_a_digest_that_is_not_known_is_answered_with_those_that_are(stage: Deployed) -> None:
    with pytest.raises(CommandError, match=rf"no dataset version 'ffff'; there are: {digests(stage)[0][:12]}"):
        datasets.show("tiny", "ffff")


def test_truth_accepted_after_the_build_began_is_not_in_it(stage: Deployed) -> None:
    """The day counts on which it became available, not that on which the function happened to read the ledger."""
    stage.ledger("tiny").append("drop.accepted", "late", {}, NOON + timedelta(seconds=1), "accept_drop")
    assert build(stage.runtime, "run-3")["dataset"] == digests(stage)[1]


def test_a_changed_file_under_the_same_version_is_noticed(stage: Deployed, tmp_path: Path) -> None:
    uri = "s3://drops/tiny/data/january.parquet"
    (version, _), *_ = stage.objects._versions[uri]
    accept(stage.runtime, "other", tiny.month(1).slice(1))
    stage.objects._versions[uri][0] = (version, stage.objects.read("s3://drops/tiny/data/other.parquet"))
    with pytest.raises(DataError, match="not those of the manifest"):
        datasets.read_dataset("tiny", digests(stage)[0], tmp_path)
