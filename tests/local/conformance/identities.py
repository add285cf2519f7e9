"""What tests of permissions share: statements, sessions, roles that the account may assume, and error codes."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .account import Account, Statement, allow

DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403")


def deny(*actions: str, **more: Any) -> Statement:
    """An IAM statement that denies `actions`, on everything unless `on` is given."""
    return allow(*actions, **more) | {"Effect": "Deny"}


def code_of(call: Callable[..., Any], **arguments: Any) -> str:
    """The error code with which the call is refused; empty when it is not."""
    try:
        call(**arguments)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


def is_denied(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether IAM refuses the call."""
    return code_of(call, **arguments) in DENIED


def session(account: Account, role: str, **asked: Any) -> dict[str, str]:
    """The credentials of a session, as `Account.client` takes them."""
    made = account.client("sts").assume_role(RoleArn=role, RoleSessionName="one", **asked)["Credentials"]
    return {"key": made["AccessKeyId"], "secret": made["SecretAccessKey"], "token": made["SessionToken"]}


def open_role(account: Account, *statements: Statement) -> str:
    """The ARN of a role that the account may assume."""
    return account.role("ec2.amazonaws.com", *statements, Principal={"AWS": f"arn:aws:iam::{account.number}:root"})
