"""S3's own checks on what is uploaded."""

import base64
import hashlib
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud

BODY = b"flights of January"
WRONG = base64.b64encode(hashlib.sha256(b"another body").digest()).decode()
RIGHT = base64.b64encode(hashlib.sha256(BODY).digest()).decode()


@pytest.fixture
def bucket(cloud: LocalCloud) -> str:
    name = f"checks-{uuid.uuid4()}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def test_an_object_with_a_wrong_sha256_is_refused(cloud: LocalCloud, bucket: str) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumSHA256=WRONG)
    assert refused.value.response["Error"]["Code"] == "BadDigest"
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=bucket)


def test_the_right_sha256_is_kept_and_given_back(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumSHA256=RIGHT)
    assert s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")["ChecksumSHA256"] == RIGHT


def test_the_checksum_that_clients_send_by_default_is_kept(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    assert s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")["Body"].read() == BODY
    assert "ChecksumCRC32" in s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")


def test_a_wrong_content_md5_is_refused(cloud: LocalCloud, bucket: str) -> None:
    md5 = base64.b64encode(hashlib.md5(b"another body").digest()).decode()
    with pytest.raises(ClientError) as refused:
        cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=BODY, ContentMD5=md5)
    assert refused.value.response["Error"]["Code"] == "BadDigest"


def test_a_policy_that_enforces_tls_does_not_lock_the_owner_out_of_the_local_endpoint(
    cloud: LocalCloud, bucket: str
) -> None:
    s3 = cloud.client("s3")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == BODY
