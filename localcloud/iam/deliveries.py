"""What SNS delivers inside moto, without a request that the gate could see: queues and functions must let it in."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from localcloud.cloud import Cloud
from localcloud.iam.authorization import Authorization
from localcloud.iam.calls import Call
from localcloud.iam.principals import service_principal

_SNS = "sns.amazonaws.com"
_LOOPBACK = "127.0.0.1"


def install(cloud: Cloud) -> None:
    """A topic's message reaches a queue or a function only when its policy lets SNS in for that topic."""
    authorization = Authorization(cloud.account)
    originals: list[Callable[..., Any]] = []

    def publish(subscription: Any, *arguments: Any, **keywords: Any) -> Any:
        call = _call(subscription, cloud.account)
        if call is not None and _is_denied(cloud, authorization, subscription, call):
            return None
        return originals[0](subscription, *arguments, **keywords)

    originals.append(
        cloud.patches.replace(
            "moto.sns.models:Subscription.publish", publish, "does not look at the policies of queues and functions"
        )
    )


def _call(subscription: Any, account: str) -> Call | None:
    """The call that the delivery is; None for protocols without policies."""
    parts = str(subscription.endpoint).split(":", 5)
    if subscription.protocol == "sqs":
        return Call("sqs", "SendMessage", {"QueueUrl": parts[5]}, parts[3], account)
    if subscription.protocol == "lambda":
        return Call("lambda", "Invoke", {"FunctionName": subscription.endpoint}, parts[3], account)
    return None


def _is_denied(cloud: Cloud, authorization: Authorization, subscription: Any, call: Call) -> bool:
    who = service_principal(_SNS, subscription.topic.arn)
    denial = authorization.denial(who, call, _LOOPBACK)
    if denial is None:
        return False
    print(f"SNS could not deliver a message of {subscription.topic.arn}: {denial}", file=sys.stderr, flush=True)
    cloud.denied.append(asdict(denial) | {"time": cloud.clock.utcnow().isoformat()})
    return True
