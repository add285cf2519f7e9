"""Which permissions of the app did what it has just done need? Each is removed, and every recorded access judged anew.

The judge is the local cloud's own decision function, on the accesses that it recorded while the app ran. A Deny is
needed when an access of its kind, on a resource that the role's own statements allow, is allowed without it.
"""

import fnmatch
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.iam.decision import Principal, decide
from localcloud.iam.policies import Access, Identity, speaking

from ..conftest import LocalCloud
from .permissions import TRUST, Permission, Statement, as_list, permissions, roles

LIST = Path(__file__).with_name("unneeded.toml")
Record = dict[str, Any]


@dataclass(frozen=True)
class Excuse:
    """Why a permission may go unneeded: patterns of the role, the action and what it is on, and the reason."""

    role: str
    action: str
    reason: str
    on: str = "*"
    effect: str = "*"
    sometimes: bool = False
    """Whether a race decides if the loop needs it."""

    def covers(self, permission: Permission) -> bool:
        """Whether the permission is one of those it speaks of."""
        pairs = (
            (permission.role.name, self.role),
            (permission.action, self.action),
            (permission.where, self.on),
            (permission.effect, self.effect),
        )
        return all(fnmatch.fnmatchcase(value, pattern) for value, pattern in pairs)


def excuses() -> list[Excuse]:
    """The list of permissions that no scenario needs, one for each pattern of a role and an action."""
    listed = tomllib.loads(LIST.read_text())["unneeded"]
    assert all(len(one["reason"].split()) > 3 for one in listed), "give a reason"
    return [
        Excuse(**one | {"role": role, "action": action})
        for one in listed
        for role in one["role"]
        for action in one["action"]
    ]


def unneeded(cloud: LocalCloud, prefix: str) -> list[Permission]:
    """Permissions whose removal changes no decision; a role that nobody assumes does not need its trust policy."""
    records: list[Record] = cloud.admin("authorizations")
    by_role, assumed = _by_role(records), _assumed(records)
    trusts = (Permission(role, 0, "sts:AssumeRole", "Allow", TRUST) for role in roles(cloud, prefix))
    own = (one for one in permissions(cloud, prefix) if not _is_needed(one, by_role[one.role.arn]))
    return [*own, *(trust for trust in trusts if trust.role.arn not in assumed)]


def _assumed(records: Iterable[Record]) -> set[str]:
    """Roles whose emptied trust policy would deny something that has happened."""
    given = (one for one in records if one["must_allow"] == TRUST and one["is_allowed"])
    return {one["access"]["resource"] for one in given if _judged(one, one["who"]["policies"], []) is not None}


def _by_role(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record["is_allowed"] and record["must_allow"] != TRUST:
            found[str(record["who"]["role_arn"])].append(record)
    return found


def _is_needed(permission: Permission, records: list[Record]) -> bool:
    if permission.effect == "Deny":
        return any(_is_denied_by(permission, probe) for probe in _probes(permission))
    left = [{"Statement": permission.removed()}]
    return any(_judged(record, left, None) is not None for record in records)


def _judged(record: Record, policies: list[dict[str, Any]], trust: list[Statement] | None) -> Any:
    """The denial of the access under other policies of its principal (and, when given, another trust policy)."""
    who, identity = record["who"], record["who"]["identity"]
    principal = Principal(
        who["arn"],
        Identity(frozenset(identity["arns"]), identity["account"], identity["service"]),
        tuple(policies),
        boundary=None if who["boundary"] is None else tuple(who["boundary"]),
        session=None if who["session"] is None else tuple(who["session"]),
    )
    policy = record["resource_policy"] if trust is None else {"Statement": trust}
    context = {name: tuple(values) for name, values in record["access"]["context"].items()}
    access = Access(record["access"]["action"], record["access"]["resource"], context)
    return decide(principal, access, policy, must_allow=record["must_allow"])


def _probes(permission: Permission) -> Iterable[Access]:
    """Accesses that the Deny speaks of, on whatever the role's other statements allow the action."""
    condition = permission.role.statements[permission.index].get("Condition", {})
    keys = {key.lower(): tuple(map(str, as_list(value))) for one in condition.values() for key, value in one.items()}
    for statement in permission.role.statements:
        if statement["Effect"] == "Allow" and permission.action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield Access(permission.action, resource.replace("*", "probe"), keys)


def _is_denied_by(permission: Permission, probe: Access) -> bool:
    who = Principal(permission.role.arn, Identity(frozenset({permission.role.arn})))
    own, left = [{"Statement": permission.role.statements}], [{"Statement": permission.removed()}]
    assert speaking(own, probe)
    denied, allowed = (
        decide(Principal(who.arn, who.identity, tuple(policies)), probe, None) for policies in (own, left)
    )
    return denied is not None and allowed is None
