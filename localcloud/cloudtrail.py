"""CloudTrail's event history: who called which of SageMaker's operations, with what, for LookupEvents.

Source: CloudTrail user guide, "CloudTrail record contents" and "CloudTrail userIdentity element". Only SageMaker's
operations that change something are written down, and not those that IAM refuses. On AWS an event can be looked up
some minutes after the call (AWS says 15 at most, and about 5 on average), here at once. There are no trails, so nothing
of it is on the event bus.
"""

import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from localcloud import api
from localcloud.api import ApiError, Request
from localcloud.cloud import Cloud
from localcloud.locks import read_body
from localcloud.wire import signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READING: Final = ("Describe", "List", "Search", "Get", "BatchDescribe", "Query")
_DAYS_KEPT: Final = 90
_MOST_IN_AN_ANSWER: Final = 50
_ATTRIBUTES: Final = {
    "AccessKeyId": "AccessKeyId",
    "EventId": "EventId",
    "EventName": "EventName",
    "EventSource": "EventSource",
    "ReadOnly": "ReadOnly",
    "Username": "Username",
}
Event = dict[str, Any]


class History:
    """What has been called in each region, the oldest first; it outlives the process."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._events: dict[str, list[Event]] = {}
        self._lock = threading.Lock()
        self._kept = cloud.durable.keep("cloudtrail", dump=_no_row, load=self._load)

    def add(self, region: str, event: Event) -> None:
        """The event can be looked up."""
        with self._lock:
            events = self._events.setdefault(region, [])
            events.append(event)
            number = len(events)
        self._kept.append(event, region, number)

    def newest_first(self, region: str) -> list[Event]:
        """The events of the last 90 days."""
        since = self._cloud.clock.utcnow() - timedelta(days=_DAYS_KEPT)
        with self._lock:
            events = list(self._events.get(region, []))
        return [event for event in reversed(events) if event["EventTime"] >= since]

    def _load(self, row: Event, region: str, _number: int) -> None:
        self._events.setdefault(region, []).append(row)


def install(_cloud: Cloud) -> None:
    """Nothing of moto's is changed."""


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Calls of SageMaker go through and are written down; LookupEvents is answered."""
    history = History(cloud)
    operations = {"LookupEvents": lambda request: _lookup(history, request)}
    app = api.middleware(app, signing_name="cloudtrail", model_name="cloudtrail", operations=operations)

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        scheme, _, name = str(environ.get("HTTP_X_AMZ_TARGET", "")).partition(".")
        signed = signature(environ)
        if scheme != "SageMaker" or name.startswith(_READING) or signed is None:
            return app(environ, start_response)
        asked = json.loads(read_body(environ) or b"{}")
        said: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            said.append(status)
            return start_response(status, headers, *more)

        answer = b"".join(app(environ, start))
        caller = _identity(cloud, signed.access_key, signed.region)
        history.add(signed.region, _event(cloud, signed.region, name, asked, (said[0], answer), caller))
        return [answer]

    return run


def _event(
    cloud: Cloud, region: str, name: str, asked: Mapping[str, Any], answered: tuple[str, bytes], caller: Event
) -> Event:
    now = cloud.clock.utcnow().replace(microsecond=0)
    status, body = answered
    said = json.loads(body or b"{}")
    is_done = status.startswith("2")
    record = {
        "eventVersion": "1.11",
        "userIdentity": caller,
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": _first_letters_small(asked),
        "responseElements": _first_letters_small(said) if is_done else None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": cloud.account,
        "eventCategory": "Management",
    }
    if not is_done:
        record |= {"errorCode": str(said.get("__type", status)), "errorMessage": str(said.get("message", ""))}
    return {
        "EventId": record["eventID"],
        "EventName": name,
        "ReadOnly": "false",
        "AccessKeyId": caller["accessKeyId"],
        "EventTime": now,
        "EventSource": record["eventSource"],
        "Username": caller["arn"].rpartition("/")[2],
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }


def _identity(cloud: Cloud, key: str, region: str) -> Event:
    """The userIdentity element of the holder of an access key: the identity that STS would name."""
    from moto.sts.models import sts_backends

    user_id, arn, account = sts_backends[cloud.account]["aws"].get_caller_identity(key, region)
    found = {"principalId": user_id, "arn": arn, "accountId": account, "accessKeyId": key}
    held = cloud.authorization.principals.by_access_key(key)
    if held is None or held.role_arn is None:
        return {"type": "IAMUser", **found, "userName": arn.rpartition("/")[2]}
    issuer = {
        "type": "Role",
        "principalId": user_id.partition(":")[0],
        "arn": held.role_arn,
        "accountId": account,
        "userName": held.role_arn.rpartition("/")[2],
    }
    return {"type": "AssumedRole", **found, "sessionContext": {"sessionIssuer": issuer, "attributes": {}}}


def _first_letters_small(value: Any, *, is_named: bool = True) -> Any:
    """As CloudTrail writes members of requests; the keys of maps (properties, environments) stay as they are."""
    if isinstance(value, dict):
        named = {name[:1].lower() + name[1:] if is_named else name: (name, each) for name, each in value.items()}
        return {short: _first_letters_small(each, is_named=name not in _MAPS) for short, (name, each) in named.items()}
    if isinstance(value, list):
        return [_first_letters_small(each) for each in value]
    return value


_MAPS: Final = frozenset({"CustomerMetadataProperties", "Environment", "HyperParameters", "Properties", "Parameters"})


def _lookup(history: History, request: Request) -> dict[str, Any]:
    asked = request.parameters
    attributes = asked.get("LookupAttributes", [])
    if len(attributes) > 1:
        raise ApiError("InvalidLookupAttributesException", "Currently the list can contain only one item.")
    found = [event for event in history.newest_first(request.region) if _is_asked_for(event, asked, attributes)]
    start = int(asked.get("NextToken") or 0)
    end = start + min(int(asked.get("MaxResults") or _MOST_IN_AN_ANSWER), _MOST_IN_AN_ANSWER)
    return {"Events": found[start:end], **({"NextToken": str(end)} if end < len(found) else {})}


def _is_asked_for(event: Event, asked: Mapping[str, Any], attributes: Iterable[Mapping[str, str]]) -> bool:
    start, end = (_aware(asked.get(name)) for name in ("StartTime", "EndTime"))
    if (start and event["EventTime"] < start) or (end and event["EventTime"] > end):
        return False
    return all(event.get(_ATTRIBUTES.get(one["AttributeKey"], "")) == one["AttributeValue"] for one in attributes)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _no_row(*_key: Any) -> None:
    """Rows are appended when they are made."""
