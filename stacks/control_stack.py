"""What all models of a stage share: the topic for people, the operations key and the shared functions."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.constructs.notifications import Notifications
from stacks.constructs.operations_key import operations_key
from stacks.constructs.python_layer import PythonLayer
from stacks.constructs.runtime_function import FunctionDefaults, RuntimeFunction
from stacks.constructs.webhooks import Webhooks
from stacks.data_stack import DataStack
from stacks.layers import runtime_recipe
from stacks.stage import Stage


class ControlStack(Stack):
    """Topic, operations key, ``record_failure``, and what tells the stage's receivers. Holds no state."""

    def __init__(self, scope: Construct, id: str, *, stage: Stage, data: DataStack, architecture: str) -> None:
        super().__init__(scope, id, description="Trimtab: what all models share")
        self.key = operations_key(self, "Operations", stage=stage)
        self.notifications = Notifications(self, "Notifications", key=self.key)
        defaults = FunctionDefaults(
            stage=stage,
            settings=self.settings(stage, data),
            log_key=self.key.key,
            runtime=PythonLayer(self, "Runtime", recipe=runtime_recipe(architecture)),
            architecture=architecture,
        )
        self.record_failure = RuntimeFunction(self, "record_failure", defaults=defaults)
        data.ledger.grant_append_all(self.record_failure.role)
        self.notifications.grant_publish(self.record_failure.role)
        if stage.receivers:
            Webhooks(
                self, "Webhooks", topic=self.notifications.topic, key=self.key, ledger=data.ledger, defaults=defaults
            )
        CfnOutput(self, "Topic", value=self.notifications.topic.topic_arn)
        CfnOutput(self, "OperationsKey", value=self.key.arn)

    def settings(self, stage: Stage, data: DataStack) -> Mapping[str, str]:
        """Settings that every function of the stage has."""
        return {
            "stage": stage.name,
            "protected": str(stage.protected).lower(),
            "ledger_table": data.ledger.table.table_name,
            "drops_bucket": data.drops.bucket.bucket_name,
            "artifacts_bucket": data.artifacts.bucket.bucket_name,
            "captures_bucket": data.captures.bucket.bucket_name,
            "topic_arn": self.notifications.topic.topic_arn,
        }
