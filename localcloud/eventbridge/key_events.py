"""KMS's events: keys whose waiting time is over are deleted, which is an event, and so is a rotation on demand.

Source: "Monitor KMS keys with Amazon EventBridge". Automatic rotation and expiring key material are not simulated.
"""

from datetime import timedelta
from typing import Any, Final

from localcloud.cloud import Cloud

_BACKEND: Final = "moto.kms.models:KmsBackend."


def install(cloud: Cloud) -> None:
    """Waiting times are counted in virtual time, and RotateKeyOnDemand puts its event on the bus."""

    def schedule_key_deletion(backend: Any, key_id: str, pending_window_in_days: int) -> float | None:
        if schedule(backend, key_id, pending_window_in_days) is None:
            return None
        ends = cloud.clock.utcnow().replace(tzinfo=None) + timedelta(days=pending_window_in_days)
        backend.keys[backend.any_id_to_key_id(key_id)].deletion_date = ends
        return _epoch(ends)

    def rotate_key_on_demand(backend: Any, key_id: str) -> str:
        answer = str(rotate(backend, key_id))
        _emit(cloud, "KMS CMK Rotation", backend.keys[backend.get_key_id(key_id)])
        return answer

    replace = cloud.patches.replace
    schedule = replace(_BACKEND + "schedule_key_deletion", schedule_key_deletion, "counts on the real clock")
    rotate = replace(_BACKEND + "rotate_key_on_demand", rotate_key_on_demand, "sends no event")


def delete_due_keys(cloud: Cloud, now: float) -> None:
    """Keys whose waiting time has ended are gone, each with its event."""
    from moto.kms.models import kms_backends

    for region, backend in list(kms_backends[cloud.account].items()):
        for key in [key for key in list(backend.keys.values()) if _is_due(key, now)]:
            backend.delete_key(key.id)
            cloud.durable.wrote("kms", region)
            _emit(cloud, "KMS CMK Deletion", key)


def _is_due(key: Any, now: float) -> bool:
    return key.key_state == "PendingDeletion" and _epoch(key.deletion_date) <= now


def _epoch(moment: Any) -> float:
    from moto.core.utils import unix_time

    return float(unix_time(moment))


def _emit(cloud: Cloud, detail_type: str, key: Any) -> None:
    cloud.emit("aws.kms", detail_type, {"key-id": key.id}, [key.arn], region=key.region)
