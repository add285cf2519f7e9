"""Writers that are cut off by a kill, and what they were told before."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .conftest import PROGRAM, LocalCloud, start_local_cloud
from .events_support import Stage

BODY_TIMES = 300


class Restarting:
    """A local cloud that can be killed and started again with the state that it left."""

    def __init__(self, folder: Path, program: tuple[str, ...] = PROGRAM) -> None:
        self._folder = folder
        self._program = program
        self.cloud, self._process = start_local_cloud(folder, program=program)

    def kill(self) -> None:
        """The server is gone, without a chance to say farewell."""
        self._process.kill()
        self._process.wait()

    def start(self, *arguments: str) -> LocalCloud:
        """The cloud answers again."""
        (self._folder / "server.json").unlink(missing_ok=True)
        self.cloud, self._process = start_local_cloud(self._folder, *arguments, program=self._program)
        return self.cloud

    def restart(self) -> LocalCloud:
        """The cloud was killed and answers again."""
        self.kill()
        return self.start()

    def stop(self) -> None:
        """The cloud has ended in good order."""
        self._process.terminate()
        self._process.wait(10)


@dataclass
class Written:
    """Names that writers sent, and those among them whose write was answered."""

    sent: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)


Write = Callable[[str], Any]


@dataclass
class Writers:
    """Twenty threads that write, each its own names, until the cloud does not answer any more."""

    kinds: dict[str, Callable[[LocalCloud], Write]]
    written: dict[str, Written] = field(default_factory=dict)

    def write_until(self, running: Restarting, seconds: float, threads: int = 20) -> None:
        """The cloud was killed while everybody was writing for `seconds`."""
        makers = [(kind, number) for number, kind in zip(range(threads), _in_turn(list(self.kinds)), strict=False)]
        begun = threading.Barrier(threads + 1, timeout=20)
        with ThreadPoolExecutor(threads) as pool:
            for kind, number in makers:
                pool.submit(self._write, running.cloud, kind, f"{time.time_ns()}-{number}", begun)
            begun.wait()
            time.sleep(seconds)  # the moment of the kill, not a wait for something
            running.kill()

    def _write(self, cloud: LocalCloud, kind: str, prefix: str, begun: threading.Barrier) -> None:
        write, written = self.kinds[kind](cloud), self.written.setdefault(kind, Written())
        begun.wait()
        for number in range(10_000):
            name = f"{prefix}-{number}"
            written.sent.append(name)
            try:
                write(name)
            except (BotoCoreError, ClientError):
                return
            written.answered.append(name)


def _in_turn(kinds: list[str]) -> Iterator[str]:
    while True:
        yield from kinds


@dataclass(frozen=True)
class Places:
    """What the writers write to; `events` receives what `rule` matches."""

    bucket: str
    table: str
    queue: str
    events: str
    machine: str

    @staticmethod
    def make(cloud: LocalCloud) -> "Places":
        """All places are there."""
        stage, dynamodb = Stage(cloud), cloud.client("dynamodb")
        dynamodb.create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        events = stage.queue()
        stage.rule({"source": ["test"]}, Arn=events.arn)
        machine = stage.machine({"Done": {"Type": "Succeed"}})
        queue = stage.queue().url.rsplit("/", 1)[-1]
        return Places(stage.bucket(events=False), "table", queue, events.url.rsplit("/", 1)[-1], machine)

    def writers(self) -> Writers:
        """One kind for each service."""
        return Writers(
            {
                "object": self._object,
                "item": self._item,
                "message": self._message,
                "event": self._event,
                "execution": self._execution,
                "datum": self._datum,
            }
        )

    def _object(self, cloud: LocalCloud) -> Write:
        s3 = cloud.client("s3")
        return lambda name: s3.put_object(Bucket=self.bucket, Key=name, Body=name * BODY_TIMES)

    def _item(self, cloud: LocalCloud) -> Write:
        dynamodb = cloud.client("dynamodb")

        def write(name: str) -> None:
            dynamodb.put_item(TableName=self.table, Item={"id": {"S": name}})
            dynamodb.update_item(
                TableName=self.table,
                Key={"id": {"S": "counter"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

        return write

    def _message(self, cloud: LocalCloud) -> Write:
        sqs = cloud.client("sqs")
        url = sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        return lambda name: sqs.send_message(QueueUrl=url, MessageBody=name)

    def _event(self, cloud: LocalCloud) -> Write:
        events = cloud.client("events")
        entry = {"Source": "test", "DetailType": "Something Happened"}
        return lambda name: events.put_events(Entries=[{**entry, "Detail": json.dumps({"name": name})}])

    def _execution(self, cloud: LocalCloud) -> Write:
        states = cloud.client("stepfunctions")
        return lambda name: states.start_execution(stateMachineArn=self.machine, name=name)

    def _datum(self, cloud: LocalCloud) -> Write:
        metrics = cloud.client("cloudwatch")
        return lambda _name: metrics.put_metric_data(Namespace="test", MetricData=[{"MetricName": "n", "Value": 1}])
