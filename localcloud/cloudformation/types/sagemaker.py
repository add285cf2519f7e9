"""AWS::SageMaker::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import call, forward
from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.resource_type import Handling, ResourceType, wait_until, words


def _create_group(handling: Handling) -> Mapping[str, Any]:
    call(handling.client, "create_model_package_group *", handling.properties, {})
    name = handling.properties["ModelPackageGroupName"]
    found = handling.client.describe_model_package_group(ModelPackageGroupName=name)
    return {**found, "CreationTime": found["CreationTime"].isoformat()}


def _create_features(handling: Handling) -> Mapping[str, Any]:
    """The feature group is Created; AWS makes its stores while the stack waits."""
    call(handling.client, "create_feature_group *", handling.properties, {})
    name = handling.properties["FeatureGroupName"]
    handling.begun(name)
    wait_until(lambda: _features(handling, name)["FeatureGroupStatus"] != "Creating", f"Feature group {name}")
    found = _features(handling, name)
    if found["FeatureGroupStatus"] != "Created":
        raise ResourceFailed(f"{name} is {found['FeatureGroupStatus']}: {found.get('FailureReason', '')}")
    return {**found, "CreationTime": found["CreationTime"].isoformat()}


def _update_features(handling: Handling) -> Mapping[str, Any]:
    """Features were added: nothing else can be done to an existing group, whatever a failed update had wanted."""
    found, wanted = _features(handling, handling.name), handling.properties["FeatureDefinitions"]
    if gone := [each["FeatureName"] for each in found["FeatureDefinitions"] if each not in wanted]:
        raise ResourceFailed(f"{', '.join(gone)}: features of a feature group can be neither removed nor changed")
    if added := [each for each in wanted if each not in found["FeatureDefinitions"]]:
        arguments = {"FeatureGroupName": handling.name, "FeatureAdditions": added}
        forward(handling.client, "update_feature_group", arguments)
    return found


def _delete_features(handling: Handling) -> None:
    name = handling.physical_id
    call(handling.client, "delete_feature_group FeatureGroupName={ref}", {}, {"ref": name})
    wait_until(lambda: not _features(handling, name), f"Feature group {name}")


def _features(handling: Handling, name: str) -> dict[str, Any]:
    """The group as it is described, or nothing when there is none."""
    try:
        found: dict[str, Any] = handling.client.describe_feature_group(FeatureGroupName=name)
    except handling.client.exceptions.ResourceNotFound:
        return {}
    return found


TYPES = [
    ResourceType(
        "AWS::SageMaker::FeatureGroup",
        "sagemaker",
        create=_create_features,
        update=_update_features,
        delete=_delete_features,
        properties=words(
            "Description EventTimeFeatureName FeatureDefinitions FeatureGroupName OfflineStoreConfig OnlineStoreConfig"
            " RecordIdentifierFeatureName RoleArn Tags"
        ),
        required=words("EventTimeFeatureName FeatureDefinitions FeatureGroupName RecordIdentifierFeatureName"),
        replaced_by=words(
            "Description EventTimeFeatureName FeatureGroupName OfflineStoreConfig OnlineStoreConfig"
            " RecordIdentifierFeatureName RoleArn Tags"
        ),
        named=("FeatureGroupName", 64),
        attributes={name: f"{{{name}}}" for name in ("CreationTime", "FeatureGroupStatus")},
        tagged="ResourceArn=arn:aws:sagemaker:{region}:{account}:feature-group/{name}",
    ),
    ResourceType(
        "AWS::SageMaker::ModelPackageGroup",
        "sagemaker",
        create=_create_group,
        delete="delete_model_package_group ModelPackageGroupName",
        properties=words("ModelPackageGroupDescription ModelPackageGroupName Tags"),
        required=words("ModelPackageGroupName"),
        replaced_by=words("ModelPackageGroupDescription ModelPackageGroupName"),
        named=("ModelPackageGroupName", 63),
        ref="{ModelPackageGroupArn}",
        attributes={
            name: f"{{{name}}}" for name in ("CreationTime", "ModelPackageGroupArn", "ModelPackageGroupStatus")
        },
        tagged="ResourceArn={ModelPackageGroupArn}",
    ),
]
