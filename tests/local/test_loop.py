"""The loop, once round, on the local cloud with the fixture model: seen through AWS's APIs only, step after step.

The steps build on each other: a failure makes those after it fail too.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.stage import Stage
from demo import broken
from demo.traffic import SteadyLoad, send_all
from tests.fixtures.models.tiny import data
from tests.local.conftest import wait_until
from tests.local.durability_support import Restarting
from tests.local.inventory import inventory, inventory_at_rest, lost
from tests.local.loop_support import FIXTURE, PREFIX, Loop, deploy, deploy_again, environment
from tests.local.mutation import judging
from tests.local.people_support import Person, person
from trimtab.rollout.progress import newest

SPEED = 60
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pumps")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarting]:
    made = Restarting(tmp_path_factory.mktemp("loop"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def loop(running: Restarting) -> Iterator[Loop]:
    cloud = running.cloud
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(cloud).items():
            patched.setenv(name, value)
        deploy(cloud, cloud.state_dir)
        cloud.set_speed(SPEED)
        yield Loop(cloud)


def load(loop: Loop, folder: Path) -> SteadyLoad:
    """Real callers send more than the contract asks for."""
    table = pq.read_table(folder / "pumps_2026-03.parquet")
    return SteadyLoad(loop.runtime, PREFIX, table.append_column("caller", [["gauge"] * table.num_rows]), per_second=20)


@pytest.fixture(scope="module")
def reader(loop: Loop) -> Person:
    """Somebody who may watch, and nothing else."""
    return person(loop.cloud, "Reader")


def test_labelled_data_end_as_a_version_that_waits_for_approval(loop: Loop, folder: Path) -> None:
    intake = loop.drop("january.parquet", data.write_labelled(1, folder).read_bytes())
    assert (intake.status, intake.state) == ("SUCCEEDED", "Accepted")
    training = loop.next("training")
    assert (training.status, training.state) == ("SUCCEEDED", "Registered")
    (version,) = loop.versions()
    assert version["ModelApprovalStatus"] == "PendingManualApproval"
    assert {"run", "dataset", "artifact_sha256", "signature"} <= set(version["CustomerMetadataProperties"])
    assert [key for key in loop.keys("ArtifactsBucket", "tiny/reports/") if key.endswith("report.html")]
    assert not loop.sagemaker.list_endpoints()["Endpoints"]


def test_an_approval_in_the_registry_ends_in_production(loop: Loop) -> None:
    loop.approve(loop.versions()[0]["ModelPackageArn"])
    promotion = loop.next("promotion")
    assert (promotion.status, promotion.state) == ("SUCCEEDED", "Serving")
    endpoint = loop.endpoint()
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"].startswith(f"{PREFIX}-v1-")
    assert endpoint["DataCaptureConfig"]["CaptureStatus"] == "Started"
    names = [each["EndpointName"] for each in loop.sagemaker.list_endpoints()["Endpoints"]]
    assert names == [PREFIX], "staging is taken down"
    written = [key for key in loop.keys("ArtifactsBucket", "tiny/runs/") if "/staging/" in key]
    (report,) = [key for key in written if key.endswith(".json")]
    assert f"{report.removesuffix('.json')}.html" in written
    body = loop.s3.get_object(Bucket=loop.data["ArtifactsBucket"], Key=report)["Body"].read()
    checks = {check["name"]: check["passed"] for check in json.loads(body)["checks"]}
    tried = {"cold start", "golden", "clients at once", "latency", "memory", "missing:load"}
    assert tried <= set(checks), "staging was asked before production"
    assert all(checks.values())


def test_the_same_content_under_another_name_is_a_duplicate(loop: Loop, folder: Path) -> None:
    loop.settle("training")
    again = loop.drop("again.parquet", (folder / "pumps_2026-01.parquet").read_bytes())
    assert again.state == "Duplicate"


def test_a_truncated_file_is_quarantined_with_its_reason_and_starts_nothing(loop: Loop, folder: Path) -> None:
    body = (folder / "pumps_2026-01.parquet").read_bytes()[:-500]
    refused = loop.drop("truncated.parquet", body)
    assert refused.state == "Quarantined"
    kept = loop.keys("DropsBucket", "tiny/quarantine/")
    reason_key = next(key for key in kept if key.endswith("reason.json"))
    copy_key = next(key for key in kept if key.endswith("truncated.parquet"))
    bucket = loop.data["DropsBucket"]
    assert "truncated" in json.dumps(json.loads(loop.s3.get_object(Bucket=bucket, Key=reason_key)["Body"].read()))
    assert loop.s3.get_object(Bucket=bucket, Key=copy_key)["Body"].read() == body
    assert len(loop.executions("training")) == 1


def test_drifted_traffic_rings_the_alarm_by_evaluation(loop: Loop, folder: Path) -> None:
    drop, _ = data.write_month(3, folder)
    before = loop.captured()
    assert loop.alarm("PsiMax") != "ALARM"
    requests = send_all(loop.runtime, PREFIX, pq.read_table(drop), rows_per_request=300)
    wait_until(lambda: loop.captured() - before >= requests, 30, lambda: f"{loop.captured()} of {requests} captured")
    assert loop.drop("march.parquet", drop.read_bytes()).state == "Accepted"
    loop.settle("monitoring")
    loop.cloud.advance(24 * 3600)
    assert loop.next("monitoring").state == "Measured"
    wait_until(lambda: loop.alarm("PsiMax") == "ALARM", 30, lambda: f"PsiMax is {loop.alarm('PsiMax')}")


def test_late_truth_starts_a_retraining_whose_challenger_is_better(loop: Loop, folder: Path) -> None:
    loop.answered("Deferred")
    loop.settle("recovery")
    truth = (folder / "outcomes_2026-03.parquet").read_bytes()
    assert loop.drop("march.parquet", truth, kind="truth").state == "Accepted"
    loop.answered("Started")
    assert loop.next("training").state == "Registered"
    assert loop.versions()[0]["ModelPackageVersion"] == 2


def test_who_approves_says_what_windows_are_held_against_and_who_reads_does_not(loop: Loop, reader: Person) -> None:
    window = reader.trimtab("baseline", "show", "tiny")["windows"][-1]["window"]
    reader.refused("baseline", "use", "tiny", window, "--reason", "the pumps are new")
    approver = person(loop.cloud, "Approver")
    said = approver.trimtab("baseline", "use", "tiny", window, "--reason", "the pumps are new")
    assert (said["outcome"], said["window"]) == ("Reconsidered", window)
    (entry,) = Stage().ledger("tiny").entries("baseline.reconsidered")
    assert ":user/" in entry.data["by"]


def test_a_reader_is_told_what_the_challengers_rollout_would_do(reader: Person) -> None:
    planned = reader.trimtab("rollout", "plan", "tiny", "--file", f"{FIXTURE}/model.yaml")
    assert (planned["version"], planned["action"], planned["refused"]) == ("2", "update", [])
    assert planned["serves_now"].startswith(f"{PREFIX}-v1-")
    assert [(step["percent"], step["bake_s"]) for step in planned["steps"]] == [(50, 300), (100, 300)]


def test_a_challenger_takes_over_without_a_failed_request(loop: Loop, folder: Path, reader: Person) -> None:
    shares = set()

    def look() -> bool:
        pending = loop.endpoint().get("PendingDeploymentSummary")
        if pending:
            shares.add(round(pending["ProductionVariants"][0].get("CurrentWeight", 0), 2))
        return not any(e["status"] == "RUNNING" for e in loop.executions("promotion"))

    with load(loop, folder) as running:
        loop.approve(loop.versions()[0]["ModelPackageArn"])
        wait_until(lambda: len(loop.executions("promotion")) == 2, 30, lambda: "the promotion did not start")
        wait_until(lambda: newest(Stage().ledger("tiny").entries(), 2), 60, lambda: "the promotion was not let in")
        watching = reader.watching("tiny", "--version", "2")
        wait_until(look, 120, lambda: "the promotion did not end")
    assert loop.next("promotion").state == "Serving"
    assert loop.endpoint()["EndpointConfigName"].startswith(f"{PREFIX}-v2-")
    assert running.failed == 0
    assert running.sent > 100
    assert any(0 < share < 1 for share in shares), "traffic moved in steps"
    status, moments = watching.ended()
    assert (status, moments[-1]["outcome"]) == (0, "Serving")
    assert {"Moving", "Serving"} <= {moment["phase"] for moment in moments}
    assert reader.trimtab("rollout", "status", "tiny")["shares"] == {loop.endpoint()["EndpointConfigName"]: 1.0}


def test_a_version_that_fails_in_production_is_rolled_back_by_itself(loop: Loop, folder: Path, reader: Person) -> None:
    before = loop.endpoint()["EndpointConfigName"]
    package = broken.register(Stage(), "tiny", 2, folder)
    with load(loop, folder) as running:
        loop.approve(package.arn)
        promotion = loop.next("promotion", seconds=180)
    assert promotion.state == "RolledBack", json.dumps(promotion.output, indent=1)
    endpoint = loop.endpoint()
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", before)
    assert running.failed > 0, "the version was to fail under real requests"
    assert reader.watching("tiny").ended()[0] == 3
    rejected = loop.sagemaker.describe_model_package(ModelPackageName=package.arn)
    assert rejected["ModelApprovalStatus"] == "Rejected"
    answer = loop.runtime.invoke_endpoint(
        EndpointName=PREFIX, ContentType="application/jsonlines", Body=next(iter(running._bodies))
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_retrain_that_gains_nothing_ends_refused_and_registers_nothing(loop: Loop) -> None:
    """The same code on the same data: the candidate is the champion's twin."""
    before = [version["ModelPackageArn"] for version in loop.versions()]
    loop.settle("training")
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{PREFIX}-training"
    loop.states.start_execution(stateMachineArn=machine, input=json.dumps({"model": "tiny", "at": loop.cloud.now()}))
    training = loop.next("training", seconds=240)
    assert (training.status, training.state) == ("SUCCEEDED", "Refused")
    refusing = {gate["name"] for gate in training.output["judgement"]["gates"] if gate["outcome"] != "pass"}
    assert "champion" in refusing
    assert [version["ModelPackageArn"] for version in loop.versions()] == before
    page = training.output["judgement"]["report_uri"].partition("//")[2].partition("/")
    body = loop.s3.get_object(Bucket=page[0], Key=page[2])["Body"].read().decode()
    assert "Refused: the champion stays" in body


def test_a_package_that_was_put_into_the_registry_by_hand_is_not_deployed(loop: Loop) -> None:
    before, serving = loop.endpoint()["EndpointConfigName"], loop.versions()[-1]
    made = loop.sagemaker.create_model_package(
        ModelPackageGroupName=PREFIX,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification=serving["InferenceSpecification"],
        CustomerMetadataProperties={"run": "by-hand"},
    )
    loop.approve(made["ModelPackageArn"])
    promotion = loop.next("promotion")
    assert promotion.state == "Refused"
    assert "no judgement of it is in the ledger" in promotion.output["promotion"]["reason"]
    assert loop.endpoint()["EndpointConfigName"] == before


def test_one_command_brings_the_version_back_that_served_before(loop: Loop, reader: Person) -> None:
    two, (one, *_) = loop.endpoint()["EndpointConfigName"], reversed(loop.versions())
    done = person(loop.cloud, "Rollback").trimtab("rollback", "tiny", "--reason", "the loop's test")
    assert (done["outcome"], done["from_version"], done["to_version"]) == ("Restored", 2, 1)
    endpoint = loop.endpoint()
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", done["config"])
    assert endpoint["EndpointConfigName"].startswith(f"{PREFIX}-v1-")
    assert two.startswith(f"{PREFIX}-v2-")
    assert one["ModelApprovalStatus"] == "Approved"
    assert reader.trimtab("served", "tiny")["versions"][0]["version"] == 1
    (asked, *_) = done["entries"]
    before = loop.ledger_time(asked["seq"] - 1)
    assert reader.trimtab("served", "tiny", "--at", before)["versions"][0]["version"] == 2


def test_an_alarm_that_only_tells_has_its_answer_and_its_end_in_the_ledger(loop: Loop) -> None:
    watch = loop.cloud.client("cloudwatch")
    (alarm,) = watch.describe_alarms(AlarmNamePrefix="trimtab-dev-model-tiny-AlarmsSaturation")["MetricAlarms"]
    watch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="a drill")

    def rows() -> list[str]:
        return [row.kind for row in Stage().ledger("tiny").entries("alarm.") if row.data["alarm"] == alarm["AlarmName"]]

    wait_until(lambda: rows() == ["alarm.told", "alarm.cleared"], 120, lambda: f"the ledger has {rows()}")


def test_every_permission_of_the_app_was_needed_or_is_listed_with_its_reason(loop: Loop) -> None:
    listed, found = judging.excuses(), judging.unneeded(loop.cloud, "trimtab-")
    assert not [str(one) for one in found if not any(excuse.covers(one) for excuse in listed)], "drop or list them"
    lasting = [each for each in listed if not each.sometimes]
    stale = [f"{each.role} {each.action}" for each in lasting if not any(each.covers(one) for one in found)]
    assert not stale, "no longer true"


def test_the_loop_goes_on_where_it_was_when_the_cloud_was_killed(loop: Loop, running: Restarting, folder: Path) -> None:
    loop.cloud.set_speed(1)
    assert loop.cloud.admin("status")["not_kept"] == {}
    before = inventory_at_rest(loop.cloud)
    again = Loop(running.restart())
    assert lost(before, inventory(again.cloud)) == {}
    table = pq.read_table(folder / "pumps_2026-03.parquet")
    wait_until(lambda: again.endpoint()["EndpointStatus"] == "InService", 60)
    send_all(again.runtime, PREFIX, table, rows_per_request=1000)
    again.cloud.set_speed(SPEED)
    assert again.drop("april.parquet", data.write_labelled(4, folder).read_bytes()).state == "Accepted"
    again.settle("monitoring")
    again.cloud.advance(24 * 3600)
    assert again.next("monitoring").state == "Measured"
    assert all(told.endswith("(no changes)") for told in deploy_again(again.cloud))
    assert again.cloud.admin("status")["not_kept"] == {}
