"""IAM's evaluation logic for one access within one account.

Source: IAM user guide, "Policy evaluation logic": an explicit deny wins; a resource policy that names the caller
allows by itself (not for KMS keys and trust policies, whose own policy must allow); otherwise an identity policy must
allow, and a permissions boundary and a session policy, where there are any, too.
"""

from dataclasses import dataclass, field

from localcloud.iam.policies import Access, Document, Identity, Verdict, verdict


@dataclass(frozen=True)
class Principal:
    """Who makes a request, with everything that is attached to them."""

    arn: str
    identity: Identity
    policies: tuple[Document, ...] = ()
    boundary: tuple[Document, ...] | None = None
    session: tuple[Document, ...] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    role_arn: str | None = None
    user_id: str = ""
    source_arn: str | None = None
    is_administrator: bool = False


@dataclass(frozen=True)
class Denial:
    """Who was not allowed to do what, and why."""

    principal: str
    action: str
    resource: str
    reason: str

    def __str__(self) -> str:
        return (
            f"User: {self.principal} is not authorized to perform: {self.action} on resource: {self.resource} "
            f"{self.reason}"
        )


def decide(who: Principal, access: Access, resource_policy: Document | None, *, must_allow: str = "") -> Denial | None:
    """None when the access is allowed. `must_allow` names the resource policy when it has to allow the access itself,
    as those of keys and roles do."""
    reason = _reason(who, access, resource_policy, must_allow)
    return None if reason is None else Denial(who.arn, access.action, access.resource, reason)


def _reason(who: Principal, access: Access, resource_policy: Document | None, must_allow: str) -> str | None:
    by_identity = verdict(who.policies, access)
    documents = [] if resource_policy is None else [resource_policy]
    by_resource = verdict(documents, access, who.identity)
    if by_identity is Verdict.DENY:
        return "with an explicit deny in an identity-based policy"
    if by_resource is Verdict.DENY:
        return f"with an explicit deny in a {must_allow or 'resource-based policy'}"
    limit = _limit(who, access)
    if limit is not None:
        return limit
    if must_allow and by_resource is not Verdict.ALLOW:
        return f"because no {must_allow} allows the {access.action} action"
    if verdict(documents, access, who.identity.without_account()) is Verdict.ALLOW:
        return None
    if by_identity is Verdict.ALLOW:
        return None
    kind = "resource" if who.identity.service else "identity"
    return f"because no {kind}-based policy allows the {access.action} action"


def _limit(who: Principal, access: Access) -> str | None:
    """Why a boundary or session policy stands in the way; None when none does."""
    limits = (("permissions boundary", who.boundary), ("session policy", who.session))
    for name, documents in limits:
        if documents is None:
            continue
        said = verdict(documents, access)
        if said is Verdict.DENY:
            return f"with an explicit deny in a {name}"
        if said is not Verdict.ALLOW:
            return f"because no {name} allows the {access.action} action"
    return None
