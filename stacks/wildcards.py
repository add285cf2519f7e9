"""Every wildcard that an Allow statement may hold, with the reason why it cannot be narrower.

A test compares this table with the templates both ways: a wildcard that is not listed fails, and so does an entry that
nothing uses any more. ``actions`` are exact; ``resource`` is matched against the resource with CloudFormation's
references replaced by ``<name>``.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Wildcard:
    """Actions that are allowed on resources known by a pattern only."""

    actions: frozenset[str]
    resource: str
    """Regular expression for the whole resource."""
    reason: str

    def covers(self, action: str, resource: str) -> bool:
        return action in self.actions and re.fullmatch(self.resource, resource) is not None


def _entry(resource: str, reason: str, *actions: str) -> Wildcard:
    return Wildcard(frozenset(actions), resource, reason)


_ANY = re.escape("*")
_MODEL = r"[a-z][a-z0-9-]*"
_PREFIX = rf"trimtab-[a-z]+-{_MODEL}"
_BUCKET = r"<[\w.-]*Bucket\w*Arn\w*>"


def _arn(service: str, resource: str) -> str:
    return rf"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:{resource}"


WILDCARDS: tuple[Wildcard, ...] = (
    _entry(
        _ANY,
        "X-Ray has no resource types for these actions.",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ),
    _entry(
        _ANY,
        "Log delivery of Step Functions: CloudWatch Logs has no resource types for vended log deliveries.",
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ),
    _entry(
        _ANY,
        "PutMetricData has no resource type; the condition cloudwatch:namespace narrows it to SageMaker's own.",
        "cloudwatch:PutMetricData",
    ),
    _entry(
        _ANY,
        "Reading metrics and the alarms of a metric: CloudWatch has no resource types for either.",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:GetMetricData",
        "cloudwatch:DescribeAlarmsForMetric",
    ),
    _entry(
        _ANY,
        "Composite alarms: CloudWatch returns them only to a permission on everything.",
        "cloudwatch:DescribeAlarms",
    ),
    _entry(
        _ANY,
        "CloudTrail's event history: LookupEvents has no resource types.",
        "cloudtrail:LookupEvents",
    ),
    _entry(
        _arn("cloudwatch", r"alarm:\*"),
        "Read only; a query by prefix is checked against all alarms, not against those it finds.",
        "cloudwatch:DescribeAlarms",
    ),
    _entry(
        _arn("cloudwatch", rf"alarm:{_PREFIX}-v\*"),
        "Rollback alarms are made at run time, one pair for each version of the model.",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:SetAlarmState",
        "cloudwatch:DeleteAlarms",
    ),
    _entry(
        _ANY,
        "GetAuthorizationToken has no resource type; pulling is allowed on the one repository only.",
        "ecr:GetAuthorizationToken",
    ),
    _entry(
        _arn("logs", r"log-group:/aws/sagemaker/\*"),
        "SageMaker names its log groups by the kind of job and its streams by the job.",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    ),
    _entry(
        _ANY,
        "A key policy's resource is the key itself; who may, and under which condition, is in the statement.",
        "kms:*",
        "kms:Decrypt",
        "kms:Decrypt*",
        "kms:DescribeKey",
        "kms:Encrypt*",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
    ),
    _entry(
        rf"{_BUCKET}/(_temporary/)?{_MODEL}/(\w+/)?\*",
        "Keys of drops, datasets, runs and windows carry digests and times; the model's folder is the boundary.",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:AbortMultipartUpload",
    ),
    _entry(
        _arn("states", rf"execution:{_PREFIX}-(intake(/Shares|/Hashes)?|monitoring(/Shares)?):\*"),
        "Step Functions names the executions of a Distributed Map's children.",
        "states:DescribeExecution",
        "states:StopExecution",
        "states:RedriveExecution",
    ),
    _entry(
        _arn("sagemaker", rf"training-job/{_PREFIX}-\*"),
        "A run's name carries its time.",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:StopTrainingJob",
        "sagemaker:AddTags",
        "sagemaker:ListTags",
    ),
    _entry(
        _arn("sagemaker", rf"hyper-parameter-tuning-job/{_MODEL}-[0-9a-f]{{3}}-\*"),
        "A search is named after its run; its name has no room for more.",
        "sagemaker:CreateHyperParameterTuningJob",
        "sagemaker:DescribeHyperParameterTuningJob",
        "sagemaker:StopHyperParameterTuningJob",
        "sagemaker:AddTags",
        "sagemaker:ListTags",
    ),
    _entry(
        _ANY,
        "SageMaker has no narrower resource for listing the trials of a search.",
        "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
    ),
    _entry(
        _arn("sagemaker", rf"processing-job/{_PREFIX}-\*"),
        "An evaluation's name carries its run's time.",
        "sagemaker:CreateProcessingJob",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:StopProcessingJob",
        "sagemaker:AddTags",
        "sagemaker:ListTags",
    ),
    _entry(
        _arn("sagemaker", rf"model-card/{_PREFIX}-\*"),
        "A version's card is named after its run.",
        "sagemaker:CreateModelCard",
        "sagemaker:DescribeModelCard",
        "sagemaker:AddTags",
    ),
    _entry(
        _arn("sagemaker", rf"action/{_PREFIX}-\*"),
        "In lineage, a version's training is named after its run, and its deployment after its endpoint config.",
        "sagemaker:CreateAction",
        "sagemaker:DescribeAction",
        "sagemaker:AddAssociation",
    ),
    _entry(
        _arn("sagemaker", r"artifact/\*"),
        "SageMaker names the artifacts of lineage itself, by their source.",
        "sagemaker:CreateArtifact",
        "sagemaker:AddAssociation",
    ),
    _entry(
        _ANY,
        "Finding what lineage has of a source: ListArtifacts and ListActions have no resource types.",
        "sagemaker:ListArtifacts",
        "sagemaker:ListActions",
    ),
    _entry(
        _arn("cloudformation", rf"stack/trimtab-[a-z]+-(data|model-{_MODEL})/\*"),
        "CloudFormation ends a stack's ARN with an id of its own.",
        "cloudformation:DescribeStacks",
    ),
    _entry(
        _arn("states", rf"execution:{_PREFIX}-(rollback|release|baseline|batch):\*"),
        "What people start is an execution with a name of its own.",
        "states:DescribeExecution",
    ),
    _entry(
        _arn("sagemaker", rf"model-package/{_PREFIX}/\*"),
        "SageMaker numbers the versions of a group.",
        "sagemaker:CreateModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
        "sagemaker:UpdateModelPackage",
    ),
    _entry(
        _arn("sagemaker", rf"(model|endpoint-config)/{_PREFIX}-v\*"),
        "What serves a version is named after it, at run time.",
        "sagemaker:CreateModel",
        "sagemaker:DescribeModel",
        "sagemaker:DeleteModel",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpoint",
    ),
)

STORING: tuple[Wildcard, ...] = (
    _entry(
        rf"{_BUCKET}/{_MODEL}/features/\*",
        "Feature Store names the files of an offline store itself.",
        "s3:PutObjectAcl",
    ),
)
"""The same for models with a feature store, which the tests of all models have none of."""
LAKE: tuple[Wildcard, ...] = (
    _entry(
        r"arn:<AWS::Partition>:s3:::[a-z0-9.-]+/.*\*",
        "Whoever writes a table names its objects; data.lake.location is the boundary.",
        "s3:GetObject",
        "s3:GetObjectVersion",
    ),
)
"""The same for models whose drops may point to a lake."""
SCALING: tuple[Wildcard, ...] = (
    _entry(
        _arn("application-autoscaling", r"scalable-target/\*"),
        "AWS names a target when it is registered; the condition keeps it to SageMaker's.",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
    ),
    _entry(
        _ANY,
        "Reading scalable targets and their policies: Application Auto Scaling has no resource types for it.",
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
    ),
    _entry(
        _arn("cloudwatch", rf"alarm:TargetTracking-endpoint/{_PREFIX}/\*"),
        "Application Auto Scaling names the alarms of a policy.",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
    ),
)
"""The same for models whose instances follow their requests."""
SCORING: tuple[Wildcard, ...] = (
    _entry(
        _arn("sagemaker", rf"transform-job/{_PREFIX}-batch-\*"),
        "A transform job is named after its batch, at run time.",
        "sagemaker:CreateTransformJob",
        "sagemaker:DescribeTransformJob",
        "sagemaker:StopTransformJob",
        "sagemaker:AddTags",
        "sagemaker:ListTags",
    ),
)
"""The same for models that score files."""
