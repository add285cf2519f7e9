"""AWS::Logs::*"""

from localcloud.cloudformation.resource_type import ResourceType, Setting, words

TYPES = [
    ResourceType(
        "AWS::Logs::LogGroup",
        "logs",
        create="create_log_group * LogGroupName={name}",
        delete="delete_log_group logGroupName={ref}",
        properties=words("DeletionProtectionEnabled KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags"),
        replaced_by=words("LogGroupName"),
        unchangeable=words("DeletionProtectionEnabled LogGroupClass"),
        named=("LogGroupName", 512),
        attributes={"Arn": "arn:aws:logs:{region}:{account}:log-group:{ref}:*"},
        settings=(
            Setting(
                "RetentionInDays",
                "put_retention_policy logGroupName={ref} RetentionInDays",
                "delete_retention_policy logGroupName={ref}",
            ),
            Setting(
                "KmsKeyId",
                "associate_kms_key logGroupName={ref} KmsKeyId",
                "disassociate_kms_key logGroupName={ref}",
                created_with=True,
            ),
        ),
        tagged="resourceArn=arn:aws:logs:{region}:{account}:log-group:{ref}",
    ),
]
