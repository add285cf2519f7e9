"""KMS: what moto does otherwise than AWS."""

from collections.abc import Callable
from typing import Any

from localcloud.cloud import Cloud

_BACKEND = "moto.kms.models:KmsBackend"
_BY_KEY_ID = ("encrypt", "sign", "verify", "generate_mac", "verify_mac")
_STATES = {
    "Disabled": ("DisabledException", "{} is disabled."),
    "PendingDeletion": ("KMSInvalidStateException", "{} is pending deletion."),
}


def install(cloud: Cloud) -> None:
    """Keys that are disabled or about to be deleted do no cryptography."""
    reason = "works with keys that are disabled or pending deletion"
    for operation in _BY_KEY_ID:
        _wrap(cloud, operation, _with_key_id, reason)
    _wrap(cloud, "decrypt", _with_ciphertext, reason)


def require_usable(key: Any) -> None:
    """The key can do cryptography; raises AWS's error for its state otherwise."""
    from moto.core.exceptions import JsonRESTError

    if key.key_state in _STATES:
        code, message = _STATES[key.key_state]
        raise JsonRESTError(code, message.format(key.arn))


def _wrap(cloud: Cloud, operation: str, checked: Callable[..., Any], reason: str) -> None:
    target = f"{_BACKEND}.{operation}"
    originals: list[Callable[..., Any]] = []

    def wrapped(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        return checked(originals[0], backend, *arguments, **keywords)

    originals.append(cloud.patches.replace(target, wrapped, reason))


def _with_key_id(original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any) -> Any:
    key_id = backend.any_id_to_key_id(keywords["key_id"] if "key_id" in keywords else arguments[0])
    if key_id in backend.keys:
        require_usable(backend.keys[key_id])
    return original(backend, *arguments, **keywords)


def _with_ciphertext(original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any) -> Any:
    plaintext, arn = original(backend, *arguments, **keywords)
    require_usable(backend.keys[arn.rpartition("/")[2]])
    return plaintext, arn
