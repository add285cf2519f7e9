"""The ObjectStore contract, on S3 and on the fake."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.stub import Stubber

from tests.fakes import MemoryObjects
from trimtab.aws import objects
from trimtab.aws.objects import S3ObjectStore, split_uri
from trimtab.errors import KeyUnusable
from trimtab.ports import ObjectStore


@pytest.fixture(params=["s3", "memory"])
def store(request: pytest.FixtureRequest, aws: None) -> Iterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryObjects()
        return
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="drops")
    s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
    yield S3ObjectStore(s3)


def test_a_version_keeps_its_bytes_after_an_overwrite(store: ObjectStore) -> None:
    store.write("s3://drops/k", b"old")
    first = store.head("s3://drops/k")
    assert first is not None
    store.write("s3://drops/k", b"newer")
    assert store.read("s3://drops/k", first.version) == b"old"
    assert store.read("s3://drops/k") == b"newer"
    assert store.open("s3://drops/k", first.version).read() == b"old"


def test_a_deleted_object_is_gone_but_its_version_is_not(store: ObjectStore) -> None:
    store.write("s3://drops/k", b"kept")
    version = store.head("s3://drops/k")
    assert version is not None
    store.delete("s3://drops/k")
    assert store.head("s3://drops/k") is None
    with pytest.raises(FileNotFoundError):
        store.read("s3://drops/k")
    assert store.read("s3://drops/k", version.version) == b"kept"


@pytest.mark.parametrize("act", ["read", "open", "copy"])
def test_what_was_never_there_is_not_found(store: ObjectStore, act: str) -> None:
    arguments = ("s3://drops/none", "s3://drops/to") if act == "copy" else ("s3://drops/none",)
    with pytest.raises(FileNotFoundError, match="none"):
        getattr(store, act)(*arguments)


def test_a_reader_seeks_from_both_ends(store: ObjectStore) -> None:
    store.write("s3://drops/k", bytes(range(100)))
    with store.open("s3://drops/k") as reader:
        reader.seek(-4, 2)
        assert reader.read() == bytes([96, 97, 98, 99])
        reader.seek(10)
        assert reader.read(2) == bytes([10, 11])
        assert reader.tell() == 12


def test_listing_is_by_key_and_can_start_after_one(store: ObjectStore) -> None:
    for name in ("p/b", "p/a", "q/x", "p/c"):
        store.write(f"s3://drops/{name}", b"1")
    assert [item.key for item in store.list("s3://drops/p/")] == ["p/a", "p/b", "p/c"]
    assert [item.key for item in store.list("s3://drops/p/", after="s3://drops/p/a")] == ["p/b", "p/c"]


def test_files_go_up_and_come_down(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"content")
    store.upload("s3://drops/file", tmp_path / "up")
    store.copy("s3://drops/file", "s3://drops/copy")
    store.download("s3://drops/copy", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"content"


@pytest.mark.parametrize("uri", ["", "b/k", "http://b/k", "s3://"])
def test_only_s3_addresses_are_taken(uri: str) -> None:
    with pytest.raises(ValueError, match="not an s3://"):
        split_uri(uri)


@pytest.fixture
def s3(aws: None) -> Any:
    client = boto3.client("s3")
    client.create_bucket(Bucket="drops")
    client.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
    return client


def test_the_sha_256_that_s3_has_of_a_whole_object_is_told(s3: Any) -> None:
    store = S3ObjectStore(s3)
    version = s3.put_object(Bucket="drops", Key="k", Body=b"abc", ChecksumAlgorithm="SHA256")["VersionId"]
    s3.put_object(Bucket="drops", Key="k", Body=b"without")
    assert store.sha256("s3://drops/k", version) == hashlib.sha256(b"abc").hexdigest()
    assert store.sha256("s3://drops/k") is None
    assert store.sha256("s3://drops/none") is None


def test_the_digest_of_an_upload_in_parts_is_not_taken_for_that_of_its_bytes(s3: Any) -> None:
    parts = TransferConfig(multipart_threshold=6 * 2**20, multipart_chunksize=5 * 2**20)
    body = io.BytesIO(b"x" * (11 * 2**20))
    s3.upload_fileobj(body, "drops", "k", ExtraArgs={"ChecksumAlgorithm": "SHA256"}, Config=parts)
    assert S3ObjectStore(s3).sha256("s3://drops/k") is None


def test_a_large_object_is_copied_in_parts(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"multipart_threshold": 6 * 2**20, "multipart_chunksize": 5 * 2**20}
    monkeypatch.setattr(objects, "_COPYING", parts)
    body = bytes(range(256)) * (11 * 2**12)
    version = s3.put_object(Bucket="drops", Key="k", Body=body)["VersionId"]
    s3.put_object(Bucket="drops", Key="k", Body=b"newer")
    store = S3ObjectStore(s3)
    store.copy("s3://drops/k", "s3://drops/copy", version)
    assert store.read("s3://drops/copy") == body
    assert "-" in s3.head_object(Bucket="drops", Key="copy")["ETag"], "a tag of an upload in parts"


def test_an_object_behind_a_closed_key_is_told_with_what_helps() -> None:
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    told = {"service_error_code": "KMS.DisabledException", "service_message": "arn:key is disabled."}
    with Stubber(s3) as stub:
        stub.add_client_error("put_object", **told)
        stub.add_client_error("get_object", **told)
        with pytest.raises(KeyUnusable, match="s3://drops/k: arn:key is disabled"):
            S3ObjectStore(s3).write("s3://drops/k", b"new")
        with pytest.raises(KeyUnusable, match="aws kms enable-key"):
            S3ObjectStore(s3).read("s3://drops/k")
