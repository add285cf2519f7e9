"""The operations on alarms: put, describe, delete, set the state, switch actions, and read the history."""

import json
from collections.abc import Callable
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.cloudwatch.alarms import Alarm, AlarmBook, InvalidAlarm
from localcloud.cloudwatch.evaluation import Finding
from localcloud.cloudwatch.evaluator import Evaluator
from localcloud.cloudwatch.metric_operations import epoch

_RESPONSE: Final = "moto.cloudwatch.responses:CloudWatchResponse"
_PAGE: Final = 100
_STATES: Final = ("OK", "ALARM", "INSUFFICIENT_DATA")


def install(cloud: Cloud, evaluator: Evaluator) -> None:
    """moto's operations on alarms are replaced, and those it lacks are there."""
    operations = _Operations(cloud, evaluator)
    for name, operation in operations.replaced().items():
        cloud.patches.replace(f"{_RESPONSE}.{name}", operation, "alarms are never evaluated, and born OK")
    for name, operation in operations.added().items():
        cloud.patches.add(f"{_RESPONSE}.{name}", operation, "is not in moto")


def _method(operation: Callable[..., Any], **given: Any) -> Callable[[Any], Any]:
    return lambda response: operation(response, **given)


class _Operations:
    def __init__(self, cloud: Cloud, evaluator: Evaluator) -> None:
        self._cloud = cloud
        self._evaluator = evaluator

    def replaced(self) -> dict[str, Callable[[Any], Any]]:
        """The operations that moto has, too, by the names of its methods."""
        return {
            "put_metric_alarm": _method(self.put),
            "describe_alarms": _method(self.describe_alarms),
            "describe_alarms_for_metric": _method(self.describe_alarms_for_metric),
            "delete_alarms": _method(self.delete_alarms),
            "set_alarm_state": _method(self.set_alarm_state),
            "enable_alarm_actions": _method(self.switch_actions, enabled=True),
            "disable_alarm_actions": _method(self.switch_actions, enabled=False),
        }

    def added(self) -> dict[str, Callable[[Any], Any]]:
        """The operations that moto lacks."""
        return {
            "put_composite_alarm": _method(self.put),
            "describe_alarm_history": _method(self.describe_alarm_history),
        }

    def describe_alarms(self, response: Any) -> Any:
        from moto.core.responses import ActionResult

        params = response._get_params()
        unsupported = {"ChildrenOfAlarmName", "ParentsOfAlarmName"} & params.keys()
        if unsupported:
            raise NotImplementedError(f"DescribeAlarms with {', '.join(sorted(unsupported))}")
        found = [alarm for alarm in _book(response).values() if _is_wanted(alarm, params)]
        start = int(params.get("NextToken") or 0)
        end = start + int(params.get("MaxRecords") or _PAGE)
        page = sorted(found, key=lambda alarm: alarm.name)[start:end]
        answer: dict[str, Any] = {
            "MetricAlarms": [alarm.described() for alarm in page if alarm.rule is None],
            "CompositeAlarms": [alarm.described() for alarm in page if alarm.rule is not None],
        }
        return ActionResult(answer | ({"NextToken": str(end)} if end < len(found) else {}))

    def describe_alarms_for_metric(self, response: Any) -> Any:
        from moto.core.responses import ActionResult

        params = response._get_params()
        wanted = (params.get("Namespace"), params.get("MetricName"))
        dimensions = _sorted_dimensions(params)
        alarms = [
            alarm.described()
            for alarm in _book(response).values()
            if (alarm.settings.get("Namespace"), alarm.settings.get("MetricName")) == wanted
            and (not dimensions or _sorted_dimensions(alarm.settings) == dimensions)
        ]
        return ActionResult({"MetricAlarms": alarms})

    def delete_alarms(self, response: Any) -> Any:
        from moto.core.responses import EmptyResult

        book = _book(response)
        with book.lock:
            for name in response._get_param("AlarmNames", []):
                book.pop(name, None)
        return EmptyResult()

    def set_alarm_state(self, response: Any) -> Any:
        from moto.cloudwatch.exceptions import InvalidFormat, ResourceNotFound, ValidationError
        from moto.core.responses import EmptyResult

        params, book = response._get_params(), _book(response)
        alarm = book.get(params["AlarmName"])
        if alarm is None:
            raise ResourceNotFound("Unknown alarm")
        if params["StateValue"] not in _STATES:
            raise ValidationError(f"Value '{params['StateValue']}' at 'stateValue' must be one of {', '.join(_STATES)}")
        try:
            data = json.loads(params.get("StateReasonData") or "{}")
        except ValueError as error:
            raise InvalidFormat("StateReasonData was not syntactically valid JSON") from error
        finding = Finding(params["StateValue"], params["StateReason"], data)
        self._evaluator.change(response.region, book, alarm, finding, self._cloud.clock.now())
        return EmptyResult()

    def describe_alarm_history(self, response: Any) -> Any:
        from moto.core.responses import ActionResult

        params = response._get_params()
        items = [item for alarm in list(_book(response).values()) for item in alarm.history if _is_asked(item, params)]
        items.sort(key=lambda item: item["Timestamp"], reverse=params.get("ScanBy") != "TimestampAscending")
        start = int(params.get("NextToken") or 0)
        end = start + int(params.get("MaxRecords") or _PAGE)
        more = {"NextToken": str(end)} if end < len(items) else {}
        return ActionResult({"AlarmHistoryItems": items[start:end], **more})

    def put(self, response: Any) -> Any:
        from moto.cloudwatch.exceptions import ValidationError
        from moto.core.responses import EmptyResult

        settings = dict(response._get_params())
        try:
            alarm = _book(response).put(settings, self._cloud.clock.now())
        except InvalidAlarm as error:
            raise ValidationError(str(error)) from error
        if settings.get("Tags"):
            response.cloudwatch_backend.tagger.tag_resource(alarm.alarm_arn, settings["Tags"])
        self._evaluator.wake()
        return EmptyResult()

    def switch_actions(self, response: Any, *, enabled: bool) -> Any:
        from moto.core.responses import EmptyResult

        book = _book(response)
        for name in response._get_param("AlarmNames", []):
            if name in book:
                with book.lock:
                    book[name].settings["ActionsEnabled"] = enabled
        return EmptyResult()


def _book(response: Any) -> AlarmBook:
    book: AlarmBook = response.cloudwatch_backend.alarms
    return book


def _is_wanted(alarm: Alarm, params: dict[str, Any]) -> bool:
    """Without AlarmTypes only metric alarms are described, as on AWS."""
    kind = "CompositeAlarm" if alarm.rule is not None else "MetricAlarm"
    prefix = params.get("ActionPrefix")
    return (
        kind in (params.get("AlarmTypes") or ["MetricAlarm"])
        and alarm.name in (params.get("AlarmNames") or [alarm.name])
        and alarm.name.startswith(params.get("AlarmNamePrefix") or "")
        and alarm.state.value == (params.get("StateValue") or alarm.state.value)
        and (not prefix or any(arn.startswith(prefix) for arn in alarm.actions_for("ALARM")))
    )


def _is_asked(item: dict[str, Any], params: dict[str, Any]) -> bool:
    time = item["Timestamp"].timestamp()
    return (
        item["AlarmName"] == (params.get("AlarmName") or item["AlarmName"])
        and item["AlarmType"] in (params.get("AlarmTypes") or ["MetricAlarm"])
        and item["HistoryItemType"] == (params.get("HistoryItemType") or item["HistoryItemType"])
        and ("StartDate" not in params or time >= epoch(params["StartDate"]))
        and ("EndDate" not in params or time <= epoch(params["EndDate"]))
    )


def _sorted_dimensions(settings: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((item["Name"], item["Value"]) for item in settings.get("Dimensions") or ())
