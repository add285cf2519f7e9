"""AWS::ECR::*"""

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, is_true, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_CREATED_WITH = ("EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability")


def _create_repository(handling: Handling) -> Made:
    name = handling.properties.get("RepositoryName") or handling.generated_name(256).lower()
    arguments = pick(handling.properties, _CREATED_WITH)
    arguments |= {"RepositoryName": name, "Tags": tag_list(handling.properties)}
    made = forward(handling.client("ecr"), "create_repository", arguments)["repository"]
    handling.begun(name)
    _put_policies(handling, name)
    return Made(name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]})


def _update_repository(handling: Handling) -> Made:
    ecr, name, properties = handling.client("ecr"), handling.physical_id, handling.properties
    if handling.changed("ImageTagMutability"):
        ecr.put_image_tag_mutability(
            repositoryName=name, imageTagMutability=properties.get("ImageTagMutability", "MUTABLE")
        )
    if handling.changed("ImageScanningConfiguration"):
        settings = properties.get("ImageScanningConfiguration", {"ScanOnPush": False})
        arguments = {"RepositoryName": name, "ImageScanningConfiguration": settings}
        forward(ecr, "put_image_scanning_configuration", arguments)
    _put_policies(handling, name)
    return Made(name, handling.attributes)


def _put_policies(handling: Handling, name: str) -> None:
    ecr, properties = handling.client("ecr"), handling.properties
    if handling.changed("LifecyclePolicy"):
        if "LifecyclePolicy" in properties:
            text = as_json(properties["LifecyclePolicy"]["LifecyclePolicyText"])
            ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)
        else:
            ecr.delete_lifecycle_policy(repositoryName=name)
    if handling.changed("RepositoryPolicyText"):
        if "RepositoryPolicyText" in properties:
            ecr.set_repository_policy(repositoryName=name, policyText=as_json(properties["RepositoryPolicyText"]))
        else:
            ecr.delete_repository_policy(repositoryName=name)


def _delete_repository(handling: Handling) -> None:
    force = is_true(handling.properties.get("EmptyOnDelete", False))
    handling.client("ecr").delete_repository(repositoryName=handling.physical_id, force=force)


TYPES = [
    ResourceType(
        "AWS::ECR::Repository",
        properties=words("EmptyOnDelete LifecyclePolicy RepositoryName RepositoryPolicyText")
        | frozenset(_CREATED_WITH),
        attributes=words("Arn RepositoryUri"),
        name_property="RepositoryName",
        replaced_by=words("EncryptionConfiguration"),
        create=_create_repository,
        update=_update_repository,
        delete=_delete_repository,
    ),
]
