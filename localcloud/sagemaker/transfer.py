"""S3 to folders and back, with the credentials of the job's or the model's role."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.uris import join_s3_uri, split_s3_uri


class Transfer:
    """Copies between S3 and folders. Whatever S3 refuses becomes a JobFailedError with AWS's text."""

    def __init__(self, client: Any, role_arn: str, region: str) -> None:
        self._client = client
        self._role_arn = role_arn
        self._region = region

    def download_source(self, source: dict[str, Any], folder: Path) -> None:
        """Every object that an S3DataSource (S3Prefix or ManifestFile) names lies below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        if source.get("S3DataType", "S3Prefix") == "ManifestFile":
            self._download_manifest(source["S3Uri"], folder)
        else:
            self.download_prefix(source["S3Uri"], folder)

    def download_prefix(self, uri: str, folder: Path, *, may_be_empty: bool = False) -> None:
        """Every object whose key starts with the URI's key lies below `folder`, under the rest of its key."""
        bucket, prefix = split_s3_uri(uri)
        try:
            keys = list(self._keys(bucket, prefix))
            for key in keys:
                self._download(bucket, key, folder / place_of(key, prefix))
        except ClientError as error:
            _fail("Data download failed", error)
        if not keys and not may_be_empty:
            raise JobFailedError(
                f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that '
                f"the bucket exists in the selected region ({self._region}), that objects exist under that S3 prefix, "
                f'and that the role "{self._role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
            )

    def read(self, uri: str) -> bytes:
        """The content of one object."""
        bucket, key = split_s3_uri(uri)
        try:
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            _fail("Data download failed", error)

    def extract(self, uri: str, folder: Path) -> None:
        """The content of the tar archive lies in `folder`; members that would lie outside are refused."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tarfile.open(fileobj=io.BytesIO(self.read(uri))) as archive:
                archive.extractall(folder, filter="data")
        except tarfile.TarError as error:
            raise JobFailedError(f"ClientError: Unable to extract the archive {uri}: {error}") from error

    def upload_folder(self, folder: Path, uri: str, kms_key: str | None) -> None:
        """Every file below `folder` is an object below `uri`."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as body:
                self._upload(join_s3_uri(uri, path.relative_to(folder).as_posix()), body, kms_key)

    def upload_archive(self, folder: Path, uri: str, kms_key: str | None) -> None:
        """The content of `folder` is the object `uri`, a gzipped tar archive."""
        archive_path = folder.parent / f".{folder.name}.tar.gz"
        with tarfile.open(archive_path, "w:gz", compresslevel=1) as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
        with archive_path.open("rb") as body:
            self._upload(uri, body, kms_key)
        archive_path.unlink()

    def _download_manifest(self, uri: str, folder: Path) -> None:
        entries = json.loads(self.read(uri))
        prefix = entries[0]["prefix"]
        bucket, base = split_s3_uri(prefix)
        try:
            for name in entries[1:]:
                self._download(bucket, f"{base}{name}", folder / name)
        except ClientError as error:
            _fail("Data download failed", error)

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys in the order of S3; placeholders of folders are left out."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))

    def _download(self, bucket: str, key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        with path.open("wb") as file:
            shutil.copyfileobj(body, file)

    def _upload(self, uri: str, body: Any, kms_key: str | None) -> None:
        bucket, key = split_s3_uri(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            _fail("Artifact upload failed", error)


def place_of(key: str, prefix: str) -> str:
    """Where an object lies below the folder: the rest of its key after the prefix's last whole folder.

    `data/train` as the prefix gives `a.csv` for `data/train/a.csv`, and `train2/b.csv` for `data/train2/b.csv`.
    """
    if key.startswith(prefix.rstrip("/") + "/"):
        return key[len(prefix.rstrip("/")) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def _fail(what: str, error: ClientError) -> NoReturn:
    answer = error.response
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = answer["Error"].get("Code", "Unknown"), answer["Error"].get("Message", "")
    raise JobFailedError(f"ClientError: {what}:{code} ({status}): {message}") from error
