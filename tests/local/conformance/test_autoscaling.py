"""Application Auto Scaling of endpoints: what is registered is kept by resource; what is not there is refused."""

from typing import Any

import pytest

from .account import Account
from .test_sagemaker_endpoints import refused
from .workshop import Workshop

pytestmark = pytest.mark.sagemaker
_OF_VARIANT = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
_TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleInCooldown": 60,
    "ScaleOutCooldown": 60,
}


@pytest.fixture
def workshop(account: Account) -> Workshop:
    return Workshop(account)


def test_a_variant_is_registered_followed_and_let_go(workshop: Workshop, account: Account) -> None:
    scaling: Any = account.client("application-autoscaling")
    endpoint = workshop.endpoint(workshop.config(workshop.variant()))
    variant = workshop.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]["VariantName"]
    named = _OF_VARIANT | {"ResourceId": f"endpoint/{endpoint}/variant/{variant}"}
    policy = {"PolicyName": "follow", "PolicyType": "TargetTrackingScaling", **named}
    policy["TargetTrackingScalingPolicyConfiguration"] = _TRACKING
    assert refused(scaling.put_scaling_policy, **policy)[0] == "ObjectNotFoundException"
    scaling.register_scalable_target(**named, MinCapacity=1, MaxCapacity=3)
    scaling.register_scalable_target(**named, MaxCapacity=4)
    scaling.put_scaling_policy(**policy)
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[named["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    asked = {"ServiceNamespace": "sagemaker", "ResourceId": named["ResourceId"]}
    (found,) = scaling.describe_scaling_policies(**asked)["ScalingPolicies"]
    assert found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100
    scaling.deregister_scalable_target(**named)
    assert not scaling.describe_scaling_policies(**asked)["ScalingPolicies"]
    assert refused(scaling.deregister_scalable_target, **named)[0] == "ObjectNotFoundException"


def test_a_variant_that_is_not_there_and_capacities_the_wrong_way_round_are_refused(
    workshop: Workshop, account: Account
) -> None:
    scaling: Any = account.client("application-autoscaling")
    nowhere = _OF_VARIANT | {"ResourceId": "endpoint/nowhere/variant/v"}
    register = scaling.register_scalable_target
    assert refused(register, **nowhere, MinCapacity=1, MaxCapacity=2) == ("ValidationException", 400)
    endpoint = workshop.endpoint(workshop.config(workshop.variant()))
    variant = workshop.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]["VariantName"]
    there = _OF_VARIANT | {"ResourceId": f"endpoint/{endpoint}/variant/{variant}"}
    assert refused(register, **there, MinCapacity=3, MaxCapacity=2) == ("ValidationException", 400)
