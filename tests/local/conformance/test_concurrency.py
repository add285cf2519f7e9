"""Twenty clients at once: no write is lost, and none is made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account

pytestmark = pytest.mark.concurrency

CLIENTS = 20
EACH = 10


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """The results of `work(number)` for each of twenty threads."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(work, range(CLIENTS)))


def test_a_counter_counts_every_addition(account: Account) -> None:
    dynamodb, table = account.client("dynamodb"), account.unique("table")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table)
    account.later(dynamodb.delete_table, TableName=table)

    def add(_number: int) -> None:
        own = account.client("dynamodb")
        for _ in range(EACH):
            own.update_item(
                TableName=table,
                Key={"id": {"S": "counter"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    at_once(add)
    counted = dynamodb.get_item(TableName=table, Key={"id": {"S": "counter"}}, ConsistentRead=True)["Item"]
    assert counted["n"] == {"N": str(CLIENTS * EACH)}


def test_every_put_of_one_key_is_a_version(account: Account) -> None:
    s3, bucket = account.client("s3"), account.bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(number: int) -> list[str]:
        own = account.client("s3")
        return [own.put_object(Bucket=bucket, Key="key", Body=f"{number} {n}")["VersionId"] for n in range(EACH)]

    answered = {version for versions in at_once(put) for version in versions}
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    listed = [one["VersionId"] for page in pages for one in page["Versions"]]
    assert len(listed) == len(answered) == CLIENTS * EACH
    assert set(listed) == answered


def test_a_key_that_must_not_exist_is_written_by_one_client(account: Account) -> None:
    bucket = account.bucket()

    def claim(number: int) -> str:
        try:
            account.client("s3").put_object(Bucket=bucket, Key="lock", Body=str(number), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            return ""
        return str(number)

    winners = [winner for winner in at_once(claim) if winner]
    assert len(winners) == 1
    assert account.client("s3").get_object(Bucket=bucket, Key="lock")["Body"].read().decode() == winners[0]


def test_every_message_is_received_by_one_client(account: Account) -> None:
    url, _arn = account.queue(VisibilityTimeout="600")

    def send(number: int) -> None:
        entries = [{"Id": str(n), "MessageBody": f"{number} {n}"} for n in range(EACH)]
        assert len(account.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == EACH

    def receive(_number: int) -> list[str]:
        own, received = account.client("sqs"), []
        while messages := own.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            for message in messages:
                own.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                received.append(message["Body"])
        return received

    at_once(send)
    received = [body for bodies in at_once(receive) for body in bodies]
    assert sorted(received) == sorted(f"{number} {n}" for number in range(CLIENTS) for n in range(EACH))


def test_every_model_package_has_a_version_of_its_own(account: Account) -> None:
    sagemaker, group = account.client("sagemaker"), account.unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    account.later(sagemaker.delete_model_package_group, ModelPackageGroupName=group)

    def register(_number: int) -> str:
        created = account.client("sagemaker").create_model_package(
            ModelPackageGroupName=group, ModelApprovalStatus="PendingManualApproval"
        )
        return str(created["ModelPackageArn"])

    arns = at_once(register)
    for arn in arns:
        account.later(sagemaker.delete_model_package, ModelPackageName=arn)
    assert sorted(int(arn.rsplit("/", 1)[-1]) for arn in arns) == list(range(1, CLIENTS + 1))


def test_an_execution_of_one_name_is_started_once(account: Account) -> None:
    states, name = account.client("stepfunctions"), account.unique("machine")
    machine = states.create_state_machine(
        name=name,
        roleArn=account.role("states.amazonaws.com"),
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
    )["stateMachineArn"]
    account.later(states.delete_state_machine, stateMachineArn=machine)

    def start(_number: int) -> str:
        own = account.client("stepfunctions")
        try:
            return str(own.start_execution(stateMachineArn=machine, name="one", input="{}")["executionArn"])
        except own.exceptions.ExecutionAlreadyExists:
            return ""

    assert len({arn for arn in at_once(start) if arn}) == 1
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 1
