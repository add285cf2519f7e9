"""SageMaker's jobs: training, processing and batch transform, as an account runs them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .identities import code_of
from .jobs import processing, transform
from .workshop import Workshop, channel, unpacked

pytestmark = pytest.mark.sagemaker

HOSTS = """
import json, os, pathlib, socket
resources = json.loads(pathlib.Path("/opt/ml/input/config/resourceconfig.json").read_text())
me, hosts = resources["current_host"], resources["hosts"]
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((me, 5123))
    listener.listen()
    if me == hosts[0]:
        heard = sorted(listener.accept()[0].recv(100).decode() for _ in hosts[1:])
        pathlib.Path("/opt/ml/model/heard.json").write_text(json.dumps(heard))
if me != hosts[0]:
    import time
    for _ in range(200):
        try:
            socket.create_connection((hosts[0], 5123), 5).sendall(me.encode())
            break
        except OSError:
            time.sleep(0.05)
rows = sorted(path.name for path in pathlib.Path("/opt/ml/input/data/rows").iterdir())
pathlib.Path(f"/opt/ml/model/{me}.json").write_text(json.dumps(rows))
"""
SLOW = "import time; print('loss=1'); time.sleep(600)"


@pytest.fixture
def workshop(account: Account) -> Workshop:
    return Workshop(account)


def test_a_training_job_goes_through_its_stages_and_leaves_a_model_and_metrics(workshop: Workshop) -> None:
    name = workshop.account.unique("stages")
    script = "open('/opt/ml/model/m.txt', 'w').write('m'); print('loss=0.5'); print('loss=0.25')"
    job = workshop.train(name, script)
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert unpacked(workshop.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"m.txt": "m"}
    assert {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]} == {"loss": 0.25}


def test_a_name_is_used_once_and_an_ended_job_cannot_be_stopped(workshop: Workshop) -> None:
    name = workshop.account.unique("once")
    job = workshop.train(name, "raise SystemExit(4)")
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert job["FailureReason"].endswith("exit code: 4")
    sagemaker = workshop.sagemaker
    assert code_of(sagemaker.create_training_job, **workshop.training(name, "pass")) == "ResourceInUse"
    assert code_of(sagemaker.stop_training_job, TrainingJobName=name) == "ValidationException"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("training", "ValidationException"),
        ("processing", "ValidationException"),
        ("hyper_parameter_tuning", "ResourceNotFound"),
    ],
)
@pytest.mark.parametrize("verb", ["describe", "stop"])
def test_jobs_that_do_not_exist_are_refused_by_the_codes_of_their_kinds(
    account: Account, kind: str, code: str, verb: str
) -> None:
    title = "".join(word.capitalize() for word in kind.split("_"))
    call = getattr(account.client("sagemaker"), f"{verb}_{kind}_job")
    assert code_of(call, **{f"{title}JobName": "conformance-nowhere"}) == code


def test_a_running_job_is_stopped_and_keeps_what_it_has_made(workshop: Workshop) -> None:
    name = workshop.account.unique("stop")
    script = "open('/opt/ml/model/half.txt', 'w').write('half')\n" + SLOW
    workshop.sagemaker.create_training_job(**workshop.training(name, script))
    described = workshop.sagemaker.describe_training_job
    workshop.account.wait_until(lambda: described(TrainingJobName=name).get("FinalMetricDataList"))
    workshop.sagemaker.stop_training_job(TrainingJobName=name)
    job = workshop.ended("training", name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert unpacked(workshop.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"half.txt": "half"}


def test_a_job_that_runs_too_long_is_stopped(workshop: Workshop) -> None:
    job = workshop.train(workshop.account.unique("long"), SLOW, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


@pytest.mark.parametrize("isolated", [False, True])
def test_hosts_of_a_job_know_each_other_and_share_the_data(workshop: Workshop, isolated: bool) -> None:
    name = workshop.account.unique("hosts")
    request = workshop.training(name, HOSTS, EnableNetworkIsolation=isolated)
    for index in range(4):
        workshop.put(f"{name}/rows/{index}.csv", "1")
    request["InputDataConfig"].append(channel("rows", f"s3://{workshop.bucket}/{name}/rows/", "ShardedByS3Key"))
    request["ResourceConfig"]["InstanceCount"] = 3
    workshop.sagemaker.create_training_job(**request)
    job = workshop.ended("training", name)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    left = unpacked(workshop.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert json.loads(left.pop("heard.json")) == ["algo-2", "algo-3"]
    assert sorted(left) == ["algo-1.json", "algo-2.json", "algo-3.json"]
    shares = [json.loads(each) for each in left.values()]
    assert sorted(row for share in shares for row in share) == ["0.csv", "1.csv", "2.csv", "3.csv"]
    assert {len(share) for share in shares} == {1, 2}


def test_one_host_that_fails_ends_the_job(workshop: Workshop) -> None:
    script = "import socket, time\nif socket.gethostname() == 'algo-2': raise SystemExit(5)\ntime.sleep(600)"
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    job = workshop.train(workshop.account.unique("fails"), script, ResourceConfig=resources)
    assert job["TrainingJobStatus"] == "Failed"


def test_checkpoints_are_in_s3_while_the_job_runs(workshop: Workshop) -> None:
    name = workshop.account.unique("checkpoints")
    workshop.put(f"{name}/kept/epoch-1", "1")
    script = "assert open('/opt/ml/checkpoints/epoch-1').read() == '1'\n"
    script += "open('/opt/ml/checkpoints/epoch-2', 'w').write('2')\n" + SLOW
    place = {"S3Uri": f"s3://{workshop.bucket}/{name}/kept"}
    workshop.sagemaker.create_training_job(**workshop.training(name, script, CheckpointConfig=place))
    workshop.account.wait_until(lambda: workshop.texts(f"{name}/kept") == {"epoch-1": "1", "epoch-2": "2"})
    assert workshop.stage(name) == "Training"
    workshop.sagemaker.stop_training_job(TrainingJobName=name)
    workshop.ended("training", name)


@pytest.mark.parametrize(
    "limits", [{"MaxRuntimeInSeconds": 60}, {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}]
)
def test_a_spot_job_says_how_long_it_waits(workshop: Workshop, limits: dict[str, int]) -> None:
    request = workshop.training(workshop.account.unique("spot"), "pass", StoppingCondition=limits)
    with pytest.raises(ClientError, match=r"ValidationException.*MaxWaitTimeInSeconds"):
        workshop.sagemaker.create_training_job(**request, EnableManagedSpotTraining=True)


def test_hosts_of_a_processing_job_share_the_data_and_all_upload(workshop: Workshop) -> None:
    name = workshop.account.unique("processing")
    for index in range(2):
        workshop.put(f"{name}/rows/{index}.csv", "1")
    script = """
import json, os, pathlib
me = json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
rows = os.listdir("/opt/ml/processing/rows")
pathlib.Path(f"/opt/ml/processing/out/{me}").write_text(str(len(rows)))
"""
    workshop.sagemaker.create_processing_job(**processing(workshop, name, script))
    job = workshop.ended("processing", name)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert workshop.texts(f"{name}/out") == {"algo-1": "1", "algo-2": "1"}


def test_batch_transform_answers_every_object_line_by_line(workshop: Workshop) -> None:
    name = workshop.account.unique("transform")
    workshop.put(f"{name}/in/a.csv", "a,1\nb,2\n")
    workshop.put(f"{name}/in/deep/c.csv", "c,3\n")
    workshop.sagemaker.create_transform_job(**transform(workshop, name, MaxConcurrentTransforms=2))
    job = workshop.ended("transform", name)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert workshop.texts(f"{name}/out") == {"a.csv.out": "7:a,1\n7:b,2\n", "deep/c.csv.out": "7:c,3\n"}


def test_batch_transform_filters_and_joins_input_and_answers(workshop: Workshop) -> None:
    name = workshop.account.unique("join")
    workshop.put(f"{name}/in/a.csv", "id1,5,x\nid2,6,y\n")
    data = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-2,-1]"}
    request = transform(workshop, name, DataProcessing=data, BatchStrategy="SingleRecord")
    workshop.sagemaker.create_transform_job(**request)
    job = workshop.ended("transform", name)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert workshop.texts(f"{name}/out") == {"a.csv.out": "id1,7:5,x\nid2,7:6,y\n"}


def test_batch_transform_reads_what_a_manifest_names_and_writes_with_a_key_that_its_role_may_use(
    workshop: Workshop, account: Account
) -> None:
    name, key = account.unique("manifest"), account.client("kms").create_key()["KeyMetadata"]["Arn"]
    for letter in "abc":
        workshop.put(f"{name}/in/{letter}.csv", f"{letter},1\n")
    listed = [{"prefix": f"s3://{workshop.bucket}/{name}/in/"}, "a.csv", "c.csv"]
    source = {"S3DataType": "ManifestFile", "S3Uri": workshop.put(f"{name}/manifest.json", json.dumps(listed))}
    request = transform(workshop, name)
    request["TransformInput"]["DataSource"]["S3DataSource"] = source
    workshop.sagemaker.create_transform_job(**request)
    job = workshop.ended("transform", name)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    written = workshop.texts(f"{name}/out")
    assert sorted(place.rpartition("/")[2] for place in written) == ["a.csv.out", "c.csv.out"]
    request["TransformOutput"]["KmsKeyId"] = key
    workshop.sagemaker.create_transform_job(**request | {"TransformJobName": f"{name}-key"})
    refused = workshop.ended("transform", f"{name}-key")
    assert (refused["TransformJobStatus"], "kms:GenerateDataKey" in refused["FailureReason"]) == ("Failed", True)


@pytest.mark.parametrize(
    "more",
    [
        {"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2},
        {"ModelName": "nobody"},
        {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput": {"S3OutputPath": "s3://b/o"}},
    ],
)
def test_batch_transform_that_cannot_be_is_refused_at_once(workshop: Workshop, more: dict[str, Any]) -> None:
    name = workshop.account.unique("refused")
    request = transform(workshop, name, **more)
    assert code_of(workshop.sagemaker.create_transform_job, **request) == "ValidationException"


def test_batch_transform_of_a_model_that_errs_fails(workshop: Workshop) -> None:
    name = workshop.account.unique("errs")
    workshop.put(f"{name}/in/a.csv", "a\n")
    request = transform(workshop, name, ModelName=workshop.model(broken=True))
    workshop.sagemaker.create_transform_job(**request, ModelClientConfig={"InvocationsMaxRetries": 0})
    assert workshop.ended("transform", name)["TransformJobStatus"] == "Failed"
    assert workshop.texts(f"{name}/out") == {}
