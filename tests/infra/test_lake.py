"""A model whose drops may point to tables in a lake: the job that judges them, and what each may do."""

import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from stacks.lake_bundle import lake_bundle
from stacks.synthesis import Template, synthesize
from stacks.templates import as_text
from stacks.wildcards import LAKE, WILDCARDS
from tests.infra.checks import aws_api, data_flow, permissions
from tests.infra.conftest import TINY, Assembly
from trimtab.spec import load_spec_file

STACK = "trimtab-dev-model-tiny"
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
TABLE = "arn:<AWS::Partition>:s3:::company-lake/pumps/*"
LOCATION = f"{{location: 's3://company-lake/pumps/', key: '{KEY}', instance_type: ml.m5.4xlarge}}"
LOCATION = f"{{location: 's3://company-lake/pumps/', key: '{KEY}', instance_type: ml.m5.4xlarge}}"
SECTION = f"data:\n  drop: manifest\n  lake: {LOCATION}\n"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("lake")
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    spec = folder / "tiny" / "model.yaml"
    spec.write_text(spec.read_text().replace("data:\n", SECTION, 1))
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


def intake(assembly: Assembly) -> Template:
    return next(found for name, found in assembly.machines().items() if "Intake" in name)


def allowed_to(assembly: Assembly, role: str) -> set[tuple[str, str]]:
    """Action and resource of all that a role may do, but to log and trace."""
    (found,) = [each for each in assembly.resources("AWS::IAM::Role") if role in each.id]
    return {
        (action, resource)
        for each in permissions.policies_of(assembly.templates[STACK], found.id)
        if each.effect == "Allow"
        for action in each.actions
        for resource in each.resources
        if not action.startswith(("xray:", "logs:", "dynamodb:"))
    }


def on_the_lake(assembly: Assembly) -> dict[str, set[str]]:
    """What each role may do with the table or its key."""
    found: dict[str, set[str]] = {}
    for role in assembly.resources("AWS::IAM::Role"):
        if role.stack == STACK:
            allowed = {
                a for a, resource in allowed_to(assembly, role.id) if "company-lake" in resource or resource == KEY
            }
            if allowed:
                found[role.id.rpartition("Role")[0]] = allowed
    return found


def test_models_without_a_lake_have_none_of_it(assembly: Assembly) -> None:
    assert [each.id for each in assembly.resources("AWS::IAM::Role") if "Lake" in each.id] == []


def test_only_who_has_to_may_read_the_lake_and_nobody_writes_there(lake: Assembly) -> None:
    reading = {"s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"}
    assert on_the_lake(lake) == {
        "IntakeStepsClaimDrop": reading | {"s3:ListBucket"},
        "IntakeStepsLakeReadLake": reading | {"s3:ListBucket"},
        "IntakeStepsLakeExecution": reading | {"s3:ListBucket"},
        "TrainingStepsBuildDataset": reading,
    }


def test_the_job_reads_the_table_its_task_and_its_code_and_writes_its_verdict(lake: Assembly) -> None:
    allowed = allowed_to(lake, "LakeExecution")
    written = {resource for action, resource in allowed if action == "s3:PutObject"}
    assert [resource.split("/", 1)[1] for resource in written] == ["_temporary/tiny/lake/*"]
    read = {resource for action, resource in allowed if action == "s3:GetObject"}
    assert TABLE in read
    assert all("_temporary/tiny/lake/" in each or "cdk-" in each for each in read - {TABLE})
    assert not [action for action, _ in allowed if action.startswith(("sagemaker:", "iam:", "states:"))]


def test_the_machine_may_run_these_jobs_and_hand_them_their_role(lake: Assembly) -> None:
    (machine,) = [each for each in lake.resources("AWS::StepFunctions::StateMachine") if "Intake" in each.id]
    allowed = permissions.policies_of(lake.templates[STACK], machine.properties["RoleArn"]["Fn::GetAtt"][0])
    definition = intake(lake)
    assert (permissions.missing(allowed, definition), permissions.surplus(allowed, definition)) == (set(), set())
    jobs = {
        resource for each in allowed if "sagemaker:CreateProcessingJob" in each.actions for resource in each.resources
    }
    assert [resource.rpartition("/")[2] for resource in jobs] == ["trimtab-dev-tiny-lake-*"]


def test_the_job_is_what_sagemaker_accepts_and_all_that_it_reads_is_written(lake: Assembly) -> None:
    definition = intake(lake)
    job: dict[str, Any] = definition["States"]["JudgeLake"]
    assert list(aws_api.problems(job)) == []
    assert data_flow.unwritten(definition, {"model", "at", "bucket", "key", "version", "size", "sequencer"}) == []
    assert data_flow.unreachable(definition) == set()
    cluster = job["Parameters"]["ProcessingResources"]["ClusterConfig"]
    assert (cluster["InstanceType"], cluster["InstanceCount"]) == ("ml.m5.4xlarge", 1)
    assert job["Parameters"]["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert "sagemaker-spark-processing:3.5-cpu-py312" in as_text(job["Parameters"]["AppSpecification"]["ImageUri"])


def test_a_pointer_starts_the_intake_beside_the_manifest(lake: Assembly) -> None:
    rules = [each for each in lake.resources("AWS::Events::Rule") if "Dropped" in each.id]
    keys = rules[0].properties["EventPattern"]["detail"]["object"]["key"]
    assert keys == [
        {"wildcard": "tiny/data/*_MANIFEST.json"},
        {"wildcard": "tiny/data/*_LAKE.json"},
        {"prefix": "tiny/truth/"},
    ]


def test_every_wildcard_is_listed(lake: Assembly) -> None:
    known = (*WILDCARDS, *LAKE)
    unlisted = {
        (action, resource)
        for role in lake.resources("AWS::IAM::Role")
        if role.stack == STACK
        for action, resource in allowed_to(lake, role.id)
        if "*" in resource and not any(each.covers(action, resource) for each in known)
    }
    assert unlisted == set()
    assert all(any(each.covers(action, TABLE) for action in each.actions) for each in LAKE)


def test_the_jobs_code_is_the_library_the_spec_and_a_program(lake: Assembly) -> None:
    spec = load_spec_file(Path(TINY) / "model.yaml")
    body = lake_bundle(spec)
    assert body == lake_bundle(spec)
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        names = archive.getnames()
    assert {"judge_lake.py", "model.json", "trimtab/lake/processing.py", "trimtab/data/scan.py"} <= set(names)
    assert not [name for name in names if name.startswith("trimtab/aws") or "__pycache__" in name]
