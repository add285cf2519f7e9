"""Rules, buses and queues for the tests of events."""

import json
from typing import Any

from .account import Account, allow


def queue_for(account: Account, *services: str) -> tuple[str, str]:
    """The URL and ARN of a queue to which these services may send."""
    url, arn = account.queue()
    statement = allow("sqs:SendMessage", on=arn, Principal={"Service": list(services or ("events.amazonaws.com",))})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def rule(account: Account, pattern: dict[str, Any], *targets: dict[str, Any], **settings: Any) -> str:
    """The name of a new rule with these targets."""
    events, name = account.client("events"), account.unique("rule")
    bus = {"EventBusName": settings.get("EventBusName", "default")}
    events.put_rule(Name=name, **({"EventPattern": json.dumps(pattern)} if pattern else {}), **settings)
    account.later(events.delete_rule, Name=name, **bus)
    given = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    if given:
        assert events.put_targets(Rule=name, Targets=given, **bus)["FailedEntryCount"] == 0
        account.later(events.remove_targets, Rule=name, Ids=[target["Id"] for target in given], **bus)
    return name


def bus(account: Account) -> str:
    events, name = account.client("events"), account.unique("bus")
    events.create_event_bus(Name=name)
    account.later(events.delete_event_bus, Name=name)
    return name


def put(account: Account, source: str, *details: Any, **more: Any) -> dict[str, Any]:
    """PutEvents' answer to one entry for each detail."""
    entries = [{"Source": source, "DetailType": "Test", "Detail": json.dumps(one), **more} for one in details]
    answer: dict[str, Any] = account.client("events").put_events(Entries=entries)
    return answer


def bodies(account: Account, url: str, count: int = 1) -> list[Any]:
    return [json.loads(message["Body"]) for message in account.receive(url, count)]


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
