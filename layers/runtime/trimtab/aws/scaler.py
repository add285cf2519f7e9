"""Application Auto Scaling behind the Scaler port."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import ServiceRefused
from trimtab.rollout.scaling import BACKLOG, DIMENSION, METRIC, POLICY, Scaling

_NAMESPACE = "sagemaker"


class ApplicationAutoScaling:
    """Scalable targets of SageMaker's variants."""

    def __init__(self, scaling: Any) -> None:
        self._client = scaling

    @classmethod
    def connect(cls) -> "ApplicationAutoScaling":
        """With this process's client."""
        return cls(client("application-autoscaling"))

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

    def following(self, resource: str) -> Scaling | None:
        try:
            return self._following(resource)
        except ClientError as error:
            raise ServiceRefused(f"Application Auto Scaling did not say what {resource} follows: {error}") from error

    def _following(self, resource: str) -> Scaling | None:
        named = {"ServiceNamespace": _NAMESPACE, "ScalableDimension": DIMENSION}
        targets = self._client.describe_scalable_targets(**named, ResourceIds=[resource])["ScalableTargets"]
        policies = self._client.describe_scaling_policies(**named, ResourceId=resource)["ScalingPolicies"]
        own = [each for each in policies if each["PolicyName"] == POLICY]
        return _scaling(resource, targets[0], own[0]) if targets and own else None


def _variant(resource: str) -> dict[str, str]:
    return {"ServiceNamespace": _NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}


def _metric(scaling: Scaling) -> dict[str, Any]:
    if scaling.metric == "requests":
        return {"PredefinedMetricSpecification": {"PredefinedMetricType": METRIC}}
    backlog = {"MetricName": BACKLOG, "Namespace": "AWS/SageMaker", "Statistic": "Average"}
    endpoint = {"Name": "EndpointName", "Value": scaling.endpoint}
    return {"CustomizedMetricSpecification": backlog | {"Dimensions": [endpoint]}}


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
