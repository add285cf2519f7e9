"""SageMaker after kill -9: running jobs have failed, endpoints serve, accepted requests and records are there."""

from pathlib import Path

from .conformance.account import Account
from .conformance.test_sagemaker_features import Group
from .conformance.workshop import Workshop
from .conftest import start_local_cloud, wait_until
from .durability_support import Restarting


def test_a_killed_cloud_serves_its_endpoints_again_and_says_what_it_broke_off(tmp_path: Path) -> None:
    running, process = start_local_cloud(tmp_path)
    workshop = Workshop(Account("us-east-1", "123456789012", running))
    output = {"OutputConfig": {"S3OutputPath": f"s3://{workshop.bucket}/answers"}}
    endpoint = workshop.endpoint(workshop.config(workshop.variant()))
    slow = workshop.endpoint(workshop.config(workshop.variant(seconds=2), AsyncInferenceConfig=output))
    workshop.sagemaker.create_training_job(**workshop.training("running", "import time; time.sleep(600)"))
    wait_until(lambda: workshop.stage("running") == "Training", 30)
    accepted = workshop.runtime.invoke_endpoint_async(
        EndpointName=slow, ContentType="text/csv", InputLocation=workshop.put("rows.csv", "a\n")
    )
    process.kill()
    process.wait()
    (tmp_path / "server.json").unlink()

    again, process = start_local_cloud(tmp_path)
    try:
        workshop.account.local = again
        workshop.sagemaker, workshop.s3 = again.client("sagemaker"), again.client("s3")
        workshop.runtime = again.client("sagemaker-runtime")
        assert workshop.ask(endpoint) == "1:a"
        job = workshop.ended("training", "running")
        assert job["FailureReason"].startswith("InternalServerError: The local cloud was stopped")
        assert workshop.settled(slow)["EndpointStatus"] == "InService"
        wait_until(lambda: workshop.texts("answers"), 30)
        assert workshop.get(accepted["OutputLocation"]) == b"1:a\n"
    finally:
        process.terminate()
        process.wait(10)


def test_records_of_features_and_experiments_outlive_a_kill_and_are_written_once(tmp_path: Path) -> None:
    restarting = Restarting(tmp_path)
    account = Account("us-east-1", "123456789012", restarting.cloud)
    group = Group(account)
    group.sagemaker.create_trial_component(TrialComponentName="component")
    datum = {"MetricName": "loss", "Timestamp": account.now(), "Value": 1.0}
    account.client("sagemaker-metrics").batch_put_metrics(TrialComponentName="component", MetricData=[datum])
    for number in range(20):
        group.put(f"flight-{number:02}", "2026-01-01T00:00:00Z", delay=float(number))
    try:
        account.local = restarting.restart()
        group.sagemaker = account.client("sagemaker")
        group.runtime = account.client("sagemaker-featurestore-runtime")
        assert group.get("flight-19", FeatureNames=["delay"]) == {"delay": "19.0"}
        metrics = group.sagemaker.describe_trial_component(TrialComponentName="component")["Metrics"]
        assert [metric["Count"] for metric in metrics] == [1]
        wait_until(lambda: sum(map(len, group.rows().values())) >= 20, 20)
        (rows,) = group.rows().values()
        assert sorted(row["flight"] for row in rows) == [f"flight-{number:02}" for number in range(20)]
    finally:
        restarting.stop()
