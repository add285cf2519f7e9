"""Decides whether a principal may make a call, over all that the call needs."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar

from localcloud.iam.accesses import accesses, global_context
from localcloud.iam.calls import Call
from localcloud.iam.decision import Denial, Principal, decide
from localcloud.iam.encryption import key_accesses
from localcloud.iam.patterns import Context
from localcloud.iam.policies import Access, Document, parse
from localcloud.iam.principals import Principals
from localcloud.iam.records import Record, Records
from localcloud.iam.resource_policies import is_missing, resource_policy
from localcloud.iam.resource_tags import ResourceTags, TaggedContext
from localcloud.iam.roles import ASSUME, assuming, passed_roles

_NEEDS_NOTHING = frozenset({"sts:GetCallerIdentity"})
_KEY_POLICY_FREE = frozenset({"kms:CreateKey", "kms:ListKeys", "kms:ListAliases", "kms:GenerateRandom"})

# objects that the request of this thread may not delete: the others of its batch are deleted all the same
denied_deletions: ContextVar[frozenset[str]] = ContextVar("denied_deletions", default=frozenset())


class Authorization:
    """IAM of one account; `now` is the time by which conditions are judged."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        self._account = account
        self._now = now
        self.principals = Principals(account)
        self.records = Records()
        self.tags = ResourceTags(account)

    def denial(self, who: Principal, call: Call, source_ip: str) -> Denial | None:
        """Why `who` may not make the call; None when they may."""
        context = global_context(call, who, source_ip, self._now())
        if call.action == ASSUME:
            return self._assuming(who, call, context)
        if who.is_administrator or call.action in _NEEDS_NOTHING:
            return None
        denials = (self._one(who, access, context, call.account) for access in _needed(call, who))
        if call.operation == "DeleteObjects":
            denied_deletions.set(frozenset(denial.resource for denial in denials if denial is not None))
            return None
        found = next((denial for denial in denials if denial is not None), None)
        return found or self._hidden_object(who, call, context)

    def denial_of_role(self, role_arn: str, access: Access) -> Denial | None:
        """Why a service may not do something in the name of a role."""
        role = self.principals.role(role_arn)
        if role is None:
            return Denial(role_arn, access.action, access.resource, "because there is no such role")
        return self.denial_of(self.principals.of_role(role), access)

    def denial_of(self, who: Principal, access: Access) -> Denial | None:
        """Why somebody may not have one access, apart from any call."""
        service, _, operation = access.action.partition(":")
        region = access.resource.split(":")[3] if access.resource.startswith("arn:") else ""
        call = Call(service, operation, {}, region, self._account)
        return self._one(who, access, global_context(call, who, "", self._now()), self._account)

    def _assuming(self, who: Principal, call: Call, context: Context) -> Denial | None:
        role = self.principals.role(call.text("RoleArn"))
        access = assuming(who, call, role)
        if isinstance(access, Denial) or who.is_administrator:
            return access if isinstance(access, Denial) else None
        trust = parse(role.assume_role_policy_document) if role is not None else None
        return self._decided(who, access, context, trust, "trust policy")

    def _one(self, who: Principal, access: Access, context: Context, account: str) -> Denial | None:
        if who.identity.service and is_missing(access.resource, account):
            return None  # the service itself says that there is no such thing
        policy = resource_policy(access.resource, account)
        must_allow = access.action.startswith("kms:") and access.action not in _KEY_POLICY_FREE and policy is not None
        return self._decided(who, access, context, policy, "resource-based policy" if must_allow else "")

    def _decided(
        self, who: Principal, access: Access, context: Context, policy: Document | None, must_allow: str
    ) -> Denial | None:
        keys = TaggedContext({**context, **access.context}, access.resource, self.tags.of)
        full = Access(access.action, access.resource, keys)
        denial = decide(who, full, policy, must_allow=must_allow)
        self.records.add(Record(who, full, policy, must_allow, is_allowed=denial is None))
        return denial

    def _hidden_object(self, who: Principal, call: Call, context: Context) -> Denial | None:
        """S3 does not tell whether an object exists to somebody who may not list its bucket."""
        if call.service != "s3" or call.operation not in ("GetObject", "HeadObject") or _exists(call):
            return None
        listing = Access("s3:ListBucket", f"arn:aws:s3:::{call.text('Bucket')}")
        return self._one(who, listing, context, call.account)


def _needed(call: Call, who: Principal) -> Iterator[Access]:
    yield from accesses(call)
    if not who.identity.service:
        yield from passed_roles(call)
    yield from key_accesses(call)


def _exists(call: Call) -> bool:
    from moto.s3.models import s3_backends

    bucket = s3_backends[call.account]["aws"].buckets.get(call.text("Bucket"))
    return bucket is None or call.text("Key") in bucket.keys
