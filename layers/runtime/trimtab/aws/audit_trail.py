"""CloudTrail's event history behind the EventPages port.

The history needs no trail, keeps 90 days, and shows a call some minutes later. Which request parameters CloudTrail
keeps of SageMaker's calls is documented nowhere: an emergency's skip that it hides is as good as not asked for. Nor is
it documented that it names their packages as resources, so they are looked for by the operation's name.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import TrailNotRead
from trimtab.rollout.trail import Page
from trimtab.rollout.votes import SKIP, Caller, StatusChange

_PAUSE_S: Final = 0.5
"""Between two pages: CloudTrail answers two calls a second, for the whole account and region."""
_BUSY: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})
Json = Mapping[str, Any]


class EventHistory:
    """Calls of this region that made or changed a package."""

    def __init__(self, cloudtrail: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._cloudtrail, self._sleep = cloudtrail, sleep

    @classmethod
    def connect(cls) -> "EventHistory":
        """With this process's client."""
        return cls(client("cloudtrail"))

    def pages(self, call: str, package_arn: str, start: datetime, end: datetime | None) -> Iterator[Page]:
        """Newest first. Raises TrailNotRead when CloudTrail throttles also the client's own retries."""
        try:
            for answer in self._answers(call, start, end):
                yield _page(answer, package_arn)
                if answer.get("NextToken"):
                    self._sleep(_PAUSE_S)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _BUSY:
                raise
            raise TrailNotRead(
                "CloudTrail throttles LookupEvents (two calls a second for the account and region), so the approvals "
                "are not counted yet: the next attempt goes on from where this one stopped"
            ) from error

    def _answers(self, call: str, start: datetime, end: datetime | None) -> Iterator[Json]:
        until = {} if end is None else {"EndTime": end}
        paginator = self._cloudtrail.get_paginator("lookup_events")
        asked = [{"AttributeKey": "EventName", "AttributeValue": call}]
        yield from paginator.paginate(LookupAttributes=asked, StartTime=start, **until)


def _page(answer: Json, package_arn: str) -> Page:
    events = [json.loads(event["CloudTrailEvent"]) for event in answer["Events"]]
    changes = tuple(_change(event) for event in events if _concerns(event, package_arn))
    return Page(changes, _at(events[-1]) if events else None, bool(answer.get("NextToken")))


def _concerns(event: Json, package_arn: str) -> bool:
    """A call that took effect; the one that registered the package names it only in its answer."""
    named = [(event.get(part) or {}).get("modelPackageArn") for part in ("requestParameters", "responseElements")]
    return not event.get("errorCode") and package_arn in named


def _at(event: Json) -> datetime:
    return datetime.fromisoformat(event["eventTime"])


def _change(event: Json) -> StatusChange:
    asked = event.get("requestParameters") or {}
    skips = (asked.get("customerMetadataProperties") or {}).get(SKIP, "")
    return StatusChange(
        id=event["eventID"],
        status=asked.get("modelApprovalStatus", ""),
        by=_caller(event["userIdentity"]),
        at=_at(event),
        reason=asked.get("approvalDescription", ""),
        skips=tuple(word.strip() for word in skips.split(",") if word.strip()),
        is_registration=event["eventName"] == "CreateModelPackage",
    )


def _caller(identity: Json) -> Caller:
    session = identity.get("sessionContext") or {}
    issuer = session.get("sessionIssuer") or {}
    arn = identity.get("arn") or identity.get("invokedBy") or identity.get("principalId", "")
    return Caller(arn, issuer.get("arn", ""), session.get("sourceIdentity", ""))
