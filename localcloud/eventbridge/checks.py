"""What EventBridge and Scheduler refuse at the call: patterns, expressions, inputs and targets that cannot work."""

import functools
import json
from collections.abc import Callable
from typing import Any

from localcloud.clock import Clock
from localcloud.cloud import Cloud
from localcloud.eventbridge import pattern
from localcloud.eventbridge.expressions import At, InvalidExpression, parse
from localcloud.eventbridge.targets import EVENTS, SCHEDULER, UnsupportedTarget, validate_target
from localcloud.eventbridge.transform import InvalidInput, validate_input

_EVENTS = "moto.events.models"
_SCHEDULER = "moto.scheduler.models:EventBridgeSchedulerBackend"


def install(cloud: Cloud) -> None:
    """PutRule, PutTargets, CreateSchedule and UpdateSchedule refuse what the local cloud would not run."""
    replace = cloud.patches.replace
    replace(f"{_EVENTS}:EventPattern.load", classmethod(_load), "an unknown operator matches everything")
    replace(f"{_EVENTS}:EventPattern.matches_event", _matches_event, "no arrays of objects, and true equals 1")
    replace("moto.events.responses:EventsHandler.test_event_pattern", _test_event_pattern, "answers nothing")
    stamped = functools.partial(_stamping, cloud.clock)
    _wrap(cloud, f"{_EVENTS}:EventsBackend.put_rule", lambda o: stamped(_checking_rule(o)), "accepts any expression")
    _wrap(cloud, f"{_EVENTS}:Rule.enable", functools.partial(_stamping_itself, cloud.clock), "no schedules")
    _wrap(cloud, f"{_EVENTS}:EventsBackend.put_targets", _checking_targets, "accepts targets that nothing runs")
    for name in ("create_schedule", "update_schedule"):
        _wrap(
            cloud, f"{_SCHEDULER}.{name}", lambda o: stamped(_checking_schedule(o)), "accepts any expression and target"
        )


def _wrap(cloud: Cloud, target: str, wrapper: Callable[[Callable[..., Any]], object], reason: str) -> None:
    original: list[Callable[..., Any]] = []
    original.append(cloud.patches.replace(target, wrapper(lambda *a, **k: original[0](*a, **k)), reason))


def _stamping(clock: Clock, original: Callable[..., Any]) -> Callable[..., Any]:
    """The rule or schedule that `original` returns knows (`timed_from`) since when its ticks count."""

    def put(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        timed = original(backend, *arguments, **keywords)
        timed.timed_from = clock.now()
        return timed

    return put


def _stamping_itself(clock: Clock, original: Callable[..., Any]) -> Callable[..., Any]:
    def enable(rule: Any) -> None:
        rule.timed_from = clock.now()
        original(rule)

    return enable


def _load(cls: Any, raw: str | None) -> Any:
    from moto.events.exceptions import InvalidEventPatternException

    try:
        wanted = json.loads(raw) if raw else {}
        if raw:
            pattern.validate(wanted)
    except ValueError as error:
        raise InvalidEventPatternException(reason=str(error)) from error
    return cls(raw, wanted)


def _matches_event(loaded: Any, event: dict[str, Any]) -> bool:
    return not loaded.get_pattern() or pattern.matches(event, loaded.get_pattern())


def _test_event_pattern(handler: Any) -> str:
    from moto.events.models import EventPattern

    wanted = EventPattern.load(handler._get_param("EventPattern"))
    return json.dumps({"Result": wanted.matches_event(json.loads(handler._get_param("Event")))})


def _checking_rule(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_rule(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        from moto.events.exceptions import ValidationException

        text = keywords.get("scheduled_expression")
        try:
            if text and isinstance(parse(text), At):
                raise InvalidExpression(f"Invalid Schedule Expression {text}: a rule takes rate(...) or cron(...).")
        except InvalidExpression as error:
            raise ValidationException(f"Parameter ScheduleExpression is not valid. {error}") from error
        return original(backend, *arguments, **keywords)

    return put_rule


def _checking_targets(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_targets(backend: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> Any:
        from moto.events.exceptions import ValidationException

        try:
            for target in targets:
                validate_target(target, EVENTS)
                validate_input(target)
        except (UnsupportedTarget, InvalidInput) as error:
            raise ValidationException(str(error)) from error
        return original(backend, name, event_bus_arn, targets)

    return put_targets


def _checking_schedule(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_schedule(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        from moto.scheduler.exceptions import ValidationException

        try:
            parse(keywords["schedule_expression"], keywords.get("schedule_expression_timezone"))
            validate_target(keywords["target"], SCHEDULER)
        except (InvalidExpression, UnsupportedTarget) as error:
            raise ValidationException(str(error)) from error
        return original(backend, *arguments, **keywords)

    return put_schedule
