"""Application Auto Scaling behind the Scaler port."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import ServiceRefused
from trimtab.names import wake_alarm
from trimtab.rollout.scaling import BACKLOG, DIMENSION, METRIC, POLICY, UNSERVED, WAKING, Scaling

_NAMESPACE = "sagemaker"
_METRICS = "AWS/SageMaker"
_MINUTE_S = 60
_STARTING_S = 300
"""Seconds in which the first instance has to start before the alarm, if it rings still, has another one started."""


class ApplicationAutoScaling:
    """Scalable targets of SageMaker's variants."""

    def __init__(self, scaling: Any, cloudwatch: Any) -> None:
        self._client, self._cloudwatch = scaling, cloudwatch

    @classmethod
    def connect(cls) -> "ApplicationAutoScaling":
        """With this process's client."""
        return cls(client("application-autoscaling"), client("cloudwatch"))

    def follow(self, scaling: Scaling) -> None:
        try:
            self._follow(scaling)
        except ClientError as error:
            raise ServiceRefused(f"Application Auto Scaling did not register {scaling.resource}: {error}") from error

    def _follow(self, scaling: Scaling) -> None:
        variant = _variant(scaling.resource)
        self._client.register_scalable_target(**variant, MinCapacity=scaling.least, MaxCapacity=scaling.most)
        self._client.put_scaling_policy(
            **variant,
            PolicyName=POLICY,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": scaling.per_instance,
                **_metric(scaling),
                "ScaleOutCooldown": scaling.scale_out_s,
                "ScaleInCooldown": scaling.scale_in_s,
            },
        )
        if scaling.wakes:
            self._wake(scaling)

    def _wake(self, scaling: Scaling) -> None:
        """A request that waits while there is no instance has the first one started."""
        policy = self._client.put_scaling_policy(
            **_variant(scaling.resource),
            PolicyName=WAKING,
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
                "Cooldown": _STARTING_S,
                "MetricAggregationType": "Maximum",
            },
        )
        self._cloudwatch.put_metric_alarm(
            AlarmName=wake_alarm(scaling.endpoint),
            AlarmDescription=f"Requests to {scaling.endpoint} wait, and it has no instance: the first one is started.",
            Namespace=_METRICS,
            MetricName=UNSERVED,
            Dimensions=[_dimension(scaling)],
            Statistic="Maximum",
            Period=_MINUTE_S,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[policy["PolicyARN"]],
        )

    def following(self, resource: str) -> Scaling | None:
        try:
            return self._following(resource)
        except ClientError as error:
            raise ServiceRefused(f"Application Auto Scaling did not say what {resource} follows: {error}") from error

    def _following(self, resource: str) -> Scaling | None:
        named = {"ServiceNamespace": _NAMESPACE, "ScalableDimension": DIMENSION}
        targets = self._client.describe_scalable_targets(**named, ResourceIds=[resource])["ScalableTargets"]
        policies = self._client.describe_scaling_policies(**named, ResourceId=resource)["ScalingPolicies"]
        own = {each["PolicyName"]: each for each in policies}
        if not targets or POLICY not in own:
            return None
        found = _scaling(resource, targets[0], own[POLICY])
        return found if not found.wakes or self._wakes(found, own.get(WAKING)) else None

    def _wakes(self, scaling: Scaling, policy: Mapping[str, Any] | None) -> bool:
        """Whether the policy that starts the first instance is there, and the alarm that calls it."""
        alarms = self._cloudwatch.describe_alarms(AlarmNames=[wake_alarm(scaling.endpoint)])["MetricAlarms"]
        return policy is not None and any(policy["PolicyARN"] in alarm["AlarmActions"] for alarm in alarms)


def _variant(resource: str) -> dict[str, str]:
    return {"ServiceNamespace": _NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}


def _metric(scaling: Scaling) -> dict[str, Any]:
    if scaling.metric == "requests":
        return {"PredefinedMetricSpecification": {"PredefinedMetricType": METRIC}}
    backlog = {"MetricName": BACKLOG, "Namespace": _METRICS, "Statistic": "Average"}
    return {"CustomizedMetricSpecification": backlog | {"Dimensions": [_dimension(scaling)]}}


def _dimension(scaling: Scaling) -> dict[str, str]:
    return {"Name": "EndpointName", "Value": scaling.endpoint}


def _scaling(resource: str, target: Mapping[str, Any], policy: Mapping[str, Any]) -> Scaling:
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    return Scaling(
        resource=resource,
        least=target["MinCapacity"],
        most=target["MaxCapacity"],
        per_instance=tracking["TargetValue"],
        scale_out_s=tracking["ScaleOutCooldown"],
        scale_in_s=tracking["ScaleInCooldown"],
        metric="backlog" if "CustomizedMetricSpecification" in tracking else "requests",
    )
