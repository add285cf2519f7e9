"""What EventBridge and Scheduler refuse at the call: patterns, expressions, inputs and targets that cannot work."""

import functools
import json
from collections.abc import Callable
from typing import Any, Final

from localcloud.clock import Clock
from localcloud.cloud import Cloud
from localcloud.eventbridge import pattern
from localcloud.eventbridge.expressions import At, InvalidExpression, parse
from localcloud.eventbridge.targets import EVENTS, SCHEDULER, UnsupportedTarget, validate_target
from localcloud.eventbridge.transform import InvalidInput, validate_input

MOST_TARGETS: Final = 5
_EVENTS: Final = "moto.events.models"
_HANDLER: Final = "moto.events.responses:EventsHandler"
_SCHEDULER: Final = "moto.scheduler.models:EventBridgeSchedulerBackend"
_EARLIEST_START_SECONDS: Final = 300

_Function = Callable[..., Any]


def install(cloud: Cloud) -> None:
    """PutRule, PutTargets, CreateSchedule and UpdateSchedule refuse what the local cloud would not run."""
    replace, wrap = cloud.patches.replace, cloud.patches.wrap
    replace(f"{_EVENTS}:EventPattern.load", classmethod(_load), "an unknown operator matches everything")
    replace(f"{_EVENTS}:EventPattern.matches_event", _matches_event, "no arrays of objects, and true equals 1")
    replace(f"{_HANDLER}.test_event_pattern", _test_event_pattern, "answers nothing")
    handler = "moto.scheduler.responses:EventBridgeSchedulerResponse.update_schedule"
    wrap(handler, _taking_the_action, "ignores ActionAfterCompletion")
    stamped = functools.partial(_stamping, cloud.clock)
    wrap(f"{_EVENTS}:EventsBackend.put_rule", lambda o: stamped(_checking_rule(o)), "accepts any expression")
    wrap(f"{_EVENTS}:Rule.enable", functools.partial(_stamping_itself, cloud.clock), "no schedules")
    wrap(f"{_EVENTS}:EventsBackend.put_targets", _checking_targets, "accepts targets that nothing runs")
    for name in ("create_schedule", "update_schedule"):
        wrap(
            f"{_SCHEDULER}.{name}",
            lambda o: stamped(_checking_schedule(cloud.clock, o)),
            "accepts any expression and target",
        )


def _taking_the_action(original: _Function) -> _Function:
    def update_schedule(handler: Any) -> str:
        answer = str(original(handler))
        name = handler.uri.split("?")[0].split("/")[-1]
        schedule = handler.scheduler_backend.get_schedule(handler._get_param("GroupName"), name)
        schedule.action_after_completion = handler._get_param("ActionAfterCompletion")
        return answer

    return update_schedule


def _stamping(clock: Clock, original: _Function) -> _Function:
    """The rule or schedule that `original` returns knows (`timed_from`) since when its ticks count."""

    def put(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        timed = original(backend, *arguments, **keywords)
        timed.timed_from = clock.now()
        return timed

    return put


def _stamping_itself(clock: Clock, original: _Function) -> _Function:
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


def _checking_rule(original: _Function) -> _Function:
    def put_rule(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        from moto.events.exceptions import ValidationException

        if keywords.get("state") not in (None, "ENABLED", "DISABLED"):
            raise NotImplementedError(f"rules in the state {keywords['state']}: there is no CloudTrail here")
        text = keywords.get("scheduled_expression")
        try:
            if text and isinstance(parse(text), At):
                raise InvalidExpression("a rule takes rate(...) or cron(...)")
        except InvalidExpression as error:
            raise ValidationException("Parameter ScheduleExpression is not valid.") from error
        return original(backend, *arguments, **keywords)

    return put_rule


def _checking_targets(original: _Function) -> _Function:
    def put_targets(backend: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> Any:
        from moto.core.exceptions import JsonRESTError
        from moto.events.exceptions import ValidationException

        try:
            for target in targets:
                validate_target(target, EVENTS)
                validate_input(target)
        except (UnsupportedTarget, InvalidInput) as error:
            raise ValidationException(str(error)) from error
        bus = backend.event_buses.get((event_bus_arn or "default").rsplit("/", 1)[-1])
        rule = bus.rules.get(name) if bus else None
        if rule and len({target["Id"] for target in [*rule.targets, *targets]}) > MOST_TARGETS:
            raise JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        return original(backend, name, event_bus_arn, targets)

    return put_targets


def _checking_schedule(clock: Clock, original: _Function) -> _Function:
    def put_schedule(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        from moto.scheduler.exceptions import ValidationException

        try:
            expression = parse(keywords["schedule_expression"], keywords.get("schedule_expression_timezone"))
            validate_target(keywords["target"], SCHEDULER)
        except (InvalidExpression, UnsupportedTarget) as error:
            raise ValidationException(str(error)) from error
        window = keywords["flexible_time_window"]
        if (window["Mode"] == "FLEXIBLE") != bool(window.get("MaximumWindowInMinutes")):
            raise ValidationException("MaximumWindowInMinutes goes with the mode FLEXIBLE of a FlexibleTimeWindow.")
        refusal = _refused_dates(keywords, clock.now())
        if refusal and not isinstance(expression, At):  # a one-time schedule ignores them
            raise ValidationException(refusal)
        return original(backend, *arguments, **keywords)

    return put_schedule


def _refused_dates(keywords: dict[str, Any], now: float) -> str | None:
    starts, ends = (keywords.get(name) for name in ("start_date", "end_date"))
    if starts is not None and starts < now - _EARLIEST_START_SECONDS:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    if ends is not None and ends < max(now, starts or now):
        return "The EndDate you specify must be in the future and after the StartDate."
    return None
