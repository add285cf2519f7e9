"""Step Functions: Distributed Map with its readers, batches, tolerated failures and results."""

import json
from typing import Any

import pytest

from .account import Account, allow
from .machines import Machines, distributed, task

pytestmark = pytest.mark.stepfunctions

GET = "arn:aws:states:::s3:getObject"
LIST = "arn:aws:states:::s3:listObjectsV2"
PUT = "arn:aws:states:::s3:putObject"
PASS = {"Done": {"Type": "Pass", "End": True}}
PICKY = {
    "Look": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericGreaterThan": 7, "Next": "Bad"}],
        "Default": "Good",
    },
    "Good": {"Type": "Pass", "Parameters": {"double.$": "States.MathAdd($.n, $.n)"}, "End": True},
    "Bad": {"Type": "Fail", "Error": "TooLarge", "Cause": "more than seven"},
}
NUMBERS = [{"n": n} for n in range(10)]


@pytest.fixture
def machines(account: Account) -> Machines:
    return Machines(account)


def stored(account: Account, name: str, text: str) -> dict[str, str]:
    """The parameters by which a reader finds an object with this text."""
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key=name, Body=text.encode())
    return {"Bucket": bucket, "Key": name}


@pytest.mark.parametrize(
    ("config", "text", "items"),
    [
        ({"InputType": "JSON"}, json.dumps(NUMBERS), NUMBERS),
        ({"InputType": "JSON", "MaxItems": 2}, json.dumps(NUMBERS), NUMBERS[:2]),
        ({"InputType": "JSONL"}, '{"n": 1}\n{"n": 2}\n', [{"n": 1}, {"n": 2}]),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            'id,text\n1,"a, b"\n2,c\n',
            [{"id": "1", "text": "a, b"}, {"id": "2", "text": "c"}],
        ),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["id", "n"], "CSVDelimiter": "PIPE"},
            "1|2\n",
            [{"id": "1", "n": "2"}],
        ),
    ],
)
def test_items_are_read_from_an_object(
    account: Account, machines: Machines, config: dict[str, Any], text: str, items: list[Any]
) -> None:
    reader = {"Resource": GET, "ReaderConfig": config, "Parameters": stored(account, "items", text)}
    machine = machines.create({"Each": distributed(PASS, ItemReader=reader)})
    assert json.loads(machines.outcome(machine)["output"]) == items


def test_items_are_the_objects_below_a_prefix_in_batches_with_their_selection(
    account: Account, machines: Machines
) -> None:
    bucket, s3 = account.bucket(), account.client("s3")
    for key in ("in/a", "in/b", "in/c", "other"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    state = distributed(
        PASS,
        ItemReader={"Resource": LIST, "Parameters": {"Bucket": bucket, "Prefix.$": "$.prefix"}},
        ItemSelector={"key.$": "$$.Map.Item.Value.Key", "size.$": "$$.Map.Item.Value.Size", "at.$": "$.at"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"at.$": "$.at"}},
        ToleratedFailurePercentage=5,
        Label="Shards",
    )
    execution = machines.start(machines.create({"Each": state}), {"prefix": "in/", "at": "noon"})
    first, second = json.loads(machines.ended(execution)["output"])
    assert [item["key"] for batch in (first, second) for item in batch["Items"]] == ["in/a", "in/b", "in/c"]
    assert first["Items"][0] == {"key": "in/a", "size": 5, "at": "noon"}
    assert first["BatchInput"] == {"at": "noon"}


def test_children_are_executions_of_the_map_run(account: Account, machines: Machines) -> None:
    machine = machines.create({"Each": distributed(PASS, Label="Part", MaxConcurrency=1)})
    execution = machines.start(machine, [1, 2, 3])
    machines.ended(execution)
    (run,) = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    found = machines.client.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (found["status"], found["maxConcurrency"]) == ("SUCCEEDED", 1)
    assert (found["itemCounts"]["total"], found["executionCounts"]["succeeded"]) == (3, 3)
    children = machines.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(machines.described(child["executionArn"])["input"] for child in children) == ["1", "2", "3"]
    assert {child["stateMachineArn"] for child in children} == {f"{machine}/Part"}
    assert "PassStateEntered" in machines.kinds(children[0]["executionArn"])
    (parent,) = machines.client.list_executions(stateMachineArn=machine)["executions"]
    assert parent["executionArn"] == execution
    kinds = machines.kinds(execution)
    assert kinds[1:6] == [
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
    ]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_tolerated_failures_are_in_the_results_that_are_written(
    account: Account, machines: Machines, kind: str
) -> None:
    bucket = account.bucket()
    writer = {"Resource": PUT, "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    state = distributed(PICKY, kind, ToleratedFailureCount=2, ResultWriter=writer)
    ended = machines.outcome(machines.create({"Each": state}), NUMBERS)
    assert ended["status"] == "SUCCEEDED", ended
    details = json.loads(ended["output"])["ResultWriterDetails"]
    manifest = read(account, details["Bucket"], details["Key"])
    (good,), (bad,) = manifest["ResultFiles"]["SUCCEEDED"], manifest["ResultFiles"]["FAILED"]
    outputs = [json.loads(record["Output"])["double"] for record in read(account, bucket, good["Key"])]
    assert sorted(outputs) == [0, 2, 4, 6, 8, 10, 12, 14]
    failed = read(account, bucket, bad["Key"])
    assert {(record["Error"], record["Status"]) for record in failed} == {("TooLarge", "FAILED")}
    assert sorted(json.loads(record["Input"])["n"] for record in failed) == [8, 9]
    assert details["Key"].startswith("out/")
    assert manifest["ResultFiles"]["PENDING"] == []


def read(account: Account, bucket: str, key: str) -> Any:
    """The JSON in an object."""
    return json.loads(account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


@pytest.mark.parametrize("limit", [{"ToleratedFailurePercentage": 10}, {"ToleratedFailureCount": 1}, {}])
def test_more_failures_than_are_tolerated_fail_the_state_by_name(machines: Machines, limit: dict[str, int]) -> None:
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Caught"}]
    state = distributed(PICKY, Catch=catch, **limit)
    machine = machines.create({"Each": state, "Caught": {"Type": "Pass", "End": True}})
    execution = machines.start(machine, NUMBERS)
    assert json.loads(machines.ended(execution)["output"])["Error"] == "States.ExceedToleratedFailureThreshold"
    (run,) = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    assert machines.client.describe_map_run(mapRunArn=run["mapRunArn"])["status"] == "FAILED"
    assert "MapRunFailed" in machines.kinds(execution)


def test_limits_may_come_from_the_input(machines: Machines) -> None:
    state = distributed(PICKY, ItemsPath="$.items", ToleratedFailureCountPath="$.most", MaxConcurrencyPath="$.at_once")
    document = {"items": NUMBERS, "most": 2, "at_once": 3}
    execution = machines.start(machines.create({"Each": state}), document)
    outputs = json.loads(machines.ended(execution)["output"])
    assert sorted(output["double"] for output in outputs if "double" in output) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert sorted(output["Error"] for output in outputs if "Error" in output) == ["TooLarge", "TooLarge"]


def test_what_cannot_be_read_or_written_fails_by_name(account: Account, machines: Machines) -> None:
    text = stored(account, "items", '{"not": "a list"}')
    reader = {"Resource": GET, "ReaderConfig": {"InputType": "JSON"}, "Parameters": text}
    assert machines.outcome(machines.create({"Each": distributed(PASS, ItemReader=reader)}))["error"] == (
        "States.ItemReaderFailed"
    )
    writer = {"Resource": PUT, "Parameters": {"Bucket": account.unique("absent"), "Prefix": ""}}
    assert machines.outcome(machines.create({"Each": distributed(PASS, ResultWriter=writer)}), [1])["error"] == (
        "States.ResultWriterFailed"
    )


def test_a_role_that_may_not_start_executions_runs_no_children(machines: Machines) -> None:
    machine = machines.create({"Each": distributed(PASS)}, allow("s3:GetObject"))
    assert machines.outcome(machine, [1, 2])["status"] == "FAILED"


def test_stopping_the_parent_stops_its_children(account: Account, machines: Machines) -> None:
    wait = {"Wait": {"Type": "Wait", "Seconds": 86400, "End": True}}
    execution = machines.start(machines.create({"Each": distributed(wait)}), [1, 2])

    def children() -> list[dict[str, Any]]:
        runs = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
        found = [machines.client.list_executions(mapRunArn=run["mapRunArn"])["executions"] for run in runs]
        return [child for listed in found for child in listed]

    account.wait_until(lambda: len(children()) == 2)
    machines.client.stop_execution(executionArn=execution)
    account.wait_until(lambda: {child["status"] for child in children()} == {"ABORTED"})


def test_a_redrive_runs_only_the_children_that_failed(account: Account, machines: Machines) -> None:
    bucket, s3 = account.bucket(), account.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    get = task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": bucket, "Key.$": "$"}, OutputPath="$.Body")
    execution = machines.start(machines.create({"Each": distributed({"Get": get}, MaxConcurrency=1)}), ["a", "b"])
    assert machines.ended(execution)["status"] == "FAILED"
    s3.put_object(Bucket=bucket, Key="b", Body=b"2")
    machines.client.redrive_execution(executionArn=execution)
    ended = machines.ended(execution)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", ["1", "2"])
    (run,) = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    assert machines.client.describe_map_run(mapRunArn=run["mapRunArn"])["redriveCount"] == 1
    children = machines.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(child["redriveCount"] for child in children) == [0, 1]
