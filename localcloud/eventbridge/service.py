"""EventBridge and Scheduler in moto made to work: every operation that routes, checks or fires is replaced here."""

import json
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.eventbridge import checks, key_events, pattern
from localcloud.eventbridge.delivery import Deliveries
from localcloud.eventbridge.schedules import Timetable
from localcloud.eventbridge.targets import EVENTS, Message, Sender
from localcloud.eventbridge.transform import Occurrence, body_of, envelope
from localcloud.timestamps import iso_seconds, received

_MOST_ENTRIES: Final = 10
_MOST_BYTES: Final = 1024 * 1024  # 256 KB until 2026
_TIME_BYTES: Final = 14


def install(cloud: Cloud) -> None:
    """Rules and schedules run their targets, and `cloud.emit` puts events of AWS services on the default bus."""
    deliveries = Deliveries(cloud)
    bus = Bus(cloud, deliveries)
    cloud.emit = bus.emit
    checks.install(cloud)
    key_events.install(cloud)

    def put_events(backend: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return bus.put_events(backend, events)

    cloud.patches.replace(
        "moto.events.models:EventsBackend.put_events", put_events, "runs few kinds of targets, and without their role"
    )
    timetable = Timetable(cloud, deliveries, bus.fire)
    cloud.admin_routes["schedules"] = lambda _method, _body: timetable.upcoming()
    cloud.durable.after_load(deliveries.start)
    cloud.durable.after_load(timetable.start)


class Bus:
    """Takes events in and hands each to the targets of the rules that match it."""

    def __init__(self, cloud: Cloud, deliveries: Deliveries) -> None:
        self._cloud = cloud
        self._deliveries = deliveries

    def emit(
        self,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        *,
        region: str | None = None,
        time: float | None = None,
    ) -> None:
        """An event of an AWS service has been routed on the default bus."""
        from moto.events.models import events_backends

        bus = events_backends[self._cloud.account][region or self._cloud.region].event_buses["default"]
        moment = self._cloud.clock.now() if time is None else time
        self._route(bus, envelope(bus.arn, source, detail_type, detail, moment) | {"resources": resources})

    def fire(self, rule: Any, occurrence: Occurrence, delay: float = 0.0) -> None:
        """Every target of the rule is on its way, after `delay` virtual seconds."""
        due = self._cloud.clock.now() + delay
        for target in list(rule.targets):
            body = body_of(target, occurrence)
            self._deliveries.submit(Message(target, body, occurrence.event, Sender(EVENTS, rule.arn)), due)

    def _route(self, bus: Any, event: dict[str, Any]) -> None:
        received_at = iso_seconds(self._cloud.clock.now())
        plain = json.loads(json.dumps(event))
        matching = [rule for rule in list(bus.rules.values()) if _takes(rule, plain)]
        for delay in self._cloud.faults.arrivals(plain):
            for rule in matching:
                self.fire(rule, Occurrence(plain, rule.arn, received_at), delay)

    def put_events(self, backend: Any, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The entries have been routed on their buses; the answer has one item for each, as PutEvents gives it.

        As on AWS, an event for a bus that does not exist is accepted, and reaches nobody.
        """
        from moto.events.exceptions import ValidationException

        if not 1 <= len(entries) <= _MOST_ENTRIES:
            raise ValidationException(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
                "Member must have length less than or equal to 10 and greater than or equal to 1"
            )
        if sum(map(_size, entries)) > _MOST_BYTES:
            raise ValidationException("Total size of the entries in the request is over the limit.")
        return [self._put_event(backend, entry) for entry in entries]

    def _put_event(self, backend: Any, entry: dict[str, Any]) -> dict[str, Any]:
        refusal = _refusal(entry)
        if refusal is not None:
            return refusal
        clock, given = self._cloud.clock, entry.get("Time")
        moment = clock.now() if given is None else received(clock, float(given))
        bus = backend.event_buses.get((entry.get("EventBusName") or "default").split("/")[-1])
        place = backend.event_buses["default"].arn
        event = envelope(place, entry["Source"], entry["DetailType"], json.loads(entry["Detail"]), moment)
        event["resources"] = entry.get("Resources") or []
        if bus is not None:
            self._route(bus, event)
        return {"EventId": event["id"]}


def _takes(rule: Any, event: dict[str, Any]) -> bool:
    wanted = rule.event_pattern.get_pattern()
    return rule.state == "ENABLED" and bool(wanted) and pattern.matches(event, wanted)


def _size(entry: dict[str, Any]) -> int:
    """As "Calculating PutEvents event entry size" has it."""
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or [])]
    return sum(len(str(text).encode()) for text in texts if text) + (_TIME_BYTES if entry.get("Time") else 0)


def _refusal(entry: dict[str, Any]) -> dict[str, str] | None:
    for field in ("Source", "DetailType", "Detail"):
        if not entry.get(field):
            reason = f"Parameter {field} is not valid. Reason: {field} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if entry["Source"].startswith("aws."):
        reason = "Not authorized for the source."
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": reason}
    try:
        is_object = isinstance(json.loads(entry["Detail"]), dict)
    except ValueError:
        is_object = False
    return None if is_object else {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
