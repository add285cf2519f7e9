"""What was under way when the cloud was killed: deployments, invocations, jobs and endpoints."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from .conftest import LocalCloud, wait_until
from .durability_support import Restarting
from .events_support import Queue, Stage
from .lambda_support import Bench, make_bench
from .sagemaker_support import Studio

EVENTS = 8
ECHO = "def handler(event, context):\n    return event"
NEVER = "import time\ndef handler(event, context):\n    time.sleep(600)"
SLEEP = "import time\ntime.sleep(600)"
STACK = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Bucket"}}},
    },
    "Outputs": {"Name": {"Value": {"Ref": "Bucket"}}},
}


@dataclass(frozen=True)
class Before:
    """What was there when the cloud was killed; `cloud` is the one that was started again."""

    cloud: LocalCloud
    stack: dict[str, Any]
    bucket: str
    function: str
    sent: set[int]
    results: Queue
    endpoint: str
    updating: dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarting]:
    made = Restarting(tmp_path_factory.mktemp("localcloud"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def before(running: Restarting) -> Before:
    cloud = running.cloud
    bench, studio, stage = make_bench(cloud), Studio(cloud), Stage(cloud)
    stack, function = deployed(cloud), bench.function(ECHO)
    endpoint = studio.endpoint(studio.config({"version": "1"}, instances=1))
    updating = half_an_update(studio)
    studio.sagemaker.create_training_job(**studio.training_request("interrupted", {"train.py": SLEEP}))
    wait_until(lambda: status_of_job(cloud)["SecondaryStatus"] == "Training", 60)
    bucket, results = half_a_stack(cloud, bench), stage.queue()
    sent = invoked(bench, function, results)
    running.restart()
    return Before(running.cloud, stack, bucket, function, sent, results, endpoint, updating)


def deployed(cloud: LocalCloud) -> dict[str, Any]:
    """The description of a stack that is complete."""
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="complete", TemplateBody=json.dumps(STACK))
    stacks.get_waiter("stack_create_complete").wait(StackName="complete", WaiterConfig={"Delay": 1})
    return dict(stacks.describe_stacks(StackName="complete")["Stacks"][0])


def half_a_stack(cloud: LocalCloud, bench: Bench) -> str:
    """The bucket of a stack that waits for a custom resource."""
    arn = bench.api.get_function(FunctionName=bench.function(NEVER, Timeout=600))["Configuration"]["FunctionArn"]
    custom = {"Type": "Custom::Never", "DependsOn": "Bucket", "Properties": {"ServiceToken": arn}}
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "Never": custom}}
    stacks = cloud.client("cloudformation")

    def create() -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the cloud is killed meanwhile
            stacks.create_stack(StackName="interrupted", TemplateBody=json.dumps(template))

    def bucket() -> Any:
        with contextlib.suppress(ClientError):  # not created yet
            found = stacks.describe_stack_resources(StackName="interrupted")["StackResources"]
            made = {one["LogicalResourceId"]: one for one in found if one["ResourceStatus"] == "CREATE_COMPLETE"}
            return "Bucket" in made and made["Bucket"].get("PhysicalResourceId")

    threading.Thread(target=create, daemon=True).start()
    return str(wait_until(bucket, 60))


def half_an_update(studio: Studio) -> dict[str, Any]:
    """The description of an endpoint that shifts its traffic to version 2."""
    endpoint = studio.endpoint(studio.config({"version": "1"}, instances=1))
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 3600}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    before = dict(studio.sagemaker.describe_endpoint(EndpointName=endpoint))
    new = studio.config({"version": "2"}, instances=1)
    studio.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=new, DeploymentConfig=policy)
    wait_until(lambda: studio.ask(endpoint)["version"] == "2", 60)
    return before


def invoked(bench: Bench, function: str, results: Queue) -> set[int]:
    """The numbers with which the function was invoked asynchronously; its results go to the queue."""
    bench.api.put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnSuccess": {"Destination": results.arn}}
    )
    for number in range(EVENTS):
        bench.api.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(number))
    return set(range(EVENTS))


def status_of_job(cloud: LocalCloud) -> dict[str, Any]:
    """The description of the job that is interrupted."""
    return dict(cloud.client("sagemaker").describe_training_job(TrainingJobName="interrupted"))


def test_a_stack_is_there_with_its_resources_and_can_be_updated(before: Before) -> None:
    stacks = before.cloud.client("cloudformation")
    assert stacks.describe_stacks(StackName="complete")["Stacks"] == [before.stack]
    changed = json.loads(json.dumps(STACK).replace("String", "StringList"))
    stacks.update_stack(StackName="complete", TemplateBody=json.dumps(changed))
    stacks.get_waiter("stack_update_complete").wait(StackName="complete", WaiterConfig={"Delay": 1})
    before.cloud.client("s3").head_bucket(Bucket=before.stack["Outputs"][0]["OutputValue"])


def test_a_stack_that_was_being_created_is_rolled_back_and_can_be_created_again(before: Before) -> None:
    stacks = before.cloud.client("cloudformation")

    def status() -> str:
        return str(stacks.describe_stacks(StackName="interrupted")["Stacks"][0]["StackStatus"])

    wait_until(lambda: not status().endswith("IN_PROGRESS"), 60)
    assert status() == "ROLLBACK_COMPLETE"
    assert before.bucket not in {one["Name"] for one in before.cloud.client("s3").list_buckets()["Buckets"]}
    stacks.delete_stack(StackName="interrupted")
    stacks.get_waiter("stack_delete_complete").wait(StackName="interrupted", WaiterConfig={"Delay": 1})


def test_a_function_runs_and_what_it_was_accepted_for_is_done(before: Before) -> None:
    bench = Bench(before.cloud, "")
    assert bench.invoke(before.function, "here").value == "here"
    sqs = before.cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=before.results.arn.rsplit(":", 1)[-1])["QueueUrl"]
    done: set[int] = set()

    def all_done() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            done.add(json.loads(message["Body"])["requestPayload"])
        return done == before.sent

    wait_until(all_done, 60, lambda: f"only {done}")


def test_a_job_that_ran_has_failed_with_a_reason(before: Before) -> None:
    wait_until(lambda: status_of_job(before.cloud)["TrainingJobStatus"] == "Failed", 30)
    assert status_of_job(before.cloud)["FailureReason"]


def test_an_endpoint_serves_again(before: Before) -> None:
    runtime = before.cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=before.endpoint, ContentType="application/json", Body=b"[1, 2]")
    assert json.loads(answer["Body"].read())["version"] == "1"
    described = before.cloud.client("sagemaker").describe_endpoint(EndpointName=before.endpoint)
    assert described["EndpointStatus"] == "InService"


def test_an_endpoint_in_the_middle_of_an_update_is_back_on_its_configuration(before: Before) -> None:
    sagemaker, name = before.cloud.client("sagemaker"), before.updating["EndpointName"]
    runtime = before.cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=b"[1, 2]")
    assert json.loads(answer["Body"].read())["version"] == "1"
    wait_until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService", 30)
    found = sagemaker.describe_endpoint(EndpointName=name)
    assert "PendingDeploymentSummary" not in found
    same = ("EndpointConfigName", "ProductionVariants")
    assert [found[member] for member in same] == [before.updating[member] for member in same]


def test_there_is_nothing_that_could_not_be_kept(before: Before) -> None:
    assert before.cloud.admin("status")["not_kept"] == {}
