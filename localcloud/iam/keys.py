"""KMS keys that are disabled or about to be deleted refuse, also when a service uses them for what it keeps.

Sources: "Key states of AWS KMS keys" of the KMS guide; localstack's snapshots of AWS for S3; botocore's model of SNS.
Unproven: what SQS, DynamoDB, Logs and Systems Manager say of a disabled key; all but the last say it of a key that is
denied.
"""

import re
from typing import Any

from localcloud.iam.accesses import accesses
from localcloud.iam.calls import Call
from localcloud.iam.encryption import key_accesses
from localcloud.iam.refusals import Refusal

_ENABLED = "Enabled"
_LOG_READS = frozenset({"FilterLogEvents", "GetLogEvents"})
_MESSAGES = {"Disabled": "{} is disabled.", "PendingDeletion": "{} is pending deletion."}
_CODES = {"Disabled": "DisabledException", "PendingDeletion": "KMSInvalidStateException"}
# service: the codes of a disabled key and of one pending deletion
_CODES_OF_SERVICES = {
    "dynamodb": ("AccessDeniedException", "AccessDeniedException"),
    "logs": ("AccessDeniedException", "AccessDeniedException"),
    "s3": ("KMS.DisabledException", "KMS.KMSInvalidStateException"),
    "sns": ("KMSDisabled", "KMSInvalidState"),
    "sqs": ("KMS.DisabledException", "KMS.InvalidStateException"),
    "ssm": ("InvalidKeyId", "InvalidKeyId"),
}
_USES = (
    "CreateGrant|Decrypt|DeriveSharedSecret|(Dis|En)ableKeyRotation|Encrypt|Generate(DataKey|Mac).*|ReEncrypt"
    "|RotateKeyOnDemand|Sign|Verify(Mac)?"
)
_CHANGES = "CreateAlias|(Dis|En)ableKey|GetPublicKey|ScheduleKeyDeletion|(Unt|T)agResource|Update(Alias|KeyDescription)"
_REFUSED = {"Disabled": re.compile(_USES), "PendingDeletion": re.compile(f"{_USES}|{_CHANGES}")}


def any_unusable(account: str) -> bool:
    """Whether the account has a key that is not enabled."""
    return any(key.key_state != _ENABLED for keys in _keys(account).values() for key in keys.values())


def unusable(call: Call) -> Refusal | None:
    """The refusal, in its service's words, of a call that needs a key which is not enabled; None for all others."""
    if not any_unusable(call.account):
        return None
    for arn in _needed(call):
        key = _key(arn, call.account)
        if key is not None and _refuses(call, key.key_state):
            return _refusal(call.service, key)
    return None


def _needed(call: Call) -> list[str]:
    """The ARNs of the keys that a call uses."""
    if call.service == "logs":
        return [_log_key(call)] if call.operation in _LOG_READS else []
    return [access.resource for access in (accesses(call) if call.service == "kms" else key_accesses(call))]


def _log_key(call: Call) -> str:
    from moto.logs.models import logs_backends

    name = call.text("logGroupName") or call.text("logGroupIdentifier").rpartition(":")[2]
    group = logs_backends[call.account][call.region].groups.get(name)
    return str(getattr(group, "kms_key_id", None) or "")


def _refuses(call: Call, state: str) -> bool:
    refused = _REFUSED.get(state)
    return refused is not None and (call.service != "kms" or refused.fullmatch(call.operation) is not None)


def _refusal(service: str, key: Any) -> Refusal:
    code, message = _CODES[key.key_state], _MESSAGES[key.key_state].format(key.arn)
    if service in _CODES_OF_SERVICES:
        own = _CODES_OF_SERVICES[service][key.key_state == "PendingDeletion"]
        text = f"KMS key access denied error: {message}" if service in ("dynamodb", "logs") else message
        return Refusal("400 Bad Request", own, text)
    return Refusal("400 Bad Request", code, message)


def _keys(account: str) -> dict[str, dict[str, Any]]:
    from moto.kms.models import kms_backends

    return {region: backend.keys for region, backend in list(kms_backends[account].items())}


def _key(arn: str, account: str) -> Any | None:
    parts = arn.split(":")
    return _keys(account).get(parts[3], {}).get(parts[-1].removeprefix("key/")) if len(parts) > 3 else None
