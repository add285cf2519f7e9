"""Processing jobs from outside: the container contract of /opt/ml/processing, roles, failures and stopping."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .sagemaker_support import IMAGE, Studio, unique

SCRIPT = """
import json, os, pathlib, sys
import boto3
rows = pathlib.Path("/opt/ml/processing/input/data/rows.csv").read_text().splitlines()
config = json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text())
caller = boto3.client("sts").get_caller_identity()["Arn"]
report = {"rows": len(rows), "job": config["ProcessingJobName"], "argument": sys.argv[1], "caller": caller}
pathlib.Path("/opt/ml/processing/output/report.json").write_text(json.dumps(report))
print("counted", len(rows), "rows", os.environ["STAGE"])
"""


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


def request(studio: Studio, name: str, script: str, **more: Any) -> dict[str, Any]:
    """A request that runs `script` on a file of three rows."""

    def given(input_name: str, uri: str, path: str) -> dict[str, Any]:
        source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": input_name, "S3Input": source}

    target = {
        "S3Uri": f"s3://{studio.bucket}/{name}/out",
        "LocalPath": "/opt/ml/processing/output",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "ProcessingJobName": name,
        "RoleArn": studio.role,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
            "ContainerArguments": ["--now"],
        },
        "ProcessingInputs": [
            given("code", studio.put(f"{name}/script.py", script), "/opt/ml/processing/input/code"),
            given("data", studio.put(f"{name}/in/rows.csv", "a\nb\nc"), "/opt/ml/processing/input/data"),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "report", "S3Output": target}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "Environment": {"STAGE": "test"},
        **more,
    }


def ended(studio: Studio, name: str, seconds: float = 60) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        job: dict[str, Any] = studio.sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = wait_until(find, seconds, lambda: f"{name} does not end")
    return found


def test_a_script_reads_its_inputs_and_its_outputs_are_uploaded_at_the_end(studio: Studio) -> None:
    name = unique("process")
    studio.sagemaker.create_processing_job(**request(studio, name, SCRIPT))
    job = ended(studio, name)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    report = json.loads(studio.get(f"s3://{studio.bucket}/{name}/out/report.json"))
    assert (report["rows"], report["job"], report["argument"]) == (3, name, "--now")
    role_name = studio.role.rpartition("/")[2]
    assert f":assumed-role/{role_name}/" in report["caller"]
    logs = studio.cloud.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=name)
    assert [event["message"] for event in found["events"]] == ["counted 3 rows test"]


def test_a_failing_script_fails_the_job_and_uploads_nothing(studio: Studio) -> None:
    name = unique("fails")
    script = """
import pathlib
pathlib.Path("/opt/ml/processing/output/half.txt").write_text("half")
pathlib.Path("/opt/ml/output/message").write_text("no champion")
raise SystemExit(3)
"""
    studio.sagemaker.create_processing_job(**request(studio, name, script))
    job = ended(studio, name)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 3"
    assert job["ExitMessage"] == "no champion"
    assert studio.keys(f"{name}/out") == []


def test_a_stopped_job_ends_as_stopped(studio: Studio) -> None:
    name = unique("stop")
    studio.sagemaker.create_processing_job(**request(studio, name, "import time; time.sleep(600)"))
    wait_until(lambda: "ProcessingStartTime" in studio.sagemaker.describe_processing_job(ProcessingJobName=name), 30)
    studio.sagemaker.stop_processing_job(ProcessingJobName=name)
    assert ended(studio, name)["ProcessingJobStatus"] == "Stopped"


def test_an_isolated_job_has_no_network(studio: Studio) -> None:
    name = unique("isolated")
    script = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {studio.cloud.endpoint.rpartition(":")[2]}), 2)
except OSError:
    raise SystemExit(0)
raise SystemExit("the network can be reached")
"""
    network = {"EnableNetworkIsolation": True}
    studio.sagemaker.create_processing_job(**request(studio, name, script, NetworkConfig=network))
    job = ended(studio, name)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")


def test_the_environment_of_the_image_cannot_be_changed_by_a_job(studio: Studio) -> None:
    name = unique("readonly")
    script = """
import pathlib, sys
pathlib.Path(sys.prefix, "intruder.txt").write_text("changed")
"""
    studio.sagemaker.create_processing_job(**request(studio, name, script))
    assert ended(studio, name)["ProcessingJobStatus"] == "Failed"
    logs = studio.cloud.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=name)
    assert "Read-only file system" in "".join(event["message"] for event in found["events"])


@pytest.mark.parametrize(
    ("path", "message"),
    [("/data", "must be /opt/ml/processing"), ("/opt/ml/processing/../../../etc", "must be /opt/ml/processing")],
)
def test_inputs_outside_of_the_contracts_folder_are_refused(studio: Studio, path: str, message: str) -> None:
    asked = request(studio, unique("outside"), SCRIPT)
    asked["ProcessingInputs"][0]["S3Input"]["LocalPath"] = path
    with pytest.raises(ClientError, match=message):
        studio.sagemaker.create_processing_job(**asked)
