"""Amazon S3. Source: service authorization reference, "Actions, resources, and condition keys for Amazon S3"."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

# operations whose action has another name
_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
}
_WITH_VERSIONS = frozenset(
    f"{verb}{thing}"
    for verb, things in {
        "Get": ("Object", "ObjectAcl", "ObjectTagging", "ObjectAttributes"),
        "Delete": ("Object", "ObjectTagging"),
        "Put": ("ObjectAcl", "ObjectTagging"),
    }.items()
    for thing in things
)
# parameters that are condition keys
_KEYS = {
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "VersionId": "s3:versionid",
    "ACL": "s3:x-amz-acl",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "ObjectLockMode": "s3:object-lock-mode",
    "ObjectLockRetainUntilDate": "s3:object-lock-retain-until-date",
    "ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold",
    "StorageClass": "s3:x-amz-storage-class",
    "CopySource": "s3:x-amz-copy-source",
    "IfNoneMatch": "s3:if-none-match",
    "IfMatch": "s3:if-match",
}
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
# parameters of a write that need a permission of their own
_EXTRAS = {
    "Tagging": "PutObjectTagging",
    "ACL": "PutObjectAcl",
    "ObjectLockMode": "PutObjectRetention",
    "ObjectLockLegalHoldStatus": "PutObjectLegalHold",
    "BypassGovernanceRetention": "BypassGovernanceRetention",
}
_WRITES = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload", "DeleteObject", "PutObjectRetention"})


def accesses(call: Call) -> Iterator[Access]:
    """Everything that one S3 request needs."""
    context: dict[str, tuple[str, ...]] = {
        key: (call.text(name),) for name, key in _KEYS.items() if call.parameters.get(name) is not None
    }
    context |= _request_tags(call)
    if call.operation in _COPIES:
        yield Access("s3:PutObject", _object(call), context)
        yield _copy_source(call)
    elif call.operation == "DeleteObjects":
        yield from _deletions(call)
    else:
        name = _ACTIONS.get(call.operation, call.operation)
        versioned = call.parameters.get("VersionId") is not None and name in _WITH_VERSIONS
        yield Access(f"s3:{name}{'Version' if versioned else ''}", _object(call), context)
    if call.operation in _WRITES:
        for name, action in _EXTRAS.items():
            if call.parameters.get(name):
                yield Access(f"s3:{action}", _object(call), context)


def object_arn(bucket: str, key: str) -> str:
    """The ARN of an object."""
    return f"arn:aws:s3:::{bucket}/{key}"


def copy_source(call: Call) -> tuple[str, str, str | None]:
    """Bucket, key and version of what a copy reads."""
    source = call.parameters["CopySource"]
    text, _, query = str(source).partition("?")
    bucket, _, key = unquote(text).lstrip("/").partition("/")
    return bucket, key, dict(parse_qsl(query)).get("versionId")


def _object(call: Call) -> str:
    bucket, key = call.text("Bucket"), call.text("Key")
    if not bucket:
        return "*"
    return object_arn(bucket, key) if key else f"arn:aws:s3:::{bucket}"


def _copy_source(call: Call) -> Access:
    bucket, key, version = copy_source(call)
    return Access("s3:GetObjectVersion" if version else "s3:GetObject", object_arn(bucket, key))


def _deletions(call: Call) -> Iterator[Access]:
    for one in call.parameters.get("Delete", {}).get("Objects", []):
        action = "s3:DeleteObjectVersion" if one.get("VersionId") else "s3:DeleteObject"
        yield Access(action, object_arn(call.text("Bucket"), one["Key"]))
        if call.parameters.get("BypassGovernanceRetention"):
            yield Access("s3:BypassGovernanceRetention", object_arn(call.text("Bucket"), one["Key"]))


def _request_tags(call: Call) -> dict[str, tuple[str, ...]]:
    given = dict(parse_qsl(call.text("Tagging"))) if isinstance(call.parameters.get("Tagging"), str) else {}
    context: dict[str, tuple[str, ...]] = {f"s3:requestobjecttag/{key.lower()}": (tag,) for key, tag in given.items()}
    return context | ({"s3:requestobjecttagkeys": tuple(given)} if given else {})
