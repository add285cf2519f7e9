"""KMS: what moto does otherwise than AWS. Policies, grants and the states of keys are `localcloud.iam`'s."""

from typing import Any

from localcloud.cloud import Cloud

_BACKEND = "moto.kms.models:KmsBackend"
_BY_ID_ONLY = ("disable_key", "enable_key", "schedule_key_deletion", "cancel_key_deletion", "generate_mac")


def install(cloud: Cloud) -> None:
    """A key may be named by its ARN in every operation, and a wrong signature is an error."""
    for operation in _BY_ID_ONLY:
        _resolve_key(cloud, f"{_BACKEND}.{operation}")
    _refuse_wrong_signatures(cloud)


def _resolve_key(cloud: Cloud, target: str) -> None:
    def resolved(backend: Any, key_id: str, *arguments: Any, **keywords: Any) -> Any:
        return original(backend, backend.any_id_to_key_id(key_id), *arguments, **keywords)

    original = cloud.patches.replace(target, resolved, "fails for a key that is named by its ARN")


def _refuse_wrong_signatures(cloud: Cloud) -> None:
    def verify(backend: Any, **given: Any) -> Any:
        from moto.core.exceptions import JsonRESTError

        arn, is_valid, algorithm = original(backend, **given)
        if not is_valid:
            raise JsonRESTError("KMSInvalidSignatureException", "")
        return arn, is_valid, algorithm

    original = cloud.patches.replace(f"{_BACKEND}.verify", verify, "answers a wrong signature with false")
