"""What the IAM tests share: statements, documents, roles, and what a denial looks like."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .conftest import LocalCloud

ACCOUNT = "123456789012"

ClientOf = Callable[[str], Any]


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def statement(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str = "lambda.amazonaws.com", **condition: Any) -> str:
    one = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document(one | ({"Condition": condition} if condition else {}))


def make_role(cloud: "LocalCloud", *statements: dict[str, Any], assumed_by: str = "", **more: Any) -> str:
    iam, name = cloud.client("iam"), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=assumed_by or trust(), **more)["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return str(role["Arn"])


def denied(*codes: str, match: str = ".") -> Any:
    allowed = codes or ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403")
    return _Denied(allowed, match)


class _Denied:
    def __init__(self, codes: tuple[str, ...], match: str) -> None:
        self._codes = codes
        self._raises = pytest.raises(ClientError, match=match)

    def __enter__(self) -> Any:
        self._info = self._raises.__enter__()
        return self._info

    def __exit__(self, *error: Any) -> bool:
        handled = bool(self._raises.__exit__(*error))
        assert self._info.value.response["Error"]["Code"] in self._codes
        return handled
