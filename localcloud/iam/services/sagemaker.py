"""Amazon SageMaker AI. Source: service authorization reference."""

from collections.abc import Iterator
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

# parameter that names the resource: the resource's type
_RESOURCES = {
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "TransformJobName": "transform-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "ModelPackageName": "model-package",
    "ModelPackageGroupName": "model-package-group",
    "ExperimentName": "experiment",
    "TrialName": "experiment-trial",
    "TrialComponentName": "experiment-trial-component",
    "ActionName": "action",
    "ContextName": "context",
    "FeatureGroupName": "feature-group",
    "ModelCardName": "model-card",
    "PipelineName": "pipeline",
}
_ARN_LISTS = ("ModelPackageArnList", "StartArns")
_TAGGED_WITH = "sagemaker:AddTags"


def accesses(call: Call) -> Iterator[Access]:
    """Everything that one request needs; creating with tags needs AddTags too."""
    if call.operation == "ListModelPackages":  # the one list operation that has a resource type
        group = call.text("ModelPackageGroupName").rpartition("/")[2] or "*"
        yield Access(call.action, call.arn(f"model-package/{group}/*"))
        return
    if call.operation.startswith("List") and not call.text("ResourceArn"):
        yield Access(call.action, "*")
        return
    context = _context(call)
    resources = list(_resources(call)) or [_arn_given(call)]
    for resource in resources:
        yield Access(call.action, resource, context)
        if call.parameters.get("Tags") and call.operation.startswith("Create"):
            yield Access(_TAGGED_WITH, resource, context)


def _resources(call: Call) -> Iterator[str]:
    if call.operation in ("CreateModelPackage", "UpdateModelPackage", "DescribeModelPackage", "DeleteModelPackage"):
        yield from _model_package(call)
        return
    if call.operation == "CreateTransformJob":  # the model is a condition key, not a resource
        yield call.arn(f"transform-job/{call.text('TransformJobName')}")
        return
    if call.operation == "CreateArtifact":  # SageMaker chooses its ARN
        yield call.arn("artifact/*")
        return
    for each in (call.parameters, *call.parameters.get("Identifiers", [])):
        for name, kind in _RESOURCES.items():
            given = each.get(name)
            if isinstance(given, str) and given:
                yield given if given.startswith("arn:") else call.arn(f"{kind}/{given}")
    if call.operation.endswith("Association"):
        yield from (call.text("SourceArn"), call.text("DestinationArn"))
    for name in _ARN_LISTS:
        yield from call.parameters.get(name, [])


def _model_package(call: Call) -> Iterator[str]:
    group = call.text("ModelPackageGroupName")
    if group:
        name = group.rpartition("/")[2]
        yield call.arn(f"model-package/{name}/*")
        yield group if group.startswith("arn:") else call.arn(f"model-package-group/{name}")
        return
    given = call.text("ModelPackageArn") or call.text("ModelPackageName")
    yield given if given.startswith("arn:") else call.arn(f"model-package/{given}")


def _arn_given(call: Call) -> str:
    return next((str(value) for name, value in call.parameters.items() if name.endswith("Arn") and value), "*")


def _context(call: Call) -> dict[str, tuple[str, ...]]:
    context: dict[str, tuple[str, ...]] = {}
    if "ModelApprovalStatus" in call.parameters:
        context["sagemaker:modelapprovalstatus"] = (call.text("ModelApprovalStatus"),)
    for name in call.parameters.get("CustomerMetadataProperties") or {}:
        given = str(call.parameters["CustomerMetadataProperties"][name])
        context[f"sagemaker:customermetadataproperties/{name.lower()}"] = (given,)
    if removed := call.parameters.get("CustomerMetadataPropertiesToRemove"):
        context["sagemaker:customermetadatapropertiestoremove"] = tuple(map(str, removed))
    if call.operation == "CreateTransformJob":
        context["sagemaker:modelarn"] = (call.arn(f"model/{call.text('ModelName')}"),)
    if types := tuple(_instance_types(call.parameters)):
        context["sagemaker:instancetypes"] = types
    if "EnableNetworkIsolation" in call.parameters:
        context["sagemaker:networkisolation"] = (call.text("EnableNetworkIsolation").lower(),)
    keys = {"VolumeKmsKeyId": "sagemaker:volumekmskey", "KmsKeyId": "sagemaker:outputkmskey"}
    for name, key in keys.items():
        if values := tuple(_all(call.parameters, name)):
            context[key] = values
    return context


def _instance_types(parameters: Any) -> Iterator[str]:
    yield from _all(parameters, "InstanceType")


def _all(node: Any, name: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name and isinstance(value, str):
                yield value
            else:
                yield from _all(value, name)
    elif isinstance(node, list):
        for one in node:
            yield from _all(one, name)
