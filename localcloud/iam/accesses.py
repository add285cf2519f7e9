"""What a call needs: dispatch to the tables of its service, and the condition keys that all services share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.decision import Principal
from localcloud.iam.policies import Access
from localcloud.iam.services import dynamodb, events, kms, logs, s3, sagemaker, simple

_SERVICES: dict[str, Callable[[Call], Iterator[Access]]] = {
    "dynamodb": dynamodb.accesses,
    "events": events.accesses,
    "iam": simple.identity_accesses,
    "kms": kms.accesses,
    "logs": logs.log_accesses,
    "monitoring": logs.metric_accesses,
    "s3": s3.accesses,
    "sagemaker": sagemaker.accesses,
    "ssm": simple.parameter_accesses,
    "sts": simple.identity_accesses,
}


def accesses(call: Call) -> Iterator[Access]:
    """Every action that the call needs, with its resource."""
    return _SERVICES.get(call.service, simple.accesses)(call)


def global_context(call: Call, who: Principal, source_ip: str, now: float) -> dict[str, tuple[str, ...]]:
    """Condition keys that every request has. The loopback connection counts as a secure one."""
    context: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
        "aws:principalaccount": (call.account,),
        "aws:principalarn": (who.role_arn or who.arn,),
        "aws:principalisawsservice": (str(bool(who.identity.service)).lower(),),
        "aws:requestedregion": (call.region,),
        "aws:resourceaccount": (call.account,),
        "aws:securetransport": ("true",),
        "aws:sourceip": (source_ip,),
        "aws:userid": (who.user_id,),
        "aws:viaawsservice": ("false",),
        "s3:tlsversion": ("1.3",),
        "s3:authtype": ("REST-HEADER",),
    }
    if ":user/" in who.arn:
        context["aws:username"] = (who.arn.rpartition("/")[2],)
    return context | _tags(call, who) | _source(call, who)


def _tags(call: Call, who: Principal) -> dict[str, tuple[str, ...]]:
    context: dict[str, tuple[str, ...]] = {f"aws:principaltag/{key.lower()}": (tag,) for key, tag in who.tags.items()}
    requested = dict(_requested_tags(call.parameters))
    context |= {f"aws:requesttag/{key.lower()}": (tag,) for key, tag in requested.items()}
    return context | ({"aws:tagkeys": tuple(requested)} if requested else {})


def _requested_tags(parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    tags = parameters.get("Tags") or parameters.get("tags") or []
    if isinstance(tags, dict):
        yield from ((key, str(value)) for key, value in tags.items())
        return
    for tag in tags:
        lowered = {name.lower().removeprefix("tag"): value for name, value in tag.items()}
        if "key" in lowered:
            yield str(lowered["key"]), str(lowered.get("value", ""))


def _source(call: Call, who: Principal) -> dict[str, tuple[str, ...]]:
    """A service acts for a resource; user requests have no source."""
    if not who.identity.service:
        return {}
    context: dict[str, tuple[str, ...]] = {
        "aws:sourceaccount": (call.account,),
        "aws:sourceowner": (call.account,),
        "aws:principalservicename": (who.identity.service,),
    }
    return context | ({"aws:sourcearn": (who.source_arn,)} if who.source_arn else {})
