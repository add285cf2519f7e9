"""DVC pulls a dataset version from the bucket that it was dropped in, by the versions of its files."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from cli.dvc import export_for_dvc
from cli.errors import CommandError
from cli.stage import Stage
from trimtab.aws.objects import S3ObjectStore

from ..local.conftest import LocalCloud
from .conftest import Client

BUCKET = "drops-for-dvc"


@dataclass(frozen=True)
class Bucket:
    """What an export asks of a stage."""

    objects: S3ObjectStore

    def drop(self, key: str, body: bytes) -> dict[str, Any]:
        """A source of a manifest."""
        self.objects.write(f"s3://{BUCKET}/{key}", body)
        info = self.objects.head(f"s3://{BUCKET}/{key}")
        assert info is not None
        said = {"bucket": BUCKET, "key": key, "version": info.version, "sha256": hashlib.sha256(body).hexdigest()}
        return said | {"kind": key.split("/")[1]}


@pytest.fixture(scope="module")
def bucket(cloud: LocalCloud) -> Bucket:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return Bucket(S3ObjectStore(s3))


def export(bucket: Bucket, sources: list[dict[str, Any]], out: Path) -> list[Path]:
    return export_for_dvc(cast(Stage, bucket), "tiny", "d" * 64, {"sources": sources}, out)


def test_files_are_pulled_in_the_version_that_the_dataset_was_made_of(
    bucket: Bucket, client: Callable[[str], Client], tmp_path: Path
) -> None:
    sources = [bucket.drop("tiny/data/january.parquet", b"january"), bucket.drop("tiny/truth/2026/jan.csv", b"truth")]
    bucket.drop("tiny/data/january.parquet", b"replaced since")
    written = export(bucket, sources, tmp_path)
    assert [path.name for path in written] == ["data.dvc", "truth.dvc", "config"]
    dvc = client("dvc")
    dvc.run("dvc", "--cd", str(tmp_path), "pull")
    assert (tmp_path / "data" / "january.parquet").read_bytes() == b"january"
    assert (tmp_path / "truth" / "2026" / "jan.csv").read_bytes() == b"truth"
    assert "up to date" in dvc.run("dvc", "--cd", str(tmp_path), "status")
    (tmp_path / "data" / "january.parquet").unlink()
    (tmp_path / "data" / "january.parquet").write_bytes(b"edited")
    assert "modified" in dvc.run("dvc", "--cd", str(tmp_path), "status")


def test_a_file_that_is_not_the_accepted_one_is_not_exported(bucket: Bucket, tmp_path: Path) -> None:
    forged = bucket.drop("tiny/data/forged.parquet", b"rows") | {"sha256": "0" * 64}
    with pytest.raises(CommandError, match="is not the file that was accepted"):
        export(bucket, [forged], tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_versions_of_one_name_are_refused_in_words(bucket: Bucket, tmp_path: Path) -> None:
    twice = [bucket.drop("tiny/data/again.parquet", b"one"), bucket.drop("tiny/data/again.parquet", b"two")]
    with pytest.raises(CommandError, match="dropped more than once"):
        export(bucket, twice, tmp_path)


def test_settings_that_are_there_are_left_alone(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n")
    assert [path.name for path in export(bucket, [bucket.drop("tiny/data/x.csv", b"x")], tmp_path)] == ["data.dvc"]
    assert (tmp_path / ".dvc" / "config").read_text() == "[core]\n"
