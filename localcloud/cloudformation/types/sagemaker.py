"""AWS::SageMaker::*"""

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words


def _create_group(handling: Handling) -> Made:
    arguments = pick(handling.properties, ("ModelPackageGroupName", "ModelPackageGroupDescription"))
    arguments["Tags"] = tag_list(handling.properties)
    sagemaker = handling.client("sagemaker")
    arn = forward(sagemaker, "create_model_package_group", arguments)["ModelPackageGroupArn"]
    found = sagemaker.describe_model_package_group(ModelPackageGroupName=arguments["ModelPackageGroupName"])
    attributes = {
        "ModelPackageGroupArn": arn,
        "ModelPackageGroupStatus": found["ModelPackageGroupStatus"],
        "CreationTime": found["CreationTime"].isoformat(),
    }
    return Made(arn, attributes)


def _keep_group(handling: Handling) -> Made:
    return Made(handling.physical_id, handling.attributes)


def _delete_group(handling: Handling) -> None:
    name = handling.physical_id.rpartition("/")[2]
    handling.client("sagemaker").delete_model_package_group(ModelPackageGroupName=name)


TYPES = [
    ResourceType(
        "AWS::SageMaker::ModelPackageGroup",
        properties=words("ModelPackageGroupDescription ModelPackageGroupName"),
        attributes=words("CreationTime ModelPackageGroupArn ModelPackageGroupStatus"),
        name_property="ModelPackageGroupName",
        replaced_by=words("ModelPackageGroupDescription"),
        create=_create_group,
        update=_keep_group,
        delete=_delete_group,
    ),
]
