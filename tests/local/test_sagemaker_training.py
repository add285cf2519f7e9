"""Training jobs from outside: the real toolkit runs scripts, and every end of a job looks as on AWS."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .sagemaker_support import INFERENCE, TRAIN, Studio, unique, unpack

GROUP = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "InstanceGroupName": "one"}
ROWS = "\n".join(f"{index % 7},{index % 3},{int(index % 7 > 3)}" for index in range(60))


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


def channel(uri: str, name: str = "train") -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def logs(studio: Studio, job: str, group: str = "/aws/sagemaker/TrainingJobs") -> str:
    client = studio.cloud.client("logs")
    streams = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    assert len(streams) == 1
    events = client.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
    return "\n".join(event["message"] for event in events)


def test_a_script_trains_a_model_and_everything_it_leaves_is_where_aws_puts_it(studio: Studio) -> None:
    name = unique("train")
    request = studio.training_request(name, {"train.py": TRAIN, "inference.py": INFERENCE})
    request["HyperParameters"]["strength"] = "0.5"
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "accuracy", "Regex": r"accuracy=([\d.]+);"}]
    request["InputDataConfig"] = [channel(studio.put(f"{name}/data/train.csv", ROWS))]
    request["Tags"] = [{"Key": "team", "Value": "flights"}]
    studio.sagemaker.create_training_job(**request)
    job = studio.ended_training(name)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    stages = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert stages == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"/models/{name}/output/model.tar.gz")
    artifact = unpack(studio.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert {"model.joblib", "code/inference.py"} <= set(artifact)
    output = unpack(studio.get(f"s3://{studio.bucket}/models/{name}/output/output.tar.gz"))
    assert json.loads(output["report.json"]) == {"strength": 0.5, "job": name, "channels": '["train"]'}
    metrics = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    assert metrics["accuracy"] > 0.8
    assert "accuracy=" in logs(studio, name)
    tags = studio.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "flights"}]


def test_a_script_runs_on_every_host_under_its_own_name(studio: Studio) -> None:
    name = unique("hosts")
    script = """
import os, pathlib
me = os.environ["SM_CURRENT_HOST"]
pathlib.Path(os.environ["SM_MODEL_DIR"], me).write_text(os.environ["SM_HOSTS"])
print("host", me)
"""
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    job = studio.train(name, {"train.py": script}, ResourceConfig=resources)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    left = unpack(studio.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert left == dict.fromkeys(("algo-1", "algo-2"), b'["algo-1","algo-2"]')
    group = "/aws/sagemaker/TrainingJobs"
    streams = studio.cloud.client("logs").describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")
    assert [each["logStreamName"].split("/")[1][:6] for each in streams["logStreams"]] == ["algo-1", "algo-2"]


def test_a_script_that_raises_fails_its_job_with_the_toolkits_message(studio: Studio) -> None:
    name = unique("raises")
    job = studio.train(name, {"train.py": "raise SystemExit(17)"})
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 17")
    assert job["FailureReason"].endswith(", exit code: 1")


def test_missing_training_data_fail_the_job(studio: Studio) -> None:
    name = unique("nodata")
    request = studio.training_request(name, {"train.py": "pass"})
    request["InputDataConfig"] = [channel(f"s3://{studio.bucket}/nothing/here")]
    studio.sagemaker.create_training_job(**request)
    job = studio.ended_training(name)
    assert job["FailureReason"].startswith('ClientError: No S3 objects found under S3 URL "s3://')


def test_outputs_are_encrypted_with_the_key_of_the_job(studio: Studio) -> None:
    name = unique("encrypted")
    key = studio.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    script = "import os, pathlib; pathlib.Path(os.environ['SM_MODEL_DIR'], 'm').write_text('m')"
    output = {"S3OutputPath": f"s3://{studio.bucket}/models", "KmsKeyId": key}
    studio.train(name, {"train.py": script}, OutputDataConfig=output)
    head = studio.s3.head_object(Bucket=studio.bucket, Key=f"models/{name}/output/model.tar.gz")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_the_job_may_do_only_what_its_role_may(studio: Studio) -> None:
    name = unique("denied")
    request = studio.training_request(name, {"train.py": "pass"})
    request["InputDataConfig"] = [channel(studio.put(f"{name}/data/train.csv", ROWS))]
    request["RoleArn"] = studio.make_role(None)
    studio.sagemaker.create_training_job(**request)
    job = studio.ended_training(name)
    assert job["FailureReason"].startswith("ClientError: Data download failed:AccessDenied (403)")


def test_network_isolation_leaves_the_script_without_network_and_without_credentials(studio: Studio) -> None:
    name = unique("isolated")
    script = f"""
import os, socket
assert "AWS_ACCESS_KEY_ID" not in os.environ
socket.create_server(("127.0.0.1", 0)).close()
try:
    socket.create_connection(("127.0.0.1", {studio.cloud.endpoint.rpartition(":")[2]}), 2)
except OSError as error:
    print("no network:", error)
else:
    raise SystemExit("the network can be reached")
"""
    sources = {"train.py": script}
    request = studio.training_request(name, sources)
    request["HyperParameters"]["sagemaker_submit_directory"] = json.dumps("/opt/ml/input/data/code/sourcedir.tar.gz")
    request["InputDataConfig"] = [channel(f"s3://{studio.bucket}/{name}/sourcedir.tar.gz", "code")]
    studio.sagemaker.create_training_job(**request, EnableNetworkIsolation=True)
    job = studio.ended_training(name)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert "no network:" in logs(studio, name)


def test_every_change_of_a_job_is_an_event(studio: Studio) -> None:
    events = event_queue(studio, {"source": ["aws.sagemaker"], "detail-type": [TRAINING_EVENT]})
    name = unique("events")
    studio.train(name, {"train.py": "pass"})
    expected = {"Starting", "Downloading", "Training", "Uploading", "Completed"}
    wait_until(lambda: events(name) == expected, 20, lambda: str(events(name)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ResourceConfig": {"InstanceGroups": [GROUP], "VolumeSizeInGB": 1}}, "anything but instances of one"),
        ({"AlgorithmSpecification": {"TrainingImage": "x/unknown:1", "TrainingInputMode": "File"}}, "no stand-in"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody-has-made"}, "Could not assume role"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "MaxRuntimeInSeconds"),
        ({"DebugRuleConfigurations": []}, "DebugRuleConfigurations"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(studio: Studio, change: dict[str, Any], message: str) -> None:
    request = studio.training_request(unique("refused"), {"train.py": "pass"}) | change
    with pytest.raises(ClientError, match=message) as error:
        raw_client(studio).create_training_job(**request)
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_jobs_are_listed_by_name_status_and_page(studio: Studio) -> None:
    prefix = unique("listed")
    for index in range(3):
        studio.sagemaker.create_training_job(
            **studio.training_request(f"{prefix}-{index}", {"train.py": "raise SystemExit(1)"})
        )
    for index in range(3):
        studio.ended_training(f"{prefix}-{index}")
    first = studio.sagemaker.list_training_jobs(NameContains=prefix, StatusEquals="Failed", MaxResults=2)
    assert [each["TrainingJobName"] for each in first["TrainingJobSummaries"]] == [f"{prefix}-0", f"{prefix}-1"]
    rest = studio.sagemaker.list_training_jobs(NameContains=prefix, MaxResults=2, NextToken=first["NextToken"])
    assert [each["TrainingJobName"] for each in rest["TrainingJobSummaries"]] == [f"{prefix}-2"]
    assert "NextToken" not in rest


TRAINING_EVENT = "SageMaker Training Job State Change"


def raw_client(studio: Studio) -> Any:
    """A client that does not check its parameters, so that the server has to."""
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    return make(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=studio.cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def event_queue(studio: Studio, pattern: dict[str, Any]) -> Callable[[str], set[str]]:
    """A function that tells which statuses of a job a queue behind a rule has received so far."""
    sqs, name = studio.cloud.client("sqs"), unique("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    rules = studio.cloud.client("events")
    rules.put_rule(Name=name, EventPattern=json.dumps(pattern))
    rules.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    seen: dict[str, set[str]] = defaultdict(set)

    def received(job: str) -> set[str]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            seen[detail["TrainingJobName"]].add(detail["SecondaryStatus"])
        return seen[job]

    return received
