"""What the tests of events, state machines and alarms share: roles, queues, machines, and short ways to watch them."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from .conftest import LocalCloud, wait_until

ACCOUNT = "123456789012"
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Queue:
    """An SQS queue and what has arrived in it."""

    client: Any
    url: str
    arn: str

    def receive(self, count: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
        """The first `count` messages; the test fails when they do not arrive in time."""
        received: list[dict[str, Any]] = []
        wait_until(lambda: self._drain(received) >= count, seconds, lambda: f"{len(received)} of {count} messages")
        return received

    def bodies(self, count: int = 1, seconds: float = 15) -> list[Any]:
        """The JSON bodies of the first `count` messages."""
        return [json.loads(message["Body"]) for message in self.receive(count, seconds)]

    def is_empty(self) -> bool:
        """Whether nothing waits in the queue."""
        return self._drain([]) == 0

    def _drain(self, received: list[dict[str, Any]]) -> int:
        answer = self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            received.append(message)
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return len(received)


@dataclass(frozen=True)
class Stage:
    """Makes what a test needs in the local cloud."""

    cloud: LocalCloud

    def role(self, service: str, policy: dict[str, Any] = ALLOW_ALL) -> str:
        """The ARN of a role that a service may assume."""
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        name, iam = unique("role"), self.cloud.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return arn

    def queue(self) -> Queue:
        """A new queue that AWS services may send to."""
        sqs, name = self.cloud.client("sqs"), unique("queue")
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return Queue(sqs, sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn)

    def rule(self, pattern: dict[str, Any], **target: Any) -> str:
        """The name of a rule with one target."""
        events, name = self.cloud.client("events"), unique("rule")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "target", **target}])
        return name

    def put_event(self, detail: dict[str, Any], source: str = "test", kind: str = "Something Happened") -> None:
        """One custom event is on the default bus."""
        entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
        assert self.cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def bucket(self, *, versioned: bool = False, events: bool = True) -> str:
        """The name of a new bucket."""
        s3, name = self.cloud.client("s3"), unique("bucket")
        s3.create_bucket(Bucket=name)
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if events:
            s3.put_bucket_notification_configuration(
                Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
        return name

    def machine(self, states: dict[str, Any], policy: dict[str, Any] = ALLOW_ALL, **more: Any) -> str:
        """The ARN of a state machine that starts at its first state."""
        definition = {"StartAt": next(iter(states)), "States": states, **more}
        return str(
            self.cloud.client("stepfunctions").create_state_machine(
                name=unique("machine"),
                definition=json.dumps(definition),
                roleArn=self.role("states.amazonaws.com", policy),
            )["stateMachineArn"]
        )

    def start(self, machine: str, document: Any = None, **more: Any) -> str:
        """The ARN of a new execution."""
        text = json.dumps({} if document is None else document)
        sfn = self.cloud.client("stepfunctions")
        return str(sfn.start_execution(stateMachineArn=machine, input=text, **more)["executionArn"])

    def described(self, execution: str) -> dict[str, Any]:
        """DescribeExecution's answer."""
        found: dict[str, Any] = self.cloud.client("stepfunctions").describe_execution(executionArn=execution)
        return found

    def ended(self, execution: str, seconds: float = 30) -> dict[str, Any]:
        """DescribeExecution's answer once the execution no longer runs."""
        wait_until(lambda: self.described(execution)["status"] != "RUNNING", seconds, lambda: "still running")
        return self.described(execution)

    def outcome(self, machine: str, document: Any = None) -> dict[str, Any]:
        """The end of a new execution."""
        return self.ended(self.start(machine, document))

    def history(self, execution: str) -> list[str]:
        """The types of the execution's events."""
        events = self.cloud.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
        return [event["type"] for event in events]
