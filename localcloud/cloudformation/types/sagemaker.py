"""AWS::SageMaker::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import call
from localcloud.cloudformation.resource_type import Handling, ResourceType, words


def _create_group(handling: Handling) -> Mapping[str, Any]:
    call(handling.client, "create_model_package_group *", handling.properties, {})
    name = handling.properties["ModelPackageGroupName"]
    found = handling.client.describe_model_package_group(ModelPackageGroupName=name)
    return {**found, "CreationTime": found["CreationTime"].isoformat()}


TYPES = [
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
