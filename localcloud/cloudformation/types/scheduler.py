"""AWS::Scheduler::*"""

from localcloud.cloudformation.resource_type import ResourceType, words

TYPES = [
    ResourceType(
        "AWS::Scheduler::Schedule",
        "scheduler",
        create="create_schedule * Name={name}",
        update="update_schedule * Name={name}",
        delete="delete_schedule Name={ref} GroupName",
        properties=words(
            "Description EndDate FlexibleTimeWindow GroupName KmsKeyArn Name ScheduleExpression "
            "ScheduleExpressionTimezone StartDate State Target"
        ),
        required=words("FlexibleTimeWindow ScheduleExpression Target"),
        replaced_by=words("Name"),
        named=("Name", 64),
        attributes={"Arn": "{ScheduleArn}"},
    ),
    ResourceType(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        create="create_schedule_group * Name={name}",
        delete="delete_schedule_group Name={ref}",
        properties=words("Name Tags"),
        replaced_by=words("Name"),
        named=("Name", 64),
        attributes={"Arn": "{ScheduleGroupArn}", "State": "ACTIVE"},
        tagged="ResourceArn={Arn}",
    ),
]
