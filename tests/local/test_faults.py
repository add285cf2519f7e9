"""A fault plan strikes what it names, as often as it says, and nothing else."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import local as cli
from cli.stage import CommandError
from localcloud.clients import Clients
from localcloud.clock import Clock
from localcloud.faults import Faults
from localcloud.faults.plan import parse

from .conftest import LocalCloud, wait_until
from .iam_support import make_role, statement, unique
from .lambda_support import make_bench

Plan = Callable[..., dict[str, Any]]
TWO_PUTS = """
import boto3
def handler(table, context):
    for key in ("first", "second"):
        boto3.client("dynamodb").put_item(TableName=table, Item={"id": {"S": key}})
"""


@pytest.fixture
def plan(own_cloud: LocalCloud) -> Iterator[Plan]:
    """`plan(fault, ..., seed=0)` puts a plan in force until the test has ended."""
    yield lambda *faults, seed=0: own_cloud.admin("faults", {"seed": seed, "faults": list(faults)})
    own_cloud.admin("faults", {"faults": []})


@pytest.fixture(scope="module")
def worker(own_cloud: LocalCloud) -> Callable[[str], Any]:
    """Clients of a role, as a function would have."""
    arn = make_role(own_cloud, statement("*"))
    clients = Clients(own_cloud.endpoint, "us-east-1")
    return lambda service: clients.as_role(arn, "lambda.amazonaws.com", "worker", service)


@pytest.fixture
def table(own_cloud: LocalCloud) -> str:
    """An empty table."""
    name = unique("table")
    own_cloud.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def _puts(dynamodb: Any, table: str, count: int) -> list[str]:
    """What became of each put: "ok" or the error's code."""
    return [_put(dynamodb, table, f"{number:03}") for number in range(count)]


def _put(dynamodb: Any, table: str, key: str) -> str:
    try:
        dynamodb.put_item(TableName=table, Item={"id": {"S": key}})
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_a_seed_throttles_the_same_calls_each_time(plan: Plan, worker: Any, table: str) -> None:
    fault = {"kind": "throttle", "service": "dynamodb", "operation": "PutItem", "probability": 0.3}
    outcomes = []
    for seed in (7, 7, 8):
        plan(fault, seed=seed)
        outcomes.append(_puts(worker("dynamodb"), table, 40))
    assert outcomes[0] == outcomes[1] != outcomes[2]
    assert 4 <= outcomes[0].count("ThrottlingException") <= 22


def test_a_call_of_another_resource_or_of_the_administrator_is_spared(
    own_cloud: LocalCloud, plan: Plan, worker: Any, table: str
) -> None:
    plan({"kind": "error", "service": "dynamodb", "resource": "nothing-is-called-so"})
    assert _put(worker("dynamodb"), table, "a") == "ok"
    plan({"kind": "error", "service": "dynamodb", "resource": table})
    assert _put(own_cloud.client("dynamodb"), table, "a") == "ok"
    assert _put(worker("dynamodb"), table, "a") == "InternalServerError"


def test_an_answer_is_lost_after_the_act(own_cloud: LocalCloud, plan: Plan, worker: Any, table: str) -> None:
    plan({"kind": "lost_answer", "operation": "PutItem", "times": 1})
    assert _puts(worker("dynamodb"), table, 2) == ["InternalServerError", "ok"]
    assert own_cloud.client("dynamodb").scan(TableName=table)["Count"] == 2
    assert own_cloud.admin("faults")["faults"][0]["struck"] == 1


def test_a_slow_answer_takes_as_long_as_the_plan_says(plan: Plan, worker: Any, table: str) -> None:
    plan({"kind": "latency", "operation": "PutItem", "seconds": 0.5})
    began = time.monotonic()
    assert _put(worker("dynamodb"), table, "a") == "ok"
    assert time.monotonic() - began >= 0.5


def test_a_caller_dies_after_its_call_was_carried_out(own_cloud: LocalCloud, plan: Plan, table: str) -> None:
    bench = make_bench(own_cloud)
    name = bench.function(TWO_PUTS)
    plan({"kind": "kill_caller", "service": "dynamodb", "operation": "PutItem", "times": 1})
    assert "signal: killed" in bench.invoke(name, table).value["errorMessage"]
    assert own_cloud.client("dynamodb").scan(TableName=table)["Count"] == 1
    assert bench.invoke(name, table).error is None
    assert own_cloud.client("dynamodb").scan(TableName=table)["Count"] == 2


def test_events_overtake_each_other_by_the_seed() -> None:
    def order(seed: int) -> list[int]:
        faults = Faults(Clock())
        faults.follow(parse({"seed": seed, "faults": [{"kind": "reorder", "service": "shop", "seconds": 60}]}))
        event = {"source": "shop", "detail-type": "sold", "resources": [], "detail": {}}
        arrivals = [faults.arrivals(event) for _ in range(8)]
        assert all(len(each) == 1 and 0 <= each[0] < 60 for each in arrivals)
        return sorted(range(8), key=lambda number: arrivals[number])

    assert order(1) == order(1) != order(2)
    assert order(1) != sorted(order(1))


def test_faults_begin_and_end_in_virtual_time(own_cloud: LocalCloud, plan: Plan, worker: Any, table: str) -> None:
    plan({"kind": "error", "operation": "PutItem", "from_seconds": 3600, "until_seconds": 7200, "code": "Broken"})
    outcomes = [_put(worker("dynamodb"), table, "before")]
    for key in ("during", "after"):
        own_cloud.advance(3601)
        outcomes.append(_put(worker("dynamodb"), table, key))
    assert outcomes == ["ok", "Broken", "ok"]


def test_a_key_is_disabled_for_a_while(own_cloud: LocalCloud, plan: Plan) -> None:
    kms = own_cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    plan({"kind": "disable_key", "resource": key, "from_seconds": 60, "until_seconds": 120})
    for expected in ("Disabled", "Enabled"):
        own_cloud.advance(61)
        wait_until(lambda expected=expected: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == expected, 20)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"faults": [{"kind": "explode"}]}, "fault 1: kind is 'explode'"),
        ({"faults": [{"kind": "error", "servce": "s3"}]}, "fault 1: servce is unknown"),
        ({"faults": [{"kind": "error", "probability": 2}]}, "probability is 2"),
        ({"faults": [{"kind": "error", "seconds": "2"}]}, "seconds cannot be '2'"),
        ({"faults": ["error"]}, "fault 1 is 'error'"),
        ({"fault": []}, "a fault plan is"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(own_cloud: LocalCloud, body: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception) as refused:
        own_cloud.admin("faults", body)
    assert said in json.load(refused.value)["message"]  # type: ignore[arg-type]


def test_a_plan_can_be_given_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"seed": 3, "faults": [{"kind": "drop", "service": "aws.s3"}]}))
    cli.start(tmp_path, 0, None, faults=file)
    try:
        assert cli.ask(tmp_path, "faults")["faults"][0]["kind"] == "drop"
        with pytest.raises(CommandError, match=r"^the clock's speed must be above 0"):
            cli.ask(tmp_path, "clock", {"speed": 0})
    finally:
        cli.stop(tmp_path)
