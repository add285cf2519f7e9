"""The policy that is attached to a resource, read from moto's records."""

import json
from collections.abc import Callable
from typing import Any

from localcloud.iam.conditions import as_list
from localcloud.iam.policies import Document, parse

_ARN_PARTS = 6


def resource_policy(arn: str, account: str) -> Document | None:
    """The policy of the resource of that ARN; None when it has none, or is of a kind without policies."""
    text = _read(arn, account)
    if not text:
        return None
    return parse(text.decode() if isinstance(text, bytes) else str(text))


def is_missing(arn: str, account: str) -> bool:
    """Whether the ARN is of a kind that has policies, but there is no such resource."""
    return _read(arn, account) is None


def _read(arn: str, account: str) -> Any:
    """The policy's text, empty when there is none; None when there is no such resource."""
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[2] not in _READERS:
        return ""
    return _READERS[parts[2]](account, parts[3], parts[5])


def _bucket(account: str, _region: str, resource: str) -> Any:
    from moto.s3.models import s3_backends

    bucket = s3_backends[account]["aws"].buckets.get(resource.partition("/")[0])
    return None if bucket is None else bucket.policy or ""


def _key(account: str, region: str, resource: str) -> Any:
    from moto.kms.models import kms_backends

    key = kms_backends[account][region].keys.get(resource.rpartition("/")[2])
    if key is None or not key.grants:
        return None if key is None else key.policy or ""
    document = dict(parse(key.policy))
    document["Statement"] = [*as_list(document["Statement"]), *map(_of_grant, list(key.grants.values()))]
    return json.dumps(document)


def _of_grant(grant: Any) -> dict[str, Any]:
    """A grant as the statement that it amounts to. Source: "Grants in AWS KMS" of its guide."""
    kind = "AWS" if grant.grantee_principal.startswith("arn:") else "Service"
    constraints = grant.constraints or {}
    exact, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset")
    wanted = {f"kms:EncryptionContext:{name}": value for name, value in (exact or subset or {}).items()}
    condition = {"StringEquals": wanted} if wanted else {}
    if exact:
        condition["ForAllValues:StringEquals"] = {"kms:EncryptionContextKeys": list(exact)}
    actions = [f"kms:{operation}" for operation in grant.operations]
    principal = {kind: grant.grantee_principal}
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*", "Condition": condition}


def _queue(account: str, region: str, resource: str) -> Any:
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[account][region].queues.get(resource)
    return None if queue is None else queue.policy or ""


def _topic(account: str, region: str, resource: str) -> Any:
    from moto.sns.models import sns_backends

    topic = sns_backends[account][region].topics.get(f"arn:aws:sns:{region}:{account}:{resource.partition(':')[0]}")
    return None if topic is None else topic.policy or ""


def _function(account: str, region: str, resource: str) -> Any:
    from moto.awslambda.models import lambda_backends

    name = resource.removeprefix("function:").partition(":")[0]
    found = lambda_backends[account][region]._lambdas._functions.get(name)
    if found is None:
        return None
    policy = found["latest"].policy
    return json.dumps({"Statement": policy.statements}) if policy is not None and policy.statements else ""


def _bus(account: str, region: str, resource: str) -> Any:
    from moto.events.models import events_backends

    kind, _, name = resource.partition("/")
    if kind != "event-bus":
        return ""
    bus = events_backends[account][region].event_buses.get(name)
    return None if bus is None else bus.policy or ""


_READERS: dict[str, Callable[[str, str, str], Any]] = {
    "events": _bus,
    "kms": _key,
    "lambda": _function,
    "s3": _bucket,
    "sns": _topic,
    "sqs": _queue,
}
