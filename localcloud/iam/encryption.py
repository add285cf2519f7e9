"""KMS permissions that a call needs because what it reads or writes is encrypted with a customer managed key.

S3, SQS, SNS and Systems Manager use the key in the name of the caller; DynamoDB checks the caller's kms:Decrypt.
Sources: "Using server-side encryption with KMS" of the S3 guide, "Key management" of the SQS and SNS guides,
"Encryption at rest" of the DynamoDB guide, "How AWS Systems Manager Parameter Store uses AWS KMS" of the KMS guide.
"""

from collections.abc import Iterator
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access
from localcloud.iam.services import dynamodb, s3
from localcloud.iam.services.kms import encryption_context, key_arn

_ENCRYPT, _DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"
_S3_WRITES = frozenset({"PutObject", "CreateMultipartUpload", "CopyObject"})
_S3_READS = frozenset({"GetObject", "HeadObject"})
_MULTIPART = frozenset({"UploadPart", "CompleteMultipartUpload", "UploadPartCopy"})
_AWS_MANAGED = "alias/aws/"
_SECURE = "SecureString"
_TABLE_READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"})
_TABLE_WRITES = frozenset({"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"})
_QUEUE_ACTIONS = {
    "SendMessage": (_ENCRYPT, _DECRYPT),
    "SendMessageBatch": (_ENCRYPT, _DECRYPT),
    "ReceiveMessage": (_DECRYPT,),
}
_TOPIC_ACTIONS = {"Publish": (_ENCRYPT, _DECRYPT), "PublishBatch": (_ENCRYPT, _DECRYPT)}


def key_accesses(call: Call) -> Iterator[Access]:
    """The accesses to KMS keys that the call needs besides its own."""
    found = _FINDERS.get(call.service)
    for action, key, extra in found(call) if found else ():
        if key and not key.startswith(_AWS_MANAGED):
            via = {"kms:viaservice": (f"{call.prefix}.{call.region}.amazonaws.com",)}
            caller = {"kms:calleraccount": (call.account,)}
            context = via | caller | encryption_context(extra)
            yield Access(action, key_arn(key, call.region, call.account), context)


Needed = Iterator[tuple[str, str, dict[str, str]]]


def _s3(call: Call) -> Needed:
    bucket = _bucket(call, call.text("Bucket"))
    if bucket is None:
        return
    arn = {"aws:s3:arn": s3.object_arn(call.text("Bucket"), call.text("Key"))}
    if call.operation in _S3_WRITES:
        key = _write_key(call, bucket)
        yield _ENCRYPT, key, arn
        if call.operation == "CreateMultipartUpload":
            yield _DECRYPT, key, arn
    elif call.operation in _S3_READS:
        yield _DECRYPT, _object_key(bucket, call.text("Key"), call.parameters.get("VersionId")), arn
    elif call.operation in _MULTIPART:
        yield _ENCRYPT, _upload_key(bucket, call.text("UploadId")), arn
        yield _DECRYPT, _upload_key(bucket, call.text("UploadId")), arn
    if "CopySource" in call.parameters:
        name, key, version = s3.copy_source(call)
        source = _bucket(call, name)
        if source is not None:
            yield _DECRYPT, _object_key(source, key, version), {"aws:s3:arn": s3.object_arn(name, key)}


def _bucket(call: Call, name: str) -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[call.account]["aws"].buckets.get(name)


def _write_key(call: Call, bucket: Any) -> str:
    """The key in the request, or the bucket's default when the request does not choose another encryption."""
    if call.text("SSEKMSKeyId"):
        return call.text("SSEKMSKeyId")
    if call.text("ServerSideEncryption") not in ("", "aws:kms", "aws:kms:dsse") or not bucket.encryption:
        return ""
    rule = bucket.encryption["Rule"]
    first = rule[0] if isinstance(rule, list) else rule
    return str(first["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID") or "")


def _object_key(bucket: Any, name: str, version: str | None) -> str:
    versions = bucket.keys.getlist(name, [])
    found = [one for one in versions if version in (None, one.version_id)]
    return str(getattr(found[-1], "kms_key_id", None) or "") if found else ""


def _upload_key(bucket: Any, upload_id: str) -> str:
    upload = bucket.multiparts.get(upload_id)
    return str(getattr(upload, "kms_key_id", None) or "")


def _dynamodb(call: Call) -> Needed:
    from moto.dynamodb.models import dynamodb_backends

    if call.operation not in _TABLE_READS | _TABLE_WRITES:
        return
    tables = dynamodb_backends[call.account][call.region].tables
    for name in sorted(dynamodb.table_names(call)):
        settings = tables[name].sse_specification if name in tables else None
        if settings and settings.get("KMSMasterKeyId") and settings.get("Enabled"):
            yield _DECRYPT, settings["KMSMasterKeyId"], {"aws:dynamodb:tablename": name}


def _sqs(call: Call) -> Needed:
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[call.account][call.region].queues.get(call.text("QueueUrl").rpartition("/")[2])
    for action in _QUEUE_ACTIONS.get(call.operation, ()) if queue is not None else ():
        yield action, str(queue.kms_master_key_id or ""), {"aws:sqs:arn": str(queue.queue_arn)}


def _sns(call: Call) -> Needed:
    from moto.sns.models import sns_backends

    topic = sns_backends[call.account][call.region].topics.get(call.text("TopicArn") or call.text("TargetArn"))
    for action in _TOPIC_ACTIONS.get(call.operation, ()) if topic is not None else ():
        yield action, str(topic.kms_master_key_id or ""), {"aws:sns:topicarn": str(topic.arn)}


def _ssm(call: Call) -> Needed:
    """Of standard parameters: who writes one encrypts by the key itself, who has one decrypted decrypts by it."""
    from moto.ssm.models import ssm_backends

    if call.operation == "PutParameter" and call.text("Type") == _SECURE:
        yield "kms:Encrypt", call.text("KeyId"), _parameter(call, call.text("Name"))
    if not call.parameters.get("WithDecryption"):
        return
    backend = ssm_backends[call.account][call.region]
    for name in call.parameters.get("Names") or [call.text("Name")]:
        found = backend.get_parameter(name)
        if found is not None and found.parameter_type == _SECURE:
            yield _DECRYPT, str(found.keyid or ""), _parameter(call, found.name)


def _parameter(call: Call, name: str) -> dict[str, str]:
    return {"PARAMETER_ARN": call.arn(f"parameter/{name.lstrip('/')}")}


_FINDERS = {"s3": _s3, "dynamodb": _dynamodb, "sqs": _sqs, "sns": _sns, "ssm": _ssm}
