"""S3 to folders and back, with the credentials of the job's or the model's role."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.service import Region
from localcloud.sagemaker.untar import extract
from localcloud.sagemaker.uris import join_s3_uri, split_s3_uri


class Transfer:
    """Copies between S3 and folders. Whatever S3 refuses becomes a JobFailedError with AWS's text."""

    def __init__(self, region: Region, role_arn: str, source_arn: str) -> None:
        """SageMaker acts as `role_arn` for the resource `source_arn`. Raises JobFailedError when it may not."""
        self._region = region
        self._role_arn = role_arn
        self._source_arn = source_arn
        try:
            region.credentials(role_arn, source_arn)
        except ClientError as error:
            raise JobFailedError(f"ClientError: Could not assume role {role_arn}: {error}") from error

    @property
    def _client(self) -> Any:
        """A client whose keys do not expire within the next minute."""
        return self._region.client(self._role_arn, "s3", self._source_arn)

    def download_source(self, source: dict[str, Any], folder: Path, host: tuple[int, int] = (0, 1)) -> None:
        """What an S3DataSource or S3Input gives to this host (its index, their number) lies below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        index, hosts = host
        step = hosts if source.get("S3DataDistributionType") == "ShardedByS3Key" else 1
        places = list(self.places(source))
        for bucket, key, place in places[index % step :: step]:
            self.download(bucket, key, folder / place)
        if not places:
            self._fail_without_objects(source["S3Uri"])

    def download_prefix(self, uri: str, folder: Path) -> None:
        """Every object whose key starts with the URI's key lies below `folder`, if there are any."""
        for bucket, key, place in self.places({"S3Uri": uri}):
            self.download(bucket, key, folder / place)

    def places(self, source: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Bucket, key and relative path of every object that an S3Prefix or a ManifestFile names."""
        uri, is_manifest = source["S3Uri"], source.get("S3DataType", "S3Prefix") == "ManifestFile"
        if is_manifest:
            first, *names = json.loads(self.read(uri))
            bucket, base = split_s3_uri(first["prefix"])
            yield from ((bucket, f"{base}{name}", name) for name in names)
            return
        bucket, prefix = split_s3_uri(uri)
        try:
            yield from ((bucket, key, place_of(key, prefix)) for key in list(self._keys(bucket, prefix)))
        except ClientError as error:
            _fail("Data download failed", error)

    def _fail_without_objects(self, uri: str) -> NoReturn:
        bucket, _ = split_s3_uri(uri)
        raise JobFailedError(
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that '
            f"the bucket exists in the selected region ({self._region.name}), that objects exist under that S3 prefix, "
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
                extract(archive, folder)
        except tarfile.TarError as error:
            raise JobFailedError(f"ClientError: Unable to extract the archive {uri}: {error}") from error

    def upload_folder(self, folder: Path, uri: str, kms_key: str | None) -> None:
        """Every file below `folder` is an object below `uri`."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as body:
                self.upload(join_s3_uri(uri, path.relative_to(folder).as_posix()), body, kms_key)

    def upload_archive(self, folder: Path, uri: str, kms_key: str | None) -> None:
        """The content of `folder` is the object `uri`, a gzipped tar archive."""
        archive_path = folder.parent / f".{folder.name}.tar.gz"
        with tarfile.open(archive_path, "w:gz", compresslevel=1) as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
        with archive_path.open("rb") as body:
            self.upload(uri, body, kms_key)
        archive_path.unlink()

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys in the order of S3; placeholders of folders are left out."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))

    def download(self, bucket: str, key: str, path: Path) -> None:
        """The object is the file `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            with path.open("wb") as file:
                shutil.copyfileobj(body, file)
        except ClientError as error:
            _fail("Data download failed", error)

    def upload(self, uri: str, body: Any, kms_key: str | None) -> None:
        """The object `uri` has the content `body`."""
        bucket, key = split_s3_uri(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            _fail("Artifact upload failed", error)


class FolderSync:
    """Folders (one for each host) whose files are kept below an S3 prefix while a program writes them."""

    def __init__(self, transfer: Transfer, folders: list[Path], uri: str, kms_key: str | None) -> None:
        self._transfer = transfer
        self._folders = folders
        self._uri = uri
        self._key = kms_key
        self._known: dict[Path, tuple[int, int]] = {}

    def download(self) -> None:
        """The folders hold what is in S3, and that counts as uploaded."""
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            self._transfer.download_prefix(self._uri, folder)
            self._known.update((path, mark) for path, mark, _ in self._files(folder))

    def upload(self) -> None:
        """Files that are new or have changed are in S3, the one changed last at the end."""
        for folder in self._folders:
            changed = [each for each in self._files(folder) if self._known.get(each[0]) != each[1]]
            for path, mark, name in sorted(changed, key=lambda each: each[1]):
                try:
                    body = path.read_bytes()
                except FileNotFoundError:  # replaced or removed by the program since
                    continue
                self._transfer.upload(join_s3_uri(self._uri, name), body, self._key)
                self._known[path] = mark

    def _files(self, folder: Path) -> Iterator[tuple[Path, tuple[int, int], str]]:
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                if path.is_file():
                    yield path, (found.st_mtime_ns, found.st_size), path.relative_to(folder).as_posix()


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
