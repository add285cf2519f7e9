"""What happens without a request that the gate could see: services that act in the name of a role or a topic."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from localcloud.cloud import Cloud, Permits
from localcloud.iam.authorization import Authorization
from localcloud.iam.calls import Call
from localcloud.iam.decision import Denial
from localcloud.iam.policies import Access
from localcloud.iam.principals import service_principal

_SNS = "sns.amazonaws.com"
_LOOPBACK = "127.0.0.1"


def install(cloud: Cloud, authorization: Authorization) -> None:
    """A topic's message reaches a queue or a function only when its policy lets SNS in for that topic."""
    originals: list[Callable[..., Any]] = []

    def publish(subscription: Any, *arguments: Any, **keywords: Any) -> Any:
        call = _call(subscription, cloud.account)
        if call is not None:
            who = service_principal(_SNS, subscription.topic.arn)
            denial = authorization.denial(who, call, _LOOPBACK)
            if denial is not None:
                return write_down(cloud, denial)
        return originals[0](subscription, *arguments, **keywords)

    originals.append(
        cloud.patches.replace(
            "moto.sns.models:Subscription.publish", publish, "does not look at the policies of queues and functions"
        )
    )


def permissions(cloud: Cloud, authorization: Authorization) -> Permits:
    """What `cloud.permits` is."""

    def permits(role_arn: str, action: str, resource: str, context: dict[str, tuple[str, ...]] | None = None) -> bool:
        denial = authorization.denial_of_role(role_arn, Access(action, resource, context or {}))
        if denial is not None:
            write_down(cloud, denial)
        return denial is None

    return permits


def write_down(cloud: Cloud, denial: Denial) -> None:
    """The denial is in the log and among the latest."""
    print(f"Access denied: {denial}", file=sys.stderr, flush=True)
    cloud.denied.append(asdict(denial) | {"time": cloud.clock.utcnow().isoformat()})


def _call(subscription: Any, account: str) -> Call | None:
    """The call that the delivery is; None for protocols without policies."""
    parts = str(subscription.endpoint).split(":", 5)
    if subscription.protocol == "sqs":
        return Call("sqs", "SendMessage", {"QueueUrl": parts[5]}, parts[3], account)
    if subscription.protocol == "lambda":
        return Call("lambda", "Invoke", {"FunctionName": subscription.endpoint}, parts[3], account)
    return None
