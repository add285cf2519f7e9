"""moto's backends: one row for each service, account and region; their big collections have parts of their own."""

import copyreg
import threading
from typing import Any

from localcloud.cloud import Cloud
from localcloud.durability.kept import Kept, recorded_service

# what other parts keep row by row, and what every process has anew
_LEFT_OUT = {
    "s3": {"buckets", "tagger", "_pagination_tokens"},
    "dynamodb": {"tables"},
    "sqs": {"queues"},
    "logs": {"groups"},
    "sts": {"assumed_roles"},
    "xray": {"_segment_collection"},
    "cloudwatch": {"alarms", "metric_store"},
    "iam": {"aws_managed_policies", "account_summary"},
}
_SIGNING_NAMES = {"cloudwatch": "monitoring", "stepfunctions": "states"}
_PREFIX = "moto."
_OF_SESSIONS = "ASIA"


def install(cloud: Cloud) -> None:
    """A backend is saved when a request that writes has looked it up, and after `cloud.durable.wrote`."""
    backends = _Backends(cloud)

    def look_up(of_account: Any, region: str) -> Any:
        backend = original(of_account, region)
        if _may_change(of_account.service_name):
            backends.changed(of_account.service_name, of_account.account_id, backend.region_name)
        return backend

    target, reason = "moto.core.base_backend:AccountSpecificBackend.__getitem__", "tells which state a request changes"
    original = cloud.patches.replace(target, look_up, reason)
    cloud.durable.wrote = lambda service, region: backends.changed(service, cloud.account, region)
    cloud.durable.before_load(backends.find_kept)
    _refer_to_aws_policies(cloud)
    _forget_published_messages(cloud)


def _may_change(service: str) -> bool:
    """A request changes what it looks up; but every request looks up its access key in IAM."""
    handled = recorded_service()
    return handled is not None and (service != "iam" or handled == "iam")


def backend_of(service: str, account: str, region: str) -> Any:
    """moto's backend, which is made when it did not exist."""
    from moto.backends import get_backend

    return get_backend(service)[account][region]


class _Backends:
    """A part for each service that has been used; its keys are (account, region)."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._parts: dict[str, Kept] = {}
        self._making = threading.Lock()

    def changed(self, service: str, account: str, region: str) -> None:
        """The backend is saved before the request is answered."""
        with self._making:
            part = self._parts.get(service) or self._part(service)
        part.changed(account, region)

    def find_kept(self) -> None:
        """There is a part for each service that an earlier process has used."""
        for name in self._cloud.durable.store.parts():
            if name.startswith(_PREFIX):
                self._part(name.removeprefix(_PREFIX))

    def _part(self, service: str) -> Kept:
        def dump(account: str, region: str) -> dict[str, Any]:
            return _state(service, backend_of(service, account, region))

        def load(state: dict[str, Any], account: str, region: str) -> None:
            _restore(service, backend_of(service, account, region), state)

        lock = self._cloud.locks.of(_SIGNING_NAMES.get(service, service))
        self._parts[service] = self._cloud.durable.keep(
            f"{_PREFIX}{service}", dump=dump, load=load, lock=lock, compare=True
        )
        return self._parts[service]


def _state(service: str, backend: Any) -> dict[str, Any]:
    left_out = _LEFT_OUT.get(service, ())
    state = {name: value for name, value in backend.__dict__.items() if name not in left_out}
    return _without_aws_policies(state) if service == "iam" else state


def _restore(service: str, backend: Any, state: dict[str, Any]) -> None:
    if service == "iam":
        state = _with_aws_policies(backend, state)
    backend.__dict__.update(state)


def _without_aws_policies(state: dict[str, Any]) -> dict[str, Any]:
    """AWS's own policies, four megabytes, are in every process; only how often they are attached is kept.

    Keys of sessions are kept with the sessions.
    """
    from moto.iam.models import AWSManagedPolicy

    policies = state["managed_policies"]
    own = {arn: policy for arn, policy in policies.items() if not isinstance(policy, AWSManagedPolicy)}
    attached = {arn: one.attachment_count for arn, one in policies.items() if arn not in own and one.attachment_count}
    keys = {key: one for key, one in state["access_keys"].items() if not key.startswith(_OF_SESSIONS)}
    return state | {"managed_policies": own, "attached": attached, "access_keys": keys}


def _with_aws_policies(backend: Any, state: dict[str, Any]) -> dict[str, Any]:
    for arn, count in state.pop("attached").items():
        backend.managed_policies[arn].attachment_count = count
    return state | {"managed_policies": backend.managed_policies | state["managed_policies"]}


def _refer_to_aws_policies(cloud: Cloud) -> None:
    from moto.iam.models import AWSManagedPolicy

    cloud.durable.codec.reducers[AWSManagedPolicy] = lambda policy: (_aws_policy, (policy.account_id, policy.arn))


def _forget_published_messages(cloud: Cloud) -> None:
    """moto's list of all messages of a topic, which only its own tests read, does not grow from start to start."""
    from moto.sns.models import Topic

    def without_messages(topic: Any) -> tuple[Any, ...]:
        state = {**topic.__dict__, "sent_notifications": []}
        return copyreg.__newobj__, (Topic,), state  # type: ignore[attr-defined]  # pickle's own

    cloud.durable.codec.reducers[Topic] = without_messages


def _aws_policy(account: str, arn: str) -> Any:
    return backend_of("iam", account, "aws").managed_policies[arn]
