"""The policy that is attached to a resource, read from moto's records."""

import json
from collections.abc import Callable
from typing import Any

from localcloud.iam.policies import Document, parse


def resource_policy(arn: str, account: str) -> Document | None:
    """The policy of the resource of that ARN; None when it has none, or is of a kind without policies."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] not in _READERS:
        return None
    text = _READERS[parts[2]](account, parts[3], parts[5])
    if not text:
        return None
    return parse(text.decode() if isinstance(text, bytes) else str(text))


def _bucket(account: str, _region: str, resource: str) -> Any:
    from moto.s3.models import s3_backends

    bucket = s3_backends[account]["aws"].buckets.get(resource.partition("/")[0])
    return None if bucket is None else bucket.policy


def _key(account: str, region: str, resource: str) -> Any:
    from moto.kms.models import kms_backends

    key = kms_backends[account][region].keys.get(resource.rpartition("/")[2])
    return None if key is None else key.policy


def _queue(account: str, region: str, resource: str) -> Any:
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[account][region].queues.get(resource)
    return None if queue is None else queue.policy


def _topic(account: str, region: str, resource: str) -> Any:
    from moto.sns.models import sns_backends

    topic = sns_backends[account][region].topics.get(f"arn:aws:sns:{region}:{account}:{resource.partition(':')[0]}")
    return None if topic is None else topic.policy


def _function(account: str, region: str, resource: str) -> Any:
    from moto.awslambda.models import lambda_backends

    name = resource.removeprefix("function:").partition(":")[0]
    found = lambda_backends[account][region]._lambdas._functions.get(name)
    statements = [] if found is None or found["latest"].policy is None else found["latest"].policy.statements
    return json.dumps({"Statement": statements}) if statements else None


_READERS: dict[str, Callable[[str, str, str], Any]] = {
    "kms": _key,
    "lambda": _function,
    "s3": _bucket,
    "sns": _topic,
    "sqs": _queue,
}
