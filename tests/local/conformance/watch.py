"""Metrics and alarms of the conformance tests."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .account import Account

MINUTE = 60
DIMENSIONS = [{"Name": "EndpointConfigName", "Value": "config-2"}]


@dataclass
class Watch:
    """One namespace of metrics, and alarms on them."""

    account: Account
    namespace: str

    @property
    def client(self) -> Any:
        return self.account.client("cloudwatch")

    def now(self) -> datetime:
        local = self.account.local
        return datetime.now(UTC) if local is None else datetime.fromisoformat(local.now())

    def put(self, *values: float, ago: float = 0.0, name: str = "Errors", **more: Any) -> None:
        """One datum with these values, `ago` seconds ago."""
        moment = self.now() - timedelta(seconds=ago)
        datum = {"MetricName": name, "Dimensions": DIMENSIONS, "Timestamp": moment, "Values": list(values), **more}
        self.client.put_metric_data(Namespace=self.namespace, MetricData=[datum])

    def put_minutes(self, points: Iterable[float | None]) -> None:
        """One point in each of the latest complete minutes, the newest last; the minute they end in has begun."""
        self._begin_a_minute()
        shown = list(points)
        past_the_minute = self.now().timestamp() % MINUTE
        for index, value in enumerate(reversed(shown)):
            if value is not None:
                self.put(value, ago=past_the_minute + MINUTE * index + 1)

    def _begin_a_minute(self) -> None:
        """Half a minute is left at least before the points are a minute older."""
        past_the_minute = self.now().timestamp() % MINUTE
        if past_the_minute > MINUTE / 2:
            self.account.pass_time(MINUTE - past_the_minute + 1)

    def alarm(self, **changes: Any) -> str:
        name = self.account.unique("alarm")
        settings = {
            "AlarmName": name,
            "Namespace": self.namespace,
            "MetricName": "Errors",
            "Dimensions": DIMENSIONS,
            "Statistic": "Sum",
            "Period": MINUTE,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.client.put_metric_alarm(**{key: value for key, value in (settings | changes).items() if value is not None})
        self.account.later(self.client.delete_alarms, AlarmNames=[name])
        return name

    def composite(self, rule: str, **more: Any) -> str:
        name = self.account.unique("composite")
        self.client.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)
        self.account.later(self.client.delete_alarms, AlarmNames=[name])
        return name

    def described(self, name: str) -> dict[str, Any]:
        answer = self.client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
        return dict(found)

    def state(self, name: str) -> str:
        return str(self.described(name)["StateValue"])

    def becomes(self, name: str, state: str, seconds: float = 30) -> dict[str, Any]:
        self.account.wait_until(lambda: self.state(name) == state, seconds)
        return self.described(name)

    def changes(self, name: str) -> list[tuple[str, str]]:
        """The changes of state in the alarm's history, the oldest first."""
        items = self.client.describe_alarm_history(
            AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending",
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        )["AlarmHistoryItems"]  # fmt: skip
        states = [json.loads(item["HistoryData"]) for item in items]
        return [(data["oldState"]["stateValue"], data["newState"]["stateValue"]) for data in states]

    def metric(self, name: str = "Errors") -> dict[str, Any]:
        return {"Namespace": self.namespace, "MetricName": name, "Dimensions": DIMENSIONS}

    def query(self, id: str, stat: str, name: str = "Errors", **more: Any) -> dict[str, Any]:
        return {"Id": id, "MetricStat": {"Metric": self.metric(name), "Period": MINUTE, "Stat": stat}, **more}

    def data(self, *queries: dict[str, Any]) -> dict[str, list[float]]:
        """The values of the queries over the last ten minutes, the oldest first."""
        answer = self.client.get_metric_data(
            MetricDataQueries=list(queries), ScanBy="TimestampAscending",
            StartTime=self.now() - timedelta(minutes=10), EndTime=self.now() + timedelta(minutes=1),
        )["MetricDataResults"]  # fmt: skip
        return {result["Id"]: result["Values"] for result in answer}
