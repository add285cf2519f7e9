"""Application Auto Scaling behind the Scaler port."""

from typing import Any

from trimtab.aws.session import client
from trimtab.rollout.scaling import DIMENSION, METRIC, POLICY, Scaling

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
        variant = {
            "ServiceNamespace": _NAMESPACE,
            "ResourceId": scaling.resource,
            "ScalableDimension": DIMENSION,
        }
        self._client.register_scalable_target(**variant, MinCapacity=scaling.least, MaxCapacity=scaling.most)
        self._client.put_scaling_policy(
            **variant,
            PolicyName=POLICY,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": scaling.per_instance,
                "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
                "ScaleOutCooldown": scaling.scale_out_s,
                "ScaleInCooldown": scaling.scale_in_s,
            },
        )
