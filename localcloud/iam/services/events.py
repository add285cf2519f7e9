"""Amazon EventBridge. Source: service authorization reference."""

from collections.abc import Iterator

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

_GLOBAL = frozenset({"ListRules", "ListEventBuses", "ListRuleNamesByTarget", "TestEventPattern", "ListArchives"})


def accesses(call: Call) -> Iterator[Access]:
    """One access per event for PutEvents, one for the rule, bus or archive otherwise."""
    parameters = call.parameters
    if call.operation == "PutEvents":
        yield from _events(call)
    elif call.operation in _GLOBAL:
        yield Access(call.action, "*")
    elif "EventBus" in call.operation or call.operation in ("PutPermission", "RemovePermission"):
        yield Access(call.action, _bus(call, call.text("Name") or call.text("EventBusName")))
    elif call.text("ResourceARN"):
        yield Access(call.action, call.text("ResourceARN"))
    else:
        name, bus = call.text("Rule") or call.text("Name"), call.text("EventBusName").rpartition("/")[2]
        path = name if bus in ("", "default") else f"{bus}/{name}"
        targets = tuple(str(one["Arn"]) for one in parameters.get("Targets", []))
        context = {"events:targetarn": targets} if targets else {}
        yield Access(call.action, call.arn(f"rule/{path}"), context | {"events:creatoraccount": (call.account,)})


def _events(call: Call) -> Iterator[Access]:
    for entry in call.parameters.get("Entries", []):
        context = {"events:source": (str(entry.get("Source")),), "events:detail-type": (str(entry.get("DetailType")),)}
        yield Access(call.action, _bus(call, str(entry.get("EventBusName") or "default")), context)


def _bus(call: Call, name: str) -> str:
    return name if name.startswith("arn:") else call.arn(f"event-bus/{name or 'default'}")
