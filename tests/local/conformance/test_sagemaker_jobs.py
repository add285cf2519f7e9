"""SageMaker's jobs: training, processing, batch transform and tuning, as an account runs them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .workshop import IMAGE, Workshop, archive, channel, unpacked

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
QUADRATIC = """
import json, pathlib
given = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
if given.get("fail") == "yes":
    raise SystemExit(3)
print(f"loss={(float(given['rate']) - 0.3) ** 2:.6f}")
"""


@pytest.fixture
def workshop(account: Account) -> Workshop:
    return Workshop(account)


def refused(error: "pytest.ExceptionInfo[ClientError]") -> str:
    return str(error.value.response["Error"]["Code"])


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
    with pytest.raises(ClientError) as error:
        workshop.sagemaker.create_training_job(**workshop.training(name, "pass"))
    assert refused(error) == "ResourceInUse"
    with pytest.raises(ClientError) as error:
        workshop.sagemaker.stop_training_job(TrainingJobName=name)
    assert refused(error) == "ValidationException"


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
    with pytest.raises(ClientError) as error:
        getattr(account.client("sagemaker"), f"{verb}_{kind}_job")(**{f"{title}JobName": "conformance-nowhere"})
    assert refused(error) == code


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
    with pytest.raises(ClientError, match="MaxWaitTimeInSeconds") as error:
        workshop.sagemaker.create_training_job(**request, EnableManagedSpotTraining=True)
    assert refused(error) == "ValidationException"


def processing(workshop: Workshop, name: str, script: str, **more: Any) -> dict[str, Any]:
    def given(input_name: str, uri: str, **source: Any) -> dict[str, Any]:
        path = f"/opt/ml/processing/{input_name}"
        s3 = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File", **source}
        return {"InputName": input_name, "S3Input": s3}

    rows = f"s3://{workshop.bucket}/{name}/rows/"
    target = {
        "S3Uri": f"s3://{workshop.bucket}/{name}/out",
        "LocalPath": "/opt/ml/processing/out",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "ProcessingJobName": name,
        "RoleArn": workshop.role,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/run.py"]},
        "ProcessingInputs": [
            given("code", workshop.put(f"{name}/code/run.py", script)),
            given("rows", rows, S3DataDistributionType="ShardedByS3Key"),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        **more,
    }


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


def transform(workshop: Workshop, name: str, **more: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{workshop.bucket}/{name}/in/"}}
    request = {
        "TransformJobName": name,
        "ModelName": workshop.model(version=7),
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {
            "S3OutputPath": f"s3://{workshop.bucket}/{name}/out",
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    return request | more


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


def test_batch_transform_of_a_model_that_errs_fails(workshop: Workshop) -> None:
    name = workshop.account.unique("errs")
    workshop.put(f"{name}/in/a.csv", "a\n")
    request = transform(workshop, name, ModelName=workshop.model(broken=True))
    workshop.sagemaker.create_transform_job(**request, ModelClientConfig={"InvocationsMaxRetries": 0})
    assert workshop.ended("transform", name)["TransformJobStatus"] == "Failed"
    assert workshop.texts(f"{name}/out") == {}


def tuning(workshop: Workshop, name: str, script: str = QUADRATIC, **more: Any) -> dict[str, Any]:
    definition = workshop.training(name, "")
    del definition["TrainingJobName"], definition["AlgorithmSpecification"]["ContainerEntrypoint"]
    source = workshop.put(f"{name}/source.tar.gz", archive({"script.py": script}))
    static = {"sagemaker_program": '"script.py"', "sagemaker_submit_directory": json.dumps(source)}
    ranges: dict[str, Any] = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]}
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": ranges,
        "RandomSeed": 1,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config | more,
        "TrainingJobDefinition": {**definition, "StaticHyperParameters": static},
    }


def short(workshop: Workshop, name: str) -> str:
    """A unique name that a tuning job may have."""
    return f"{name}-{workshop.account.unique('t')[-8:]}"


def children(workshop: Workshop, name: str) -> list[dict[str, Any]]:
    found = workshop.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    rows: list[dict[str, Any]] = found["TrainingJobSummaries"]
    return rows


def test_a_tuning_job_counts_its_training_jobs_and_knows_the_best(workshop: Workshop) -> None:
    name = short(workshop, "random")
    workshop.sagemaker.create_hyper_parameter_tuning_job(**tuning(workshop, name))
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == job["ObjectiveStatusCounters"]["Succeeded"] == 4
    rows = children(workshop, name)
    losses = {row["TrainingJobName"]: row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for row in rows}
    assert job["BestTrainingJob"]["TrainingJobName"] == min(losses, key=lambda each: losses[each])
    assert all(each.startswith(f"{name}-00") for each in losses)
    one = workshop.sagemaker.describe_training_job(TrainingJobName=rows[0]["TrainingJobName"])
    assert one["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert one["HyperParameters"]["_tuning_objective_metric"] == "loss"
    assert set(rows[0]["TunedHyperParameters"]) == {"rate"}


def test_bayesian_search_learns_from_its_parent(workshop: Workshop) -> None:
    parent, child = short(workshop, "parent"), short(workshop, "child")
    limits = {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 3}
    workshop.sagemaker.create_hyper_parameter_tuning_job(**tuning(workshop, parent, ResourceLimits=limits))
    best = workshop.ended("hyper_parameter_tuning", parent, 60)["BestTrainingJob"]
    request = tuning(workshop, child, Strategy="Bayesian", ResourceLimits=limits)
    request["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", child, 60)
    final = "FinalHyperParameterTuningJobObjectiveMetric"
    values = [best[final]["Value"], job["BestTrainingJob"][final]["Value"]]
    assert job["OverallBestTrainingJob"][final]["Value"] == min(values)


def test_grid_search_tries_every_combination_and_tolerates_failures(workshop: Workshop) -> None:
    name = short(workshop, "grid")
    values = {"rate": ["0.1", "0.4"], "fail": ["no", "yes"]}
    ranges = {"CategoricalParameterRanges": [{"Name": key, "Values": each} for key, each in values.items()]}
    limits = {"MaxParallelTrainingJobs": 4}
    request = tuning(workshop, name, Strategy="Grid", ParameterRanges=ranges, ResourceLimits=limits)
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"rate": "0.4", "fail": "no"}
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == job["ObjectiveStatusCounters"]["Failed"] == 2


def test_a_job_worse_than_the_median_is_stopped_early(workshop: Workshop) -> None:
    name = short(workshop, "early")
    ranges = {"CategoricalParameterRanges": [{"Name": "rate", "Values": ["0.3", "0.31", "0.32", "0.9"]}]}
    request = tuning(
        workshop,
        name,
        QUADRATIC + "import time; time.sleep(600 if given['rate'] == '0.9' else 0)",
        Strategy="Grid",
        ParameterRanges=ranges,
        ResourceLimits={"MaxParallelTrainingJobs": 1},
        TrainingJobEarlyStoppingType="Auto",
    )
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["TrainingJobStatusCounters"] | {"Completed": 3, "Stopped": 1} == job["TrainingJobStatusCounters"]


def test_hyperband_stops_what_falls_behind_at_its_first_rung(workshop: Workshop) -> None:
    name = short(workshop, "band")
    band = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}}
    script = QUADRATIC.replace("print", "import time; time.sleep(1); print") + "time.sleep(3)"
    limits = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3}
    request = tuning(workshop, name, script, Strategy="Hyperband", StrategyConfig=band, ResourceLimits=limits)
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["TrainingJobStatusCounters"]["Stopped"] >= 1
    assert job["BestTrainingJob"]["TrainingJobStatus"] == "Completed"


def test_a_tuning_job_without_a_success_fails(workshop: Workshop) -> None:
    name = short(workshop, "hopeless")
    limits = {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 5}
    request = tuning(workshop, name, "raise SystemExit(2)", ResourceLimits=limits)
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts")


def test_a_stopped_tuning_job_stops_its_training_jobs(workshop: Workshop) -> None:
    name = short(workshop, "stopped")
    workshop.sagemaker.create_hyper_parameter_tuning_job(**tuning(workshop, name, SLOW))
    workshop.account.wait_until(lambda: len(children(workshop, name)) == 2)
    workshop.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert workshop.ended("hyper_parameter_tuning", name, 60)["HyperParameterTuningJobStatus"] == "Stopped"
    assert {row["TrainingJobStatus"] for row in children(workshop, name)} == {"Stopped"}


def test_search_that_cannot_be_is_refused(workshop: Workshop) -> None:
    request = tuning(workshop, short(workshop, "refused"), Strategy="Grid")
    with pytest.raises(ClientError) as error:
        workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    assert refused(error) == "ValidationException"


def test_state_machines_wait_for_tuning_and_transform_jobs(workshop: Workshop) -> None:
    account, (name, tuned) = workshop.account, (workshop.account.unique("machine"), short(workshop, "sync"))
    workshop.put(f"{name}/in/a.csv", "a\n")
    values = [{"Name": "rate", "Values": ["0.5"]}]
    search = tuning(
        workshop,
        tuned,
        Strategy="Grid",
        ParameterRanges={"CategoricalParameterRanges": values},
        ResourceLimits={"MaxParallelTrainingJobs": 1},
    )
    jobs = {"createHyperParameterTuningJob": search, "createTransformJob": transform(workshop, name)}
    tasks = [{"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{job}.sync", "Parameters": given}
             for job, given in jobs.items()]  # fmt: skip
    states = {"First": {**tasks[0], "ResultPath": None, "Next": "Second"}, "Second": {**tasks[1], "End": True}}
    actions = ("sagemaker:*", "iam:PassRole", "events:*")
    machines = account.client("stepfunctions")
    machine = machines.create_state_machine(
        name=name,
        roleArn=account.role("states.amazonaws.com", allow(*actions)),
        definition=json.dumps({"StartAt": "First", "States": states}),
    )["stateMachineArn"]
    account.later(machines.delete_state_machine, stateMachineArn=machine)
    execution = machines.start_execution(stateMachineArn=machine)["executionArn"]
    describe = machines.describe_execution
    ended = account.wait_until(lambda: (found := describe(executionArn=execution))["status"] != "RUNNING" and found, 60)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])["TransformJobStatus"] == "Completed"
    assert workshop.ended("hyper_parameter_tuning", tuned)["HyperParameterTuningJobStatus"] == "Completed"
