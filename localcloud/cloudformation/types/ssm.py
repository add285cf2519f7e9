"""AWS::SSM::*"""

from localcloud.cloudformation.resource_type import ResourceType, words

TYPES = [
    ResourceType(
        "AWS::SSM::Parameter",
        "ssm",
        create="put_parameter * Name={name}",
        update="put_parameter AllowedPattern DataType Description Tier Type Value Name={ref} Overwrite=true",
        delete="delete_parameter Name={ref}",
        properties=words("AllowedPattern DataType Description Name Tags Tier Type Value"),
        required=words("Type Value"),
        replaced_by=words("Name"),
        named=("Name", 200),
        make_name=lambda handling: f"CFN-{handling.generated_name(200, stack_name=False)}",
        attributes={"Type": "{Type}", "Value": "{Value}"},
        tagged="ResourceType=Parameter ResourceId={ref}",
    ),
]
