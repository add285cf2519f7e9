"""Policy documents: does a statement speak of a request, and what does a document say about it."""

import json
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from localcloud.iam.conditions import as_list, hold
from localcloud.iam.patterns import Context, matches

Document = dict[str, Any]
_REGIONAL_SERVICE = re.compile(r"^([a-z0-9.-]+?)\.[a-z]{2}-[a-z]+-\d\.amazonaws\.com$")


class Verdict(Enum):
    """What policies say: an explicit allow, an explicit deny, or nothing."""

    ALLOW = "Allow"
    DENY = "Deny"
    NOTHING = ""


@dataclass(frozen=True)
class Identity:
    """Who asks, under all the names by which a Principal element may call them."""

    arns: frozenset[str] = frozenset()
    account: str = ""
    service: str = ""

    def without_account(self) -> "Identity":
        """The same, but not as a member of its account: only what names it directly counts."""
        return Identity(self.arns, "", self.service)


@dataclass(frozen=True)
class Access:
    """One thing that a request does: an action on a resource, and what conditions may ask about."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@lru_cache(maxsize=4096)
def parse(text: str) -> Document:
    """The document that a policy's text is; IAM's API keeps some URL-encoded."""
    document: Document = json.loads(urllib.parse.unquote(text) if text.startswith("%") else text)
    return document


def verdict(documents: Iterable[Document], access: Access, who: Identity | None = None) -> Verdict:
    """What the documents say together; `who` is given for policies that have principals."""
    effects = {statement["Effect"] for statement in speaking(documents, access, who)}
    return Verdict.DENY if "Deny" in effects else Verdict.ALLOW if effects else Verdict.NOTHING


def speaking(documents: Iterable[Document], access: Access, who: Identity | None = None) -> list[dict[str, Any]]:
    """The statements that speak of the access."""
    return [
        statement
        for document in documents
        for statement in as_list(document.get("Statement", []))
        if _speaks_of(statement, access, who)
    ]


def _speaks_of(statement: dict[str, Any], access: Access, who: Identity | None) -> bool:
    return (
        _action_matches(statement, access.action)
        and _resource_matches(statement, access.resource, access.context)
        and (who is None or _principal_matches(statement, who))
        and hold(statement.get("Condition"), access.context)
    )


def _action_matches(statement: dict[str, Any], action: str) -> bool:
    patterns = as_list(statement.get("Action", statement.get("NotAction", [])))
    found = any(matches(action, pattern, {}, ignore_case=True) for pattern in patterns)
    return found != ("NotAction" in statement)


def _resource_matches(statement: dict[str, Any], resource: str, context: Context) -> bool:
    """A trust policy has no resource."""
    if "Resource" not in statement and "NotResource" not in statement:
        return True
    patterns = as_list(statement.get("Resource", statement.get("NotResource")))
    found = any(matches(resource, pattern, context) for pattern in patterns)
    return found != ("NotResource" in statement)


def _principal_matches(statement: dict[str, Any], who: Identity) -> bool:
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal is None:
        return False
    if principal == "*":
        found = True
    else:
        principal = {"AWS": principal} if isinstance(principal, str) else principal
        found = any(_names(kind, name, who) for kind, names in principal.items() for name in as_list(names))
    return found != ("NotPrincipal" in statement)


def _names(kind: str, name: str, who: Identity) -> bool:
    if kind == "Service":
        return bool(who.service) and _without_region(name) == _without_region(who.service)
    if kind != "AWS":
        return False
    if name == "*" or name in who.arns:
        return True
    return bool(who.account) and (name == who.account or name == f"arn:aws:iam::{who.account}:root")


def _without_region(service: str) -> str:
    match = _REGIONAL_SERVICE.match(service)
    return f"{match[1]}.amazonaws.com" if match else service
