"""CloudTrail's event history behind the AuditTrail port.

The history needs no trail, keeps 90 days, and shows a call some minutes later. Which request parameters CloudTrail
keeps of SageMaker's calls is documented nowhere: an emergency's skip that it hides is as good as not asked for.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trimtab.aws.session import client
from trimtab.ports import Package
from trimtab.rollout.votes import SKIP, Caller, StatusChange

_CALLS = ("CreateModelPackage", "UpdateModelPackage")


class EventHistory:
    """Calls of this region that made or changed a package."""

    def __init__(self, cloudtrail: Any) -> None:
        self._cloudtrail = cloudtrail

    @classmethod
    def connect(cls) -> "EventHistory":
        """With this process's client."""
        return cls(client("cloudtrail"))

    def changes(self, package: Package) -> list[StatusChange]:
        """Oldest first; those of one second in the order of CloudTrail's own list."""
        found = [event for name in _CALLS for event in self._events(name, package)]
        return sorted((_change(event) for event in found), key=lambda change: change.at)

    def _events(self, name: str, package: Package) -> Iterator[Mapping[str, Any]]:
        """Oldest first. The package's time has more digits than an event's."""
        pages = self._cloudtrail.get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            StartTime=package.created.replace(microsecond=0),
        )
        newest_first = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
        return iter([event for event in reversed(newest_first) if _concerns(event, package.arn)])


def _concerns(event: Mapping[str, Any], package_arn: str) -> bool:
    """A call that took effect; the one that registered the package names it only in its answer."""
    named = [(event.get(part) or {}).get("modelPackageArn") for part in ("requestParameters", "responseElements")]
    return not event.get("errorCode") and package_arn in named


def _change(event: Mapping[str, Any]) -> StatusChange:
    asked = event.get("requestParameters") or {}
    skips = (asked.get("customerMetadataProperties") or {}).get(SKIP, "")
    return StatusChange(
        id=event["eventID"],
        status=asked.get("modelApprovalStatus", ""),
        by=_caller(event["userIdentity"]),
        at=datetime.fromisoformat(event["eventTime"]),
        reason=asked.get("approvalDescription", ""),
        skips=tuple(word.strip() for word in skips.split(",") if word.strip()),
        is_registration=event["eventName"] == "CreateModelPackage",
    )


def _caller(identity: Mapping[str, Any]) -> Caller:
    session = identity.get("sessionContext") or {}
    issuer = session.get("sessionIssuer") or {}
    arn = identity.get("arn") or identity.get("invokedBy") or identity.get("principalId", "")
    return Caller(arn, issuer.get("arn", ""), session.get("sourceIdentity", ""))
