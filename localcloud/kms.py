"""KMS: what moto does otherwise than AWS. Policies, grants and the states of keys are `localcloud.iam`'s."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from localcloud.cloud import Cloud

_BACKEND = "moto.kms.models:KmsBackend"
_RESPONSE = "moto.kms.responses:KmsResponse"
_HASHING = (
    "moto.kms.utils:ECDSAPrivateKey._ECDSAPrivateKey__hash_algorithm",
    "moto.kms.utils:RSAPrivateKey._RSAPrivateKey__padding_and_hash_algorithm",
)
_HASHES_AGAIN = "hashes a digest once more"
_BY_ID_ONLY = ("disable_key", "enable_key", "schedule_key_deletion", "cancel_key_deletion", "generate_mac")


def install(cloud: Cloud) -> None:
    """A key may be named by its ARN everywhere, digests are signed as they are; a wrong signature is an error."""
    for operation in _BY_ID_ONLY:
        _resolve_key(cloud, f"{_BACKEND}.{operation}")
    _refuse_wrong_signatures(cloud)
    _take_digests(cloud)


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


def _take_digests(cloud: Cloud) -> None:
    """MessageType DIGEST: the message is the digest. One of another length is refused."""
    is_digest: ContextVar[bool] = ContextVar("is_digest", default=False)
    for operation in ("sign", "verify"):
        _note_type(cloud, f"{_RESPONSE}.{operation}", is_digest)
    for target in _HASHING:
        _hash_only_messages(cloud, target, is_digest)


def _note_type(cloud: Cloud, target: str, is_digest: ContextVar[bool]) -> None:
    def noted(response: Any) -> Any:
        from moto.core.exceptions import JsonRESTError

        known = is_digest.set(response._get_param("MessageType") == "DIGEST")
        try:
            return original(response)
        except ValueError as error:
            algorithm = response._get_param("SigningAlgorithm")
            raise JsonRESTError(
                "ValidationException", f"Digest is invalid length for algorithm {algorithm}."
            ) from error
        finally:
            is_digest.reset(known)

    original = cloud.patches.replace(target, noted, _HASHES_AGAIN)


def _hash_only_messages(cloud: Cloud, target: str, is_digest: ContextVar[bool]) -> None:
    def algorithm(key: Any, name: str) -> Any:
        found = original(key, name)
        if not is_digest.get():
            return found
        return (found[0], Prehashed(found[1])) if isinstance(found, tuple) else Prehashed(found)

    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    original: Callable[..., Any] = cloud.patches.replace(target, algorithm, _HASHES_AGAIN)
