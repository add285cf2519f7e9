"""What a change of an alarm's state sends out: the event on the default bus, and messages to SNS and Lambda."""

import functools
import json
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.cloudwatch.alarms import SCALING, Alarm, Query, State
from localcloud.cloudwatch.suppression import Suppression
from localcloud.timestamps import iso_milliseconds

_PRINCIPAL = "cloudwatch.amazonaws.com"
_LAMBDA_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"


class Notices:
    """Sends from a thread of its own, because the caller may hold the lock that a receiver needs."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def start(self) -> None:
        """The sender runs until the process ends."""
        threading.Thread(target=self._work, name="cloudwatch-notices", daemon=True).start()

    def tell(self, alarm: Alarm, before: State, region: str, held: Suppression | None = None) -> None:
        """The event is on its way; `held` is what has held the actions of the state back until now."""
        after = alarm.state
        self._cloud.emit(
            "aws.cloudwatch",
            "CloudWatch Alarm State Change",
            _event_detail(alarm, before, after, held),
            [alarm.alarm_arn],
            region=region,
            time=after.since,
        )

    def act(self, alarm: Alarm, before: State, region: str) -> None:
        """When they are enabled, the actions of the alarm's present state are on their way."""
        after = alarm.state
        for arn in alarm.actions_for(after.value) if alarm.actions_enabled else ():
            self._jobs.put(functools.partial(self._act, arn, alarm, before, after, region))

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:  # the sender outlives any one message
                traceback.print_exc()

    def _act(self, arn: str, alarm: Alarm, before: State, after: State, region: str) -> None:
        succeeded = True
        try:
            if ":sns:" in arn:
                self._publish(arn, alarm, before, after, region)
            elif SCALING not in arn:
                self._invoke(arn, alarm, before, after, region)
        except (ClientError, BotoCoreError) as error:
            succeeded = False
            print(f"alarm {alarm.name} could not run its action {arn}: {error}", file=sys.stderr, flush=True)
        outcome = "Successfully executed" if succeeded else "Failed to execute"
        data = {"actionState": "Succeeded" if succeeded else "Failed", "notificationResource": arn}
        alarm.remember("Action", f"{outcome} action {arn}", data, after.since)

    def _publish(self, arn: str, alarm: Alarm, before: State, after: State, region: str) -> None:
        place = region_name(region)
        message = _sns_message(alarm, before, after, self._cloud.account, place)
        subject = f'{after.value}: "{alarm.name}" in {place}'[:100]
        topic_region = arn.split(":")[3]
        sns = self._cloud.clients.as_service(_PRINCIPAL, "sns", topic_region, alarm.alarm_arn)
        sns.publish(TopicArn=arn, Subject=subject, Message=json.dumps(message))

    def _invoke(self, arn: str, alarm: Alarm, before: State, after: State, region: str) -> None:
        payload = {
            "source": "aws.cloudwatch",
            "alarmArn": alarm.alarm_arn,
            "accountId": self._cloud.account,
            "time": iso_milliseconds(after.since),
            "region": region,
            "alarmData": _event_detail(alarm, before, after),
        }
        client = self._cloud.clients.as_service(_LAMBDA_PRINCIPAL, "lambda", arn.split(":")[3], alarm.alarm_arn)
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(payload).encode())


@functools.cache
def region_name(region: str) -> str:
    """The region as people call it: us-east-1 is US East (N. Virginia)."""
    partitions = botocore.session.Session().get_data("endpoints")["partitions"]
    return next((p["regions"][region]["description"] for p in partitions if region in p["regions"]), region)


def _event_detail(alarm: Alarm, before: State, after: State, held: Suppression | None = None) -> dict[str, Any]:
    """Unproven: that the events carry the fields of suppression as the payloads of functions do."""
    return {
        "alarmName": alarm.name,
        "state": _state(after) | (_suppressed(alarm.suppression) if held is None else {}),
        "previousState": _state(before) | (_suppressed(held) if held else {}),
        "configuration": _configuration(alarm),
    }


def _state(state: State) -> dict[str, str]:
    shown = {"value": state.value, "reason": state.reason, "timestamp": iso_milliseconds(state.since)}
    return shown | ({"reasonData": state.data} if state.data else {})


def _suppressed(suppression: Suppression) -> dict[str, str]:
    return {f"{name[0].lower()}{name[1:]}": value for name, value in suppression.described().items()}


def _configuration(alarm: Alarm) -> dict[str, Any]:
    described = {"description": alarm.settings["AlarmDescription"]} if alarm.settings.get("AlarmDescription") else {}
    if alarm.rule is not None:
        names = [name for name in alarm.settings if name.startswith("ActionsSuppressor")]
        suppressor = {f"{name[0].lower()}{name[1:]}": alarm.settings[name] for name in names}
        return {"alarmRule": alarm.rule, **described, **suppressor}
    band = [{"id": alarm.band.id, "expression": alarm.band.expression, "returnData": True}] if alarm.band else []
    return {"metrics": [*map(_metric, alarm.queries), *band], **described}


def _metric(query: Query) -> dict[str, Any]:
    if query.metric is None:
        return {"id": query.id, "expression": query.expression, "returnData": query.returns}
    metric = {
        "namespace": query.metric.namespace,
        "name": query.metric.name,
        "dimensions": dict(query.metric.dimensions),
    }
    stat = {"metric": metric, "period": query.period, "stat": query.stat}
    return {
        "id": query.id,
        "metricStat": stat | ({"unit": query.unit} if query.unit else {}),
        "returnData": query.returns,
    }


def _sns_message(alarm: Alarm, before: State, after: State, account: str, place: str) -> dict[str, Any]:
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.settings.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": iso_milliseconds(alarm.configured),
        "NewStateValue": after.value,
        "NewStateReason": after.reason,
        "StateChangeTime": iso_milliseconds(after.since),
        "Region": place,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before.value,
        "OKActions": alarm.actions_for("OK"),
        "AlarmActions": alarm.actions_for("ALARM"),
        "InsufficientDataActions": alarm.actions_for("INSUFFICIENT_DATA"),
    }
    if alarm.rule is not None:
        return message | {"AlarmRule": alarm.rule, "NewStateReasonData": after.data}
    return message | {"Trigger": _trigger(alarm)}


def _trigger(alarm: Alarm) -> dict[str, Any]:
    rule, settings = alarm.decision_rule, alarm.settings
    assert rule is not None
    common = {
        "Period": max(query.period for query in alarm.queries),
        "EvaluationPeriods": rule.periods,
        "DatapointsToAlarm": rule.points_to_alarm,
        "ComparisonOperator": rule.comparison,
        **({"ThresholdMetricId": alarm.band.id} if alarm.band else {"Threshold": rule.threshold}),
        "TreatMissingData": rule.missing,
        "EvaluateLowSampleCountPercentile": settings.get("EvaluateLowSampleCountPercentile", ""),
    }
    if settings.get("Metrics"):
        return common | {"Metrics": settings["Metrics"]}
    statistic = settings.get("Statistic")
    kind = (
        {"StatisticType": "Statistic", "Statistic": statistic.upper()}
        if statistic
        else {
            "StatisticType": "ExtendedStatistic",
            "ExtendedStatistic": settings["ExtendedStatistic"],
        }
    )
    dimensions = [{"value": item["Value"], "name": item["Name"]} for item in settings.get("Dimensions") or ()]
    named = {"MetricName": settings["MetricName"], "Namespace": settings["Namespace"], "Unit": settings.get("Unit")}
    return {**named, **kind, "Dimensions": dimensions, **common}
