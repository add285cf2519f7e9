"""AWS::ECR::*"""

from localcloud.cloudformation.resource_type import ResourceType, Setting, words

TYPES = [
    ResourceType(
        "AWS::ECR::Repository",
        "ecr",
        create="create_repository * RepositoryName={name}",
        delete="delete_repository repositoryName={ref} force={EmptyOnDelete}",
        properties=words(
            "EmptyOnDelete EncryptionConfiguration ImageScanningConfiguration ImageTagMutability LifecyclePolicy "
            "RepositoryName RepositoryPolicyText Tags"
        ),
        replaced_by=words("EncryptionConfiguration RepositoryName"),
        named=("RepositoryName", 256),
        make_name=lambda handling: handling.generated_name(256).lower(),
        attributes={"Arn": "{repository.repositoryArn}", "RepositoryUri": "{repository.repositoryUri}"},
        cleared={"ImageTagMutability": "MUTABLE", "ImageScanningConfiguration": {"ScanOnPush": False}},
        settings=(
            Setting(
                "ImageTagMutability",
                "put_image_tag_mutability repositoryName={ref} ImageTagMutability",
                created_with=True,
            ),
            Setting(
                "ImageScanningConfiguration",
                "put_image_scanning_configuration repositoryName={ref} ImageScanningConfiguration",
                created_with=True,
            ),
            Setting(
                "LifecyclePolicy",
                "put_lifecycle_policy repositoryName={ref} lifecyclePolicyText={LifecyclePolicy.LifecyclePolicyText}",
                "delete_lifecycle_policy repositoryName={ref}",
            ),
            Setting(
                "RepositoryPolicyText",
                "set_repository_policy repositoryName={ref} policyText={RepositoryPolicyText}",
                "delete_repository_policy repositoryName={ref}",
            ),
        ),
        tagged="resourceArn={Arn}",
    ),
]
