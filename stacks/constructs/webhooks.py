"""Chats and programs that are told what the topic says, each by a function of its own."""

from dataclasses import replace
from functools import cached_property

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.data_key import DataKey
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.ledger_table import LedgerTable
from stacks.constructs.runtime_function import FunctionDefaults, RuntimeFunction
from trimtab.spec.receivers import Receiver

_SNS = "sns.amazonaws.com"


class Webhooks(Construct):
    """Owns a :class:`Webhook` for each receiver of the stage, their queue and its alarm. Holds no state."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        topic: sns.Topic,
        key: DataKey,
        ledger: LedgerTable,
        defaults: FunctionDefaults,
    ) -> None:
        super().__init__(scope, id)
        self._topic, self._key = topic, key
        self.dead_letters = DeadLetters(self, "DeadLetters", key=key)
        self._let_the_topic_in()
        for receiver in defaults.stage.receivers:
            webhook = Webhook(self, receiver.name, receiver=receiver, topic=topic, defaults=defaults)
            webhook.keep_in(self.dead_letters)
            ledger.grant_read_all(webhook.function.role)
            key.grant(webhook.function.role, "ssm", "kms:Decrypt")
        self._watch()

    def _let_the_topic_in(self) -> None:
        """SNS keeps in the queue what it cannot hand to a function."""
        self.dead_letters.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(_SNS)],
                actions=["sqs:SendMessage"],
                resources=[self.dead_letters.queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": self._topic.topic_arn}},
            )
        )
        # Not for this topic alone: its own key would have to know it, which is made with that key.
        self._key.allow_service(_SNS, "kms:Decrypt", "kms:GenerateDataKey*")

    def _watch(self) -> None:
        """Of a receiver that is not told hear those who are: by e-mail, and the other receivers."""
        waiting = self.dead_letters.queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic="Maximum"
        )
        undelivered = cloudwatch.Alarm(
            self,
            "Undelivered",
            metric=waiting,
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description="A receiver was not told of something. What to do: docs/runbooks/undelivered.md",
        )
        undelivered.add_alarm_action(actions.SnsAction(self._topic))
        undelivered.add_ok_action(actions.SnsAction(self._topic))


class Webhook(Construct):
    """Owns the function ``notify_webhook`` for one receiver, and its subscription. No state."""

    def __init__(
        self, scope: Construct, id: str, *, receiver: Receiver, topic: sns.Topic, defaults: FunctionDefaults
    ) -> None:
        super().__init__(scope, id)
        self._topic = topic
        own = replace(defaults, settings={**defaults.settings, "receiver": receiver.model_dump_json()})
        self.function = RuntimeFunction(self, "notify_webhook", defaults=own)
        parameter = arn("ssm", f"parameter{receiver.parameter}")
        self.function.allow(
            iam.PolicyStatement(actions=["ssm:GetParameter"], resources=[parameter]),
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[arn("cloudwatch", "alarm:*")]),
        )
        self.function.function.add_permission("Topic", principal=iam.ServicePrincipal(_SNS), source_arn=topic.topic_arn)

    @cached_property
    def arn(self) -> str:
        return self.function.arn

    def keep_in(self, dead_letters: DeadLetters) -> None:
        """What could not be told, by SNS or after three calls by Lambda, waits there."""
        dead_letters.grant_send(self.function.role)
        queue = dead_letters.queue.queue_arn
        on_failure = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=queue)
        lambda_.CfnEventInvokeConfig(
            self,
            "Retries",
            function_name=self.function.function.function_name,
            qualifier="$LATEST",
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=on_failure),
            maximum_retry_attempts=2,
        )
        sns.CfnSubscription(
            self,
            "Subscription",
            topic_arn=self._topic.topic_arn,
            protocol="lambda",
            endpoint=self.arn,
            redrive_policy={"deadLetterTargetArn": queue},
        )
