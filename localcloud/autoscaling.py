"""Application Auto Scaling of SageMaker's endpoints: instances follow their requests, by target tracking or an alarm.

Targets and policies are kept, and every minute of virtual time each policy looks at its metric. As AWS documents it:
three minutes above the target scale out to as many instances as meet it, fifteen minutes below nine tenths of it scale
in, never within a cooldown, never beyond the target's capacity. AWS does so by two alarms that it makes; here there are
no alarms, and the activity says why. The metric is the predefined one, or a customized one of any statistic. Other
services, step scaling, scheduled actions and metric math are refused.
"""

import math
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from localcloud import api
from localcloud.api import ApiError, Request
from localcloud.cloud import Cloud

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

NAMESPACE: Final = "sagemaker"
DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
PREDEFINED: Final = "SageMakerVariantInvocationsPerInstance"
TRACKING: Final = "TargetTrackingScaling"
STEP: Final = "StepScaling"
_CONFIGURATIONS: Final = {
    TRACKING: "TargetTrackingScalingPolicyConfiguration",
    STEP: "StepScalingPolicyConfiguration",
}
_MINUTE: Final = 60
_OUT_MINUTES, _IN_MINUTES = 3, 15
_LOW: Final = 0.9
_COOLDOWN_SECONDS: Final = 300
_LOOK_SECONDS: Final = 0.5
Record = dict[str, Any]


@dataclass
class Scaling:
    """What is registered in one region, by resource id; plain data."""

    targets: dict[str, Record] = field(default_factory=dict)
    policies: dict[str, dict[str, Record]] = field(default_factory=dict)
    activities: list[Record] = field(default_factory=list)
    changed_at: dict[str, float] = field(default_factory=dict)
    grown_at: dict[str, float] = field(default_factory=dict)


class Service:
    """Application Auto Scaling in every region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._regions: dict[str, Scaling] = {}
        self._lock = threading.RLock()
        self._kept = cloud.durable.keep("autoscaling", dump=self._dump, load=self._load)

    def of(self, region: str) -> Scaling:
        return self._regions.setdefault(region, Scaling())

    def _dump(self, region: str) -> Record | None:
        found = self._regions.get(region)
        return None if found is None else vars(found)

    def _load(self, row: Record, region: str) -> None:
        self._regions[region] = Scaling(**row)

    def operations(self) -> dict[str, api.Operation]:
        return {
            "RegisterScalableTarget": self._changing(self.register),
            "DeregisterScalableTarget": self._changing(self.deregister),
            "DescribeScalableTargets": self._reading(lambda scaling: list(scaling.targets.values()), "ScalableTargets"),
            "PutScalingPolicy": self._changing(self.put_policy),
            "DeleteScalingPolicy": self._changing(self.delete_policy),
            "DescribeScalingPolicies": self._reading(_policies, "ScalingPolicies"),
            "DescribeScalingActivities": self._reading(lambda scaling: scaling.activities[::-1], "ScalingActivities"),
        }

    def _changing(self, act: Callable[[Request, Scaling], Record]) -> api.Operation:
        def run(request: Request) -> Record:
            _require_sagemaker(request.parameters)
            with self._lock:
                answer = act(request, self.of(request.region))
                self._kept.changed(request.region)
            return answer

        return run

    def _reading(self, found: Callable[[Scaling], list[Record]], name: str) -> api.Operation:
        def run(request: Request) -> Record:
            asked = request.parameters
            with self._lock:
                records = found(self.of(request.region)) if asked["ServiceNamespace"] == NAMESPACE else []
            wanted = asked.get("ResourceIds") or ([asked["ResourceId"]] if "ResourceId" in asked else None)
            return {name: [record for record in records if wanted is None or record["ResourceId"] in wanted]}

        return run

    def register(self, request: Request, scaling: Scaling) -> Record:
        """The variant may be scaled between the capacities. Raises ApiError for one that is not there."""
        asked, resource = request.parameters, request.parameters["ResourceId"]
        before = scaling.targets.get(resource)
        if before is None:
            _require_variant(self._cloud, request.region, resource)
            if not {"MinCapacity", "MaxCapacity"} <= set(asked):
                raise ApiError("ValidationException", "MinCapacity and MaxCapacity are needed for a new target")
        id = before["ScalableTargetARN"] if before else self._arn(request.region, f"scalable-target/{uuid.uuid4().hex}")
        made: Record = dict(before or {"CreationTime": self._cloud.clock.utcnow()})
        made |= {"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}
        made |= {"RoleARN": _role(self._cloud.account), "ScalableTargetARN": id}
        made |= {name: asked[name] for name in ("MinCapacity", "MaxCapacity", "SuspendedState") if name in asked}
        if made["MinCapacity"] > made["MaxCapacity"]:
            raise ApiError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
        scaling.targets[resource] = made
        return {"ScalableTargetARN": id}

    def deregister(self, request: Request, scaling: Scaling) -> Record:
        """The variant is scaled no more, and its policies are gone."""
        resource = request.parameters["ResourceId"]
        if scaling.targets.pop(resource, None) is None:
            raise ApiError("ObjectNotFoundException", f"No scalable target found for {resource}")
        scaling.policies.pop(resource, None)
        return {}

    def put_policy(self, request: Request, scaling: Scaling) -> Record:
        """The policy tracks its target, or obeys its alarm, from the next minute on."""
        asked, resource = request.parameters, request.parameters["ResourceId"]
        if resource not in scaling.targets:
            raise ApiError("ObjectNotFoundException", f"No scalable target registered for {resource}")
        kind, name = str(asked.get("PolicyType")), asked["PolicyName"]
        settings = _settings(kind, asked)
        policies = scaling.policies.setdefault(resource, {})
        before = policies.get(name, {})
        own = f"scalingPolicy:{uuid.uuid4()}:resource/{NAMESPACE}/{resource}:policyName/{name}"
        arn = before.get("PolicyARN") or self._arn(request.region, own, "autoscaling")
        policies[name] = {
            "PolicyARN": arn,
            "CreationTime": before.get("CreationTime") or self._cloud.clock.utcnow(),
            **{name: asked[name] for name in ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")},
            "PolicyType": kind,
            _CONFIGURATIONS[kind]: settings,
        }
        return {"PolicyARN": arn, "Alarms": []}

    def delete_policy(self, request: Request, scaling: Scaling) -> Record:
        """The policy tracks nothing any more."""
        asked = request.parameters
        if scaling.policies.get(asked["ResourceId"], {}).pop(asked["PolicyName"], None) is None:
            raise ApiError("ObjectNotFoundException", f"No scaling policy found with name {asked['PolicyName']}")
        return {}

    def _arn(self, region: str, resource: str, service: str = "application-autoscaling") -> str:
        return f"arn:aws:{service}:{region}:{self._cloud.account}:{resource}"

    def watch(self) -> None:
        """Every policy is followed, a look for every minute of virtual time, until the cloud stops."""
        looked = -1
        while not self._cloud.stopping.wait(_LOOK_SECONDS):
            minute = int(self._cloud.clock.now() // _MINUTE)
            if minute == looked:
                continue
            looked = minute
            for region, scaling in list(self._regions.items()):
                for resource, policies in list(scaling.policies.items()):
                    for policy in list(policies.values()):
                        self._follow(region, scaling, resource, policy)

    def _follow(self, region: str, scaling: Scaling, resource: str, policy: Record) -> None:
        endpoint, variant = _named(resource)
        now = self._cloud.clock.now()
        found = _instances(self._cloud, region, endpoint, variant)
        if found is None or scaling.targets[resource].get("SuspendedState", {}).get("DynamicScalingOutSuspended"):
            return
        settings = policy[_CONFIGURATIONS[policy["PolicyType"]]]
        asked = self._asked(region, policy, settings, (endpoint, variant), found)
        target = scaling.targets[resource]
        wanted = min(max(asked, target["MinCapacity"]), target["MaxCapacity"])
        grows = wanted > found
        rest = settings.get("Cooldown", settings.get("ScaleOutCooldown" if grows else "ScaleInCooldown"))
        since = scaling.grown_at if grows else scaling.changed_at
        rested = now - since.get(resource, 0.0) >= (_COOLDOWN_SECONDS if rest is None else rest)
        if wanted != found and rested and _scale(self._cloud, region, (endpoint, variant), wanted):
            with self._lock:
                for times in (scaling.changed_at, scaling.grown_at)[: 1 + grows]:
                    times[resource] = now
                scaling.activities.append(self._activity(resource, found, wanted, policy))
                self._kept.changed(region)

    def _asked(self, region: str, policy: Record, settings: Record, named: tuple[str, str], count: int) -> int:
        """Instances that the policy asks for at this minute, before the target's limits."""
        if policy["PolicyType"] == STEP:
            return _stepped(settings, count) if self._rings(region, policy["PolicyARN"]) else count
        watched, divisor = _watched(settings, named, count)
        return wanted_instances(
            _minutes(self._cloud, region, watched, divisor, self._cloud.clock.now()), settings, count
        )

    def _rings(self, region: str, policy_arn: str) -> bool:
        """Whether an alarm whose action is the policy is in ALARM."""
        alarms = self._cloud.clients.admin("cloudwatch", region)
        found = alarms.describe_alarms(ActionPrefix=policy_arn, StateValue="ALARM")["MetricAlarms"]
        return any(alarm["ActionsEnabled"] for alarm in found)

    def _activity(self, resource: str, before: int, after: int, policy: Record) -> Record:
        now = self._cloud.clock.utcnow()
        return {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": NAMESPACE,
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
            "Description": f"Setting desired instance count to {after}.",
            "Cause": f"policy {policy['PolicyName']} was followed with {before} instances",
            "StartTime": now,
            "EndTime": now,
            "StatusCode": "Successful",
            "StatusMessage": f"Successfully set desired instance count to {after}. Change successfully fulfilled.",
        }


def wanted_instances(values: list[float | None], tracking: Record, count: int) -> int:
    """Instances that meet the target, from the newest minutes (the newest last); no data says nothing."""
    goal = float(tracking["TargetValue"])
    late, long = values[-_OUT_MINUTES:], values[-_IN_MINUTES:]
    if len(late) == _OUT_MINUTES and all(value is not None and value > goal for value in late):
        return math.ceil(count * max(value or 0.0 for value in late) / goal)
    quiet = len(long) == _IN_MINUTES and all(value is not None and value < _LOW * goal for value in long)
    if quiet and not tracking.get("DisableScaleIn"):
        return math.ceil(count * max(value or 0.0 for value in long) / goal)
    return count


def _settings(kind: str, asked: Record) -> Record:
    """The configuration of a policy of that kind. Refuses what is not carried out here."""
    settings: Record = asked.get(_CONFIGURATIONS.get(kind, ""), {})
    if kind == STEP and _is_one_step(settings):
        return settings
    if kind == TRACKING and _is_known(settings):
        return settings
    raise NotImplementedError(
        f"policies other than target tracking of {PREDEFINED} or of a customized metric, and one step of instances"
    )


def _is_one_step(settings: Record) -> bool:
    """Whether every breach asks for the same number of instances more, or fewer."""
    steps = settings.get("StepAdjustments", [])
    return (
        settings.get("AdjustmentType") == "ChangeInCapacity"
        and len(steps) == 1
        and steps[0].get("MetricIntervalLowerBound", 0.0) == 0.0
        and "MetricIntervalUpperBound" not in steps[0]
    )


def _stepped(settings: Record, count: int) -> int:
    return count + int(settings["StepAdjustments"][0]["ScalingAdjustment"])


def _policies(scaling: Scaling) -> list[Record]:
    return [policy for policies in scaling.policies.values() for policy in policies.values()]


def _require_sagemaker(asked: Record) -> None:
    if asked["ServiceNamespace"] != NAMESPACE or asked["ScalableDimension"] != DIMENSION:
        raise NotImplementedError(f"scaling of anything but {DIMENSION}")


def _named(resource: str) -> tuple[str, str]:
    """Endpoint and variant of "endpoint/<name>/variant/<name>". Raises ApiError."""
    parts = resource.split("/")
    if len(parts) != 4 or parts[0] != "endpoint" or parts[2] != "variant":
        raise ApiError("ValidationException", "Unsupported service namespace, resource type or scalable dimension")
    return parts[1], parts[3]


def _require_variant(cloud: Cloud, region: str, resource: str) -> None:
    endpoint, variant = _named(resource)
    if _instances(cloud, region, endpoint, variant) is None:
        raise ApiError("ValidationException", f"The variant {resource} is not in service")


def _role(account: str) -> str:
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    return f"arn:aws:iam::{account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/{name}"


def _instances(cloud: Cloud, region: str, endpoint: str, variant: str) -> int | None:
    """How many instances a variant is asked to have; None when it is not in service."""
    try:
        found = cloud.clients.admin("sagemaker", region).describe_endpoint(EndpointName=endpoint)
    except ClientError:
        return None
    counts = {each["VariantName"]: each.get("DesiredInstanceCount") for each in found.get("ProductionVariants", [])}
    return counts.get(variant) if found["EndpointStatus"] == "InService" else None


def _is_known(tracking: Record) -> bool:
    predefined = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    customized = tracking.get("CustomizedMetricSpecification", {})
    return bool(predefined == PREDEFINED) != ({"MetricName", "Namespace", "Statistic"} <= set(customized))


def _watched(tracking: Record, named: tuple[str, str], count: int) -> tuple[Record, int]:
    """The metric that is followed, as GetMetricStatistics is asked for it, and by what its values are divided."""
    custom = tracking.get("CustomizedMetricSpecification")
    if custom:
        watched = {name: custom[name] for name in ("Namespace", "MetricName")}
        return watched | {"Dimensions": custom.get("Dimensions", []), "Statistics": [custom["Statistic"]]}, 1
    dimensions = [{"Name": "EndpointName", "Value": named[0]}, {"Name": "VariantName", "Value": named[1]}]
    watched = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Statistics": ["Sum"]}
    return watched | {"Dimensions": dimensions}, max(1, count)


def _minutes(cloud: Cloud, region: str, watched: Record, divisor: int, now: float) -> list[float | None]:
    """The metric in each of the last whole minutes, the newest last; None where none was measured."""
    end = int(now // _MINUTE) * _MINUTE
    found = cloud.clients.admin("cloudwatch", region).get_metric_statistics(
        **watched,
        StartTime=datetime.fromtimestamp(end - _IN_MINUTES * _MINUTE, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
        Period=_MINUTE,
    )
    statistic = watched["Statistics"][0]
    values = {point["Timestamp"].timestamp(): float(point[statistic]) / divisor for point in found["Datapoints"]}
    return [values.get(float(end - minutes * _MINUTE)) for minutes in range(_IN_MINUTES, 0, -1)]


def _scale(cloud: Cloud, region: str, named: tuple[str, str], count: int) -> bool:
    """Whether the variant is on its way to so many instances; not while the endpoint is changed by somebody else."""
    wanted = [{"VariantName": named[1], "DesiredInstanceCount": count}]
    try:
        cloud.clients.admin("sagemaker", region).update_endpoint_weights_and_capacities(
            EndpointName=named[0], DesiredWeightsAndCapacities=wanted
        )
    except ClientError:
        return False
    return True


def install(_cloud: Cloud) -> None:
    """Nothing of moto's is changed."""


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Application Auto Scaling is answered here."""
    service = Service(cloud)
    cloud.durable.after_load(lambda: threading.Thread(target=service.watch, name="autoscaling", daemon=True).start())
    return api.middleware(
        app,
        signing_name="application-autoscaling",
        model_name="application-autoscaling",
        operations=service.operations(),
    )
