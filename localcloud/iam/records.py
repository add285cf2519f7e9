"""What IAM has decided so far: one record of each kind of access, with which policies can be judged again later."""

import json
import threading
from dataclasses import asdict, dataclass, replace
from typing import Any

from localcloud.iam.decision import Principal
from localcloud.iam.policies import Access, Document, speaking

_MOST_KINDS = 10_000


@dataclass(frozen=True)
class Record:
    """One decision and everything that it was made from."""

    who: Principal
    access: Access
    resource_policy: Document | None
    must_allow: str
    is_allowed: bool

    def kind(self) -> tuple[str, ...]:
        """The same for accesses of one principal of which the same statements speak; a service has none of its own."""
        who, access = self.who, self.access
        own = speaking((*who.policies, *(who.boundary or ()), *(who.session or ())), access)
        theirs = speaking([self.resource_policy] if self.resource_policy else [], access, who.identity)
        whose = who.role_arn or f"{who.arn} on {access.resource}"
        return (whose, access.action, str(own), str(theirs), str(self.is_allowed))


class Records:
    """The first decision of each kind, up to ten thousand kinds."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], Record] = {}
        self._lock = threading.Lock()

    def add(self, record: Record) -> None:
        """The record is kept, unless there is one of its kind already."""
        kind = record.kind()
        with self._lock:
            if len(self._kept) < _MOST_KINDS and kind not in self._kept:
                access = record.access
                plain = Access(access.action, access.resource, dict(access.context))
                self._kept[kind] = replace(record, access=plain)

    def listed(self) -> list[dict[str, Any]]:
        """All records as JSON values, the oldest first."""
        with self._lock:
            kept = list(self._kept.values())
        listed: list[dict[str, Any]] = json.loads(json.dumps([asdict(record) for record in kept], default=list))
        return listed
