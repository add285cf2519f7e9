"""The alarms that end a rollout. They see the new fleet only, and exist before any traffic moves.

SageMaker publishes an endpoint's metrics once more with the dimension EndpointConfigName, from the moment on which the
new fleet gets traffic (developer guide, "Auto-Rollback Configuration and Monitoring").
"""

from collections.abc import Mapping
from typing import Any

from trimtab.names import VARIANT
from trimtab.spec.rollout import RolloutSpec
from trimtab.telemetry import NAMESPACE

ENDPOINT_NAMESPACE = "AWS/SageMaker"
PERIOD_S = 60
MIN_ERRORS = 3
"""A minute with fewer errors than this never ends a rollout, however few requests it had."""
OUTRAGE = 10
"""How many times the share of errors that the spec allows ends a rollout on the evidence of one minute.

A minute that is only just over the limit is chance as often as not: that is for the judge, who keeps account of it.
"""
STOP_METRIC = "RolloutStopped"
ERRORS, STOP = "errors", "stop"


def requests_metric(rollout: RolloutSpec) -> tuple[str, str]:
    """Metric and statistic that count a fleet's requests.

    An asynchronous endpoint has no Invocations; each of its requests gives one value, 0 or 1, to Invocation5XXErrors.
    """
    return ("Invocation5XXErrors", "SampleCount") if rollout.endpoint.kind == "async" else ("Invocations", "Sum")


def alarm_name(config: str, purpose: str) -> str:
    """Name of a rollback alarm of the fleet that runs ``config``."""
    return f"{config}-{purpose}"


def fleet_dimensions(endpoint: str, config: str, variant: str = VARIANT) -> dict[str, str]:
    """Dimensions under which SageMaker publishes the metrics of one fleet of an endpoint."""
    return {"EndpointName": endpoint, "VariantName": variant, "EndpointConfigName": config}


def rollback_alarms(config: str, fleet: Mapping[str, str], rollout: RolloutSpec) -> list[dict[str, Any]]:
    """PutMetricAlarm requests: too many 5xx from the new ``fleet``, and a switch that Trimtab itself can throw."""
    return [_errors_alarm(config, fleet, rollout), stop_switch(config)]


def _errors_alarm(config: str, dimensions: Mapping[str, str], rollout: RolloutSpec) -> dict[str, Any]:
    share = min(0.5, OUTRAGE * rollout.max_error_share)
    return {
        "AlarmName": alarm_name(config, ERRORS),
        "AlarmDescription": f"Rolls {config} back when over {share:.2%} of a minute's requests fail",
        "Metrics": [
            _statistic("errors", ("Invocation5XXErrors", "Sum"), dimensions),
            _statistic("requests", requests_metric(rollout), dimensions),
            {
                "Id": "share",
                "Label": "Share of requests answered with 5xx",
                "Expression": f"IF(errors >= {MIN_ERRORS}, errors / requests, 0)",
                "ReturnData": True,
            },
        ],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": share,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "TreatMissingData": "notBreaching",
    }


def _statistic(name: str, counted: tuple[str, str], dimensions: Mapping[str, str]) -> dict[str, Any]:
    metric, statistic = counted
    watched = {"Namespace": ENDPOINT_NAMESPACE, "MetricName": metric, "Dimensions": dimension_list(dimensions)}
    return {"Id": name, "MetricStat": {"Metric": watched, "Period": PERIOD_S, "Stat": statistic}, "ReturnData": False}


def stop_switch(config: str) -> dict[str, Any]:
    """An alarm on a metric that nobody emits. Missing data keep its state, so once it was set it stays in ALARM."""
    return {
        "AlarmName": alarm_name(config, STOP),
        "AlarmDescription": f"Set to ALARM by Trimtab to roll {config} back: approval withdrawn, or judged worse",
        "Namespace": NAMESPACE,
        "MetricName": STOP_METRIC,
        "Dimensions": dimension_list({"EndpointConfigName": config}),
        "Statistic": "Maximum",
        "Period": PERIOD_S,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "EvaluationPeriods": 1,
        "TreatMissingData": "ignore",
    }


def dimension_list(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    """Dimensions as CloudWatch's API takes them."""
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
