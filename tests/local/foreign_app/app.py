"""Orders: a CDK app that has nothing to do with Trimtab. `-c step=` chooses what of it is deployed.

`first` is a whole app in two stacks; `second` changes some of it in place, replaces a topic, adds and removes;
`broken` is `second` with a queue that cannot be made, `misspelt` with one that has a property nobody knows.
"""

from pathlib import Path

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
import aws_cdk.aws_cloudwatch_actions as alarm_actions
import aws_cdk.aws_dynamodb as dynamodb
import aws_cdk.aws_events as events
import aws_cdk.aws_events_targets as targets
import aws_cdk.aws_kms as kms
import aws_cdk.aws_lambda as lambda_
import aws_cdk.aws_lambda_event_sources as event_sources
import aws_cdk.aws_logs as logs
import aws_cdk.aws_s3 as s3
import aws_cdk.aws_scheduler as scheduler
import aws_cdk.aws_scheduler_targets as scheduler_targets
import aws_cdk.aws_sns as sns
import aws_cdk.aws_sns_subscriptions as subscriptions
import aws_cdk.aws_sqs as sqs
import aws_cdk.aws_ssm as ssm
import aws_cdk.aws_stepfunctions as sfn
import aws_cdk.aws_stepfunctions_tasks as tasks
from constructs import Construct

HERE = Path(__file__).parent
SEED = """
import json, urllib.request
import boto3

def handler(event, context):
    properties, table = event["ResourceProperties"], boto3.client("dynamodb")
    key = {"id": {"S": properties["Id"]}}
    if event["RequestType"] == "Delete":
        table.delete_item(TableName=properties["Table"], Key=key)
    else:
        table.put_item(TableName=properties["Table"], Item=key | {"price": {"N": properties["Price"]}})
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": properties["Id"], "Data": {"Row": properties["Id"]}}
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT"))
"""


class Storage(cdk.Stack):
    """What keeps data: a key, a bucket and two tables."""

    def __init__(self, scope: Construct, name: str, **more: object) -> None:
        super().__init__(scope, name, **more)  # type: ignore[arg-type]
        gone = cdk.RemovalPolicy.DESTROY
        self.key = kms.Key(self, "Key", alias="orders", enable_key_rotation=True, removal_policy=gone)
        self.invoices = s3.Bucket(
            self,
            "Invoices",
            encryption_key=self.key,
            enforce_ssl=True,
            event_bridge_enabled=True,
            versioned=True,
            lifecycle_rules=[s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(7))],
            removal_policy=gone,
        )
        by_id = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
        self.orders = dynamodb.TableV2(
            self, "Orders", partition_key=by_id, dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE, removal_policy=gone
        )
        self.prices = dynamodb.Table(
            self,
            "Prices",
            partition_key=by_id,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="until",
            removal_policy=gone,
        )


class Orders(cdk.Stack):
    """What handles orders: they come by a queue, are kept in a table, and a state machine ships them."""

    def __init__(self, scope: Construct, name: str, storage: Storage, step: str, **more: object) -> None:
        super().__init__(scope, name, **more)  # type: ignore[arg-type]
        self._storage = storage
        self._changed = step != "first"
        self._handle_orders()
        self._seed_prices()
        self._ship()
        self._watch()
        if not self._changed:
            ssm.StringParameter(self, "Version", string_value="1")
        if step == "broken":
            broken = sqs.CfnQueue(self, "Broken", queue_name="not a name!")
            broken.node.add_dependency(self._queue)
        if step == "misspelt":
            sqs.CfnQueue(self, "Misspelt").add_property_override("Colour", "red")

    def _handle_orders(self) -> None:
        self._failed = sqs.Queue(self, "Failed")
        self._queue = sqs.Queue(
            self,
            "Incoming",
            visibility_timeout=cdk.Duration.seconds(90 if self._changed else 60),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self._failed, max_receive_count=3),
        )
        layer = lambda_.LayerVersion(self, "Pricing", code=lambda_.Code.from_asset(str(HERE / "pricing")))
        self._process = lambda_.Function(
            self,
            "ProcessOrder",
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler="handler.handle",
            code=lambda_.Code.from_asset(str(HERE / "process_order")),
            layers=[layer],
            timeout=cdk.Duration.seconds(20),
            environment={
                "ORDERS": self._storage.orders.table_name,
                "PRICES": self._storage.prices.table_name,
                "CURRENCY": "CHF" if self._changed else "EUR",
            },
            log_group=logs.LogGroup(
                self, "Logs", retention=logs.RetentionDays.ONE_WEEK, removal_policy=cdk.RemovalPolicy.DESTROY
            ),
        )
        self._storage.orders.grant_read_write_data(self._process)
        self._storage.prices.grant_read_data(self._process)
        self._process.add_event_source(event_sources.SqsEventSource(self._queue, report_batch_item_failures=True))

    def _seed_prices(self) -> None:
        seed = lambda_.Function(
            self,
            "Seed",
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler="index.handler",
            code=lambda_.Code.from_inline(SEED),
            timeout=cdk.Duration.seconds(20),
        )
        self._storage.prices.grant_write_data(seed)
        price = {"Table": self._storage.prices.table_name, "Id": "tea", "Price": 7 if self._changed else 5}
        row = cdk.CustomResource(
            self, "TeaPrice", resource_type="Custom::Price", service_token=seed.function_arn, properties=price
        )
        row.node.add_dependency(seed)
        cdk.CfnOutput(self, "PricedRow", value=row.get_att_string("Row"))

    def _ship(self) -> None:
        note = tasks.DynamoPutItem(
            self,
            "NoteShipment",
            table=self._storage.orders,
            item={"id": tasks.DynamoAttributeValue.from_string(sfn.JsonPath.string_at("$.detail.id"))},
            result_path=sfn.JsonPath.DISCARD,
        )
        machine = sfn.StateMachine(
            self, "Ship", definition_body=sfn.DefinitionBody.from_chainable(note), timeout=cdk.Duration.minutes(5)
        )
        bus = events.EventBus(self, "Bus", event_bus_name="orders")
        events.Rule(
            self,
            "Paid",
            event_bus=bus,
            event_pattern=events.EventPattern(source=["shop"], detail_type=["Paid"]),
            targets=[targets.SfnStateMachine(machine)],
        )
        scheduler.Schedule(
            self,
            "Nightly",
            schedule=scheduler.ScheduleExpression.cron(hour="3", minute="0", time_zone=cdk.TimeZone.EUROPE_ZURICH),
            target=scheduler_targets.LambdaInvoke(self._process),
        )

    def _watch(self) -> None:
        topic = sns.Topic(self, "Alerts", topic_name="orders-alarms" if self._changed else "orders-alerts")
        inbox = sqs.Queue(self, "Inbox")
        topic.add_subscription(subscriptions.SqsSubscription(inbox, raw_message_delivery=True))
        alarm = cloudwatch.Alarm(
            self,
            "AnyFailed",
            metric=self._failed.metric_approximate_number_of_messages_visible(period=cdk.Duration.minutes(1)),
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(alarm_actions.SnsAction(topic))
        if self._changed:
            sqs.Queue(self, "Added", fifo=True)
        cdk.CfnOutput(self, "IncomingUrl", value=self._queue.queue_url)
        cdk.CfnOutput(self, "AlertsArn", value=topic.topic_arn)


def main() -> None:
    app = cdk.App()
    storage = Storage(app, "orders-storage")
    Orders(app, "orders", storage, app.node.get_context("step"))
    cdk.Tags.of(app).add("app", "orders")
    app.synth()


main()
