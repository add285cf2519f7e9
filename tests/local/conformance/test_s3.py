"""S3: checksums, conditions, versions, locks, policies, parts and presigned URLs."""

import base64
import binascii
import hashlib
import json
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from .account import Account, allow
from .identities import code_of

pytestmark = pytest.mark.s3

BODY = b"123456789"  # the check value of every CRC is published for these nine bytes
CHECKSUMS = {
    "CRC32": base64.b64encode(0xCBF43926.to_bytes(4, "big")).decode(),
    "CRC32C": base64.b64encode(0xE3069283.to_bytes(4, "big")).decode(),
    "CRC64NVME": base64.b64encode(0xAE8B14860A799888.to_bytes(8, "big")).decode(),
    "SHA1": base64.b64encode(hashlib.sha1(BODY).digest()).decode(),
    "SHA256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
}
PART = b"p" * (5 * 1024 * 1024)


@pytest.fixture
def bucket(account: Account) -> str:
    return account.bucket()


@pytest.fixture
def versioned(account: Account, bucket: str) -> str:
    account.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


# checksums -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_the_right_checksum_is_kept_and_given_back(account: Account, bucket: str, algorithm: str) -> None:
    s3 = account.client("s3")
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, **{f"Checksum{algorithm}": CHECKSUMS[algorithm]})
    assert put[f"Checksum{algorithm}"] == CHECKSUMS[algorithm]
    head = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == CHECKSUMS[algorithm]


@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_a_wrong_checksum_is_refused_and_nothing_is_written(account: Account, bucket: str, algorithm: str) -> None:
    s3, wrong = account.client("s3"), {f"Checksum{algorithm}": CHECKSUMS[algorithm]}
    assert code_of(s3.put_object, Bucket=bucket, Key="a", Body=b"other", **wrong) == "BadDigest"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_the_checksum_in_the_trailer_of_a_chunked_upload_is_checked(account: Account, bucket: str) -> None:
    right = base64.b64encode(binascii.crc32(BODY).to_bytes(4, "big")).decode()
    wrong = base64.b64encode(binascii.crc32(b"other").to_bytes(4, "big")).decode()
    assert _upload_in_chunks(account, bucket, right) == 200
    assert _upload_in_chunks(account, bucket, wrong) == 400
    assert account.client("s3").get_object(Bucket=bucket, Key="chunked")["Body"].read() == BODY


class _TrailingAuth(S3SigV4Auth):  # type: ignore[misc]  # botocore has no type information
    def payload(self, request: Any) -> str:
        return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def _upload_in_chunks(account: Account, bucket: str, checksum: str) -> int:
    """The status of an upload whose checksum comes after its only chunk."""
    body = b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (len(BODY), BODY, checksum.encode())
    headers = {
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": str(len(BODY)),
        "X-Amz-Trailer": "x-amz-checksum-crc32",
    }
    s3 = _presigning(account)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "chunked"}).partition("?")[0]
    request = AWSRequest("PUT", url, headers=headers, data=body)
    _TrailingAuth(s3._request_signer._credentials, "s3", account.region).add_auth(request)
    return fetch(url, "PUT", body, **request.headers)[0]


def test_a_wrong_content_md5_is_refused(account: Account, bucket: str) -> None:
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    s3 = account.client("s3")
    assert code_of(s3.put_object, Bucket=bucket, Key="a", Body=BODY, ContentMD5=md5) == "BadDigest"
    assert code_of(s3.put_object, Bucket=bucket, Key="a", Body=BODY, ContentMD5="bad") == "InvalidDigest"


def test_a_part_with_a_wrong_checksum_is_refused(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a", ChecksumAlgorithm="SHA256")["UploadId"]
    part = {"Bucket": bucket, "Key": "a", "UploadId": upload, "PartNumber": 1, "Body": BODY}
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert code_of(s3.upload_part, **part, ChecksumSHA256=wrong) == "BadDigest"
    assert s3.upload_part(**part, ChecksumSHA256=CHECKSUMS["SHA256"])["ChecksumSHA256"] == CHECKSUMS["SHA256"]
    s3.abort_multipart_upload(Bucket=bucket, Key="a", UploadId=upload)


def test_the_checksum_that_clients_send_by_themselves_is_kept(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    assert s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")["ChecksumCRC32"] == CHECKSUMS["CRC32"]


def test_a_copy_keeps_the_checksum(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumSHA256=CHECKSUMS["SHA256"])
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    assert s3.head_object(Bucket=bucket, Key="b", ChecksumMode="ENABLED")["ChecksumSHA256"] == CHECKSUMS["SHA256"]


# conditions ----------------------------------------------------------------------------------------------------------


def test_an_object_is_written_once_with_if_none_match(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    assert code_of(s3.put_object, Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    s3.delete_object(Bucket=bucket, Key="a")
    s3.put_object(Bucket=bucket, Key="a", Body=b"3", IfNoneMatch="*")


def test_an_object_is_replaced_only_if_it_is_the_one_expected(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfMatch=etag)
    assert code_of(s3.put_object, Bucket=bucket, Key="a", Body=b"3", IfMatch=etag) == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="none", Body=b"3", IfMatch=etag) == "NoSuchKey"


def test_reads_are_conditional_on_etag_and_time(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["ETag"]
    get = {"Bucket": bucket, "Key": "a"}
    written = s3.head_object(**get)["LastModified"]
    assert s3.get_object(**get, IfMatch=etag)["Body"].read() == b"1"
    assert code_of(s3.get_object, **get, IfMatch='"other"') == "PreconditionFailed"
    assert code_of(s3.get_object, **get, IfNoneMatch=etag) == "304"
    assert code_of(s3.head_object, **get, IfModifiedSince=written) == "304"
    assert code_of(s3.head_object, **get, IfMatch='"other"') == "412"


def test_an_upload_in_parts_is_written_once_with_if_none_match(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    names = {"Bucket": bucket, "Key": "a", "UploadId": upload}
    etag = s3.upload_part(**names, PartNumber=1, Body=BODY)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    code = code_of(s3.complete_multipart_upload, **names, MultipartUpload=parts, IfNoneMatch="*")
    assert code == "PreconditionFailed"
    s3.abort_multipart_upload(**names)


# versions ------------------------------------------------------------------------------------------------------------


def test_every_version_can_be_read_until_it_is_deleted_by_its_id(account: Account, versioned: str) -> None:
    s3 = account.client("s3")
    first, second = (s3.put_object(Bucket=versioned, Key="a", Body=body)["VersionId"] for body in (b"1", b"2"))
    assert first != second
    assert s3.get_object(Bucket=versioned, Key="a", VersionId=first)["Body"].read() == b"1"
    marker = s3.delete_object(Bucket=versioned, Key="a")
    assert marker["DeleteMarker"]
    assert code_of(s3.get_object, Bucket=versioned, Key="a") == "NoSuchKey"
    assert s3.get_object(Bucket=versioned, Key="a", VersionId=second)["Body"].read() == b"2"
    s3.delete_object(Bucket=versioned, Key="a", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=versioned, Key="a")["Body"].read() == b"2"
    s3.delete_object(Bucket=versioned, Key="a", VersionId=second)
    assert s3.get_object(Bucket=versioned, Key="a")["Body"].read() == b"1"
    missing = code_of(s3.get_object, Bucket=versioned, Key="a", VersionId=second)
    assert missing == "NoSuchVersion"


def test_a_bucket_without_versions_has_no_version_ids(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert "VersionId" not in s3.get_object(Bucket=bucket, Key="a")


# locks ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(account: Account) -> str:
    return account.bucket(ObjectLockEnabledForBucket=True)


def test_governance_yields_only_to_those_who_may_bypass_it(account: Account, locked: str) -> None:
    s3 = account.client("s3")
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": account.now() + timedelta(seconds=3600)}
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1", **lock)["VersionId"]
    target = {"Bucket": locked, "Key": "a", "VersionId": version}
    assert code_of(s3.delete_object, **target) == "AccessDenied"
    weak = account.as_role("s3", allow("s3:DeleteObject*"))
    assert code_of(weak.delete_object, **target, BypassGovernanceRetention=True) == "AccessDenied"
    s3.delete_object(**target, BypassGovernanceRetention=True)


def test_a_legal_hold_keeps_a_version_until_it_is_lifted(account: Account, locked: str) -> None:
    s3 = account.client("s3")
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1", ObjectLockLegalHoldStatus="ON")["VersionId"]
    target = {"Bucket": locked, "Key": "a", "VersionId": version}
    assert s3.head_object(**target)["ObjectLockLegalHoldStatus"] == "ON"
    assert code_of(s3.delete_object, **target, BypassGovernanceRetention=True) == "AccessDenied"
    s3.put_object_legal_hold(**target, LegalHold={"Status": "OFF"})
    s3.delete_object(**target)


def test_compliance_yields_to_nobody_and_is_only_made_longer(account: Account, locked: str) -> None:
    s3 = account.client("s3")
    # Two minutes: an account keeps the object as long, and the bucket with it.
    mode = "COMPLIANCE" if account.local is not None else "GOVERNANCE"
    retention = {"Mode": mode, "RetainUntilDate": account.now() + timedelta(seconds=120)}
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1")["VersionId"]
    target = {"Bucket": locked, "Key": "a", "VersionId": version}
    s3.put_object_retention(**target, Retention=retention)
    shorter = {"Mode": mode, "RetainUntilDate": account.now() + timedelta(seconds=60)}
    assert code_of(s3.put_object_retention, **target, Retention=shorter) == "AccessDenied"
    s3.put_object_retention(
        **target, Retention={"Mode": mode, "RetainUntilDate": account.now() + timedelta(seconds=180)}
    )
    assert code_of(s3.delete_object, **target) == "AccessDenied"
    if mode == "COMPLIANCE":
        assert code_of(s3.delete_object, **target, BypassGovernanceRetention=True) == "AccessDenied"
        account.pass_time(200)
        s3.delete_object(**target)
    else:
        s3.delete_object(**target, BypassGovernanceRetention=True)


def test_the_lock_of_the_bucket_holds_for_new_objects(account: Account, locked: str) -> None:
    s3 = account.client("s3")
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    version = s3.put_object(Bucket=locked, Key="a", Body=b"1")["VersionId"]
    assert s3.get_object_retention(Bucket=locked, Key="a")["Retention"]["Mode"] == "GOVERNANCE"
    assert code_of(s3.delete_object, Bucket=locked, Key="a", VersionId=version) == "AccessDenied"
    s3.delete_object(Bucket=locked, Key="a", VersionId=version, BypassGovernanceRetention=True)


def test_a_batch_deletes_what_it_may_and_reports_the_rest(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    for key in ("in/a", "out/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    limited = account.as_role("s3", allow("s3:DeleteObject", on=f"arn:aws:s3:::{bucket}/in/*"))
    said = limited.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/a"}, {"Key": "out/a"}]})
    assert [one["Key"] for one in said["Deleted"]] == ["in/a"]
    assert [(one["Key"], one["Code"]) for one in said["Errors"]] == [("out/a", "AccessDenied")]
    assert s3.get_object(Bucket=bucket, Key="out/a")["Body"].read() == b"1"


def test_a_copy_needs_to_read_its_source(account: Account, bucket: str) -> None:
    account.client("s3").put_object(Bucket=bucket, Key="in/a", Body=b"1")
    copy = {"Bucket": bucket, "Key": "out/a", "CopySource": {"Bucket": bucket, "Key": "in/a"}}
    writing = allow("s3:PutObject", on=f"arn:aws:s3:::{bucket}/*")
    assert code_of(account.as_role("s3", writing).copy_object, **copy) == "AccessDenied"
    reading = allow("s3:GetObject", "s3:GetObjectTagging", on=f"arn:aws:s3:::{bucket}/in/*")
    account.as_role("s3", writing, reading).copy_object(**copy)


def test_parts_are_put_together_in_order(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a", Metadata={"made-by": "parts"})["UploadId"]
    names = {"Bucket": bucket, "Key": "a", "UploadId": upload}
    last = s3.upload_part(**names, PartNumber=2, Body=b"end")["ETag"]
    first = s3.upload_part(**names, PartNumber=1, Body=PART)["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": last}]
    backwards = {"Parts": parts[::-1]}
    assert code_of(s3.complete_multipart_upload, **names, MultipartUpload=backwards) == "InvalidPartOrder"
    wrong = {"Parts": [parts[0], {"PartNumber": 2, "ETag": first}]}
    assert code_of(s3.complete_multipart_upload, **names, MultipartUpload=wrong) == "InvalidPart"
    whole = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(part).digest() for part in (PART, b"end"))
    assert whole["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Metadata"] == {"made-by": "parts"}
    assert got["Body"].read() == PART + b"end"


def test_every_part_but_the_last_has_five_megabytes(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    names = {"Bucket": bucket, "Key": "a", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**names, PartNumber=number, Body=b"x")["ETag"]}
        for number in (1, 2)
    ]
    assert code_of(s3.complete_multipart_upload, **names, MultipartUpload={"Parts": parts}) == "EntityTooSmall"
    s3.abort_multipart_upload(**names)
    assert code_of(s3.upload_part, **names, PartNumber=1, Body=b"x") == "NoSuchUpload"


def put_policy(account: Account, bucket: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    account.later(account.client("s3").delete_bucket_policy, Bucket=bucket)


def test_a_bucket_policy_can_insist_that_objects_are_written_once(account: Account, bucket: str) -> None:
    once = {"Null": {"s3:if-none-match": "true"}}
    resource = f"arn:aws:s3:::{bucket}/models/*"
    put_policy(
        account,
        bucket,
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": resource, "Condition": once},
    )
    s3 = account.as_role("s3", allow("s3:PutObject", on=f"arn:aws:s3:::{bucket}/*"))
    assert code_of(s3.put_object, Bucket=bucket, Key="models/a", Body=b"1") == "AccessDenied"
    s3.put_object(Bucket=bucket, Key="models/a", Body=b"1", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="other", Body=b"1")


def test_a_bucket_policy_can_insist_on_tls(account: Account, bucket: str) -> None:
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    put_policy(
        account,
        bucket,
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources, "Condition": insecure},
    )
    account.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    assert account.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


# presigned URLs ------------------------------------------------------------------------------------------------------


def fetch(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return int(error.code), error.read()


def _presigning(account: Account) -> Any:
    """A client that signs version 4; boto3's own choice for a presigned URL is the older one."""
    made: Any = boto3.client
    if account.local is None:
        return made("s3", account.region, config=Config(signature_version="s3v4"))
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    names = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return made("s3", account.region, endpoint_url=account.local.endpoint, config=config, **names)


def test_a_presigned_url_gives_what_was_signed_and_nothing_else(account: Account, bucket: str) -> None:
    s3 = _presigning(account)
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=BODY)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/ü"})
    assert fetch(url) == (200, BODY)
    status, said = fetch(url, "PUT", b"other")
    assert (status, b"SignatureDoesNotMatch" in said) == (403, True)
    status, said = fetch(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"))
    assert (status, b"SignatureDoesNotMatch" in said) == (403, True)
    assert fetch(url.replace("/a%20b/", "/c%20d/"))[0] == 403


def test_a_presigned_url_uploads(account: Account, bucket: str) -> None:
    s3 = _presigning(account)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"})
    assert fetch(url, "PUT", BODY)[0] == 200
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == BODY


def test_a_presigned_url_expires(account: Account, bucket: str) -> None:
    s3 = _presigning(account)
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=30)
    assert fetch(url)[0] == 200
    account.pass_time(31)
    status, said = fetch(url)
    assert (status, b"Request has expired" in said) == (403, True)


def test_an_url_that_nobody_signed_opens_nothing(account: Account, bucket: str) -> None:
    s3 = _presigning(account)
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    assert fetch(url.partition("?")[0])[0] == 403
