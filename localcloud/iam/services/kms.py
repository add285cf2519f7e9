"""AWS KMS. Source: service authorization reference, "Condition keys for AWS KMS"."""

from collections.abc import Iterator

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

_GLOBAL = frozenset({"CreateKey", "ListKeys", "ListAliases", "GenerateRandom"})
_KEYS = {
    "SigningAlgorithm": "kms:signingalgorithm",
    "MessageType": "kms:messagetype",
    "EncryptionAlgorithm": "kms:encryptionalgorithm",
    "KeySpec": "kms:keyspec",
    "KeyUsage": "kms:keyusage",
}


def accesses(call: Call) -> Iterator[Access]:
    """A key by its ARN, whatever name the request gives it; both ends of an alias."""
    if call.operation in _GLOBAL:
        yield Access(call.action, "*")
        return
    context: dict[str, tuple[str, ...]] = {key: (call.text(name),) for name, key in _KEYS.items() if call.text(name)}
    context |= encryption_context(call.parameters.get("EncryptionContext") or {})
    if call.text("KeyId").startswith("alias/"):
        context["kms:requestalias"] = (call.text("KeyId"),)
    for name in ("SourceKeyId", "KeyId", "DestinationKeyId", "TargetKeyId"):
        if call.text(name):
            yield Access(_action(call, name), key_arn(call.text(name), call.region, call.account), context)
    if call.text("AliasName"):
        yield Access(call.action, call.arn(call.text("AliasName")), context)
    if not any(call.text(name) for name in ("SourceKeyId", "KeyId", "DestinationKeyId", "TargetKeyId", "AliasName")):
        yield Access(call.action, _key_of_ciphertext(call), context)


def encryption_context(given: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The condition keys that an encryption context makes."""
    pairs: dict[str, tuple[str, ...]] = {
        f"kms:encryptioncontext:{name.lower()}": (str(value),) for name, value in given.items()
    }
    return pairs | ({"kms:encryptioncontextkeys": tuple(given)} if given else {})


def key_arn(key: str, region: str, account: str) -> str:
    """The ARN of a key that is given by id, ARN or alias."""
    from moto.kms.models import kms_backends

    parts = key.split(":")
    region = parts[3] if key.startswith("arn:") else region
    name = parts[-1] if key.startswith("arn:") else key
    if name.startswith("alias/"):
        backend = kms_backends[account][region]
        name = f"key/{backend.get_key_id_from_alias(name) or name}"
    return f"arn:aws:kms:{region}:{account}:{name if name.startswith('key/') else f'key/{name}'}"


def _action(call: Call, name: str) -> str:
    if call.operation != "ReEncrypt":
        return call.action
    return "kms:ReEncryptTo" if name == "DestinationKeyId" else "kms:ReEncryptFrom"


def _key_of_ciphertext(call: Call) -> str:
    """moto's ciphertexts begin with the id of their key."""
    blob = call.parameters.get("CiphertextBlob")
    if not isinstance(blob, bytes) or len(blob) < len("00000000-0000-0000-0000-000000000000"):
        return "*"
    return call.arn(f"key/{blob[:36].decode('ascii', 'replace')}")
