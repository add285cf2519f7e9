"""What is around production in AWS: capture, alarms, keys, scaling and lineage, behind the reconciler's port."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.monitoring.alarms import children
from trimtab.rollout.deployment import DEPLOYMENT, config_of
from trimtab.rollout.reconciliation import Watcher
from trimtab.rollout.rollback_alarms import dimension_list
from trimtab.telemetry import NAMESPACE


class AwsSurroundings:
    """Reads, and changes nothing."""

    def __init__(self, sagemaker: Any, cloudwatch: Any, kms: Any, scaling: Any) -> None:
        self._sagemaker, self._cloudwatch, self._kms, self._scaling = sagemaker, cloudwatch, kms, scaling

    @classmethod
    def connect(cls) -> "AwsSurroundings":
        """With this process's clients."""
        return cls(client("sagemaker"), client("cloudwatch"), client("kms"), client("application-autoscaling"))

    def capture(self, endpoint: str) -> str | None:
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=endpoint).get("DataCaptureConfig", {})
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            return None  # deleted since it was looked at
        status: str | None = found.get("CaptureStatus") if found.get("EnableCapture") else None
        return status

    def watchers(self, metric: str, dimensions: Mapping[str, str]) -> list[Watcher]:
        wanted = dimension_list(dimensions)
        found = self._cloudwatch.describe_alarms_for_metric(Namespace=NAMESPACE, MetricName=metric, Dimensions=wanted)
        exact = [alarm for alarm in found["MetricAlarms"] if len(alarm["Dimensions"]) == len(wanted)]
        return [Watcher(alarm["AlarmName"], bool(alarm.get("ActionsEnabled", True))) for alarm in exact]

    def pages(self, prefix: str, above: Sequence[str]) -> list[Watcher]:
        """Told by their rules, which name the alarms below."""
        asked = {"AlarmTypes": ["CompositeAlarm"], "AlarmNamePrefix": prefix}
        answers = self._cloudwatch.get_paginator("describe_alarms").paginate(**asked)
        found = [alarm for answer in answers for alarm in answer["CompositeAlarms"]]
        return [
            Watcher(alarm["AlarmName"], bool(alarm.get("ActionsEnabled", True) and alarm.get("AlarmActions")))
            for alarm in found
            if not set(above).isdisjoint(children(alarm["AlarmRule"]))
        ]

    def key_state(self, key_id: str) -> str:
        try:
            state: str = self._kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            return "Missing"
        return state

    def scales(self, endpoint: str, variant: str) -> bool:
        found = self._scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{endpoint}/variant/{variant}"]
        )
        return bool(found["ScalableTargets"])

    def deployed(self, endpoint_arn: str) -> str | None:
        newest = self._sagemaker.list_actions(
            SourceUri=endpoint_arn, ActionType=DEPLOYMENT, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )["ActionSummaries"]
        return config_of(newest[0]["ActionName"]) if newest else None
