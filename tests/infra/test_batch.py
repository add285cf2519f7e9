"""A model that scores files: what starts the machine, what the job is asked for, and what each role may do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from stacks.synthesis import synthesize
from stacks.templates import states
from stacks.wildcards import SCORING, WILDCARDS
from tests.infra.checks import aws_api, data_flow, permissions
from tests.infra.conftest import TINY, Assembly
from tests.infra.people import BUCKET, KEY, TABLE, machine, may, policy
from trimtab.scoring.request import ASKED, INCOMING

STACK = "trimtab-dev-model-tiny"
PLANNED = {"model", "cause", "source", "version", "by"}


def synthesized(folder: Path, batch: str) -> Assembly:
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "tiny" / "model.yaml").open("a") as spec:
        spec.write(f"batch: {batch}\n")
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


@pytest.fixture(scope="module")
def scoring(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesized(tmp_path_factory.mktemp("scoring"), "{}")


def definition(assembly: Assembly) -> dict[str, Any]:
    (found,) = [each for name, each in assembly.machines().items() if "ScoringBatch" in name]
    return found


def allowed(assembly: Assembly, role: str) -> set[tuple[str, str]]:
    (found,) = [each.id for each in assembly.resources("AWS::IAM::Role") if each.id.startswith(role)]
    statements = permissions.policies_of(assembly.templates[STACK], found)
    return {(a, r) for each in statements if each.effect == "Allow" for a in each.actions for r in each.resources}


def test_the_job_reads_json_lines_and_joins_each_answer_with_its_record(scoring: Assembly) -> None:
    job = definition(scoring)["States"]["ScoreBatch"]["Parameters"]
    assert job["TransformInput"]["SplitType"] == job["TransformOutput"]["AssembleWith"] == "Line"
    assert job["TransformInput"]["ContentType"] == job["TransformOutput"]["Accept"] == "application/jsonlines"
    assert job["DataProcessing"] == {"JoinSource": "Input"}
    assert "CapturesEncryptionKey" in json.dumps(job["TransformOutput"]["KmsKeyId"])
    assert "ArtifactsEncryptionKey" in json.dumps(job["TransformResources"]["VolumeKmsKeyId"])


def test_the_machine_says_what_services_accept_and_reads_what_is_there(scoring: Assembly) -> None:
    found = definition(scoring)
    tasks = [state for _, state in states(found) if state["Type"] == "Task"]
    assert [problem for task in tasks for problem in aws_api.problems(task)] == []
    assert data_flow.unwritten(found, PLANNED) == []
    assert data_flow.unreachable(found) == set()
    assert all(task["TimeoutSeconds"] > 0 and task["Retry"] and task["Catch"] for task in tasks)


def test_each_file_below_incoming_starts_it(scoring: Assembly) -> None:
    (rule,) = [each for each in scoring.resources("AWS::Events::Rule") if each.id.startswith("Scoring")]
    detail = rule.properties["EventPattern"]["detail"]
    assert detail["object"]["key"] == [{"prefix": "tiny/batch/incoming/"}]
    template = rule.properties["Targets"][0]["InputTransformer"]["InputTemplate"]
    assert all(f'"{name}":' in str(template) for name in PLANNED)


def test_with_a_schedule_nothing_starts_it_but_the_time(tmp_path: Path) -> None:
    timed = synthesized(tmp_path, '{schedule: "cron(0 4 * * ? *)"}')
    assert not [each for each in timed.resources("AWS::Events::Rule") if each.id.startswith("Scoring")]
    (due,) = [each for each in timed.resources("AWS::Scheduler::Schedule") if each.id.startswith("Scoring")]
    told = json.loads(due.properties["Target"]["Input"])
    assert (due.properties["ScheduleExpression"], told["cause"]) == ("cron(0 4 * * ? *)", "schedule")
    assert set(told) == PLANNED


def test_the_job_reads_models_and_records_and_writes_scores_and_nothing_else(scoring: Assembly) -> None:
    found = allowed(scoring, "ScoringExecution")
    objects = {(action, resource.partition("/")[2]) for action, resource in found if action.startswith("s3:")}
    assert objects == {
        ("s3:GetObject", "tiny/runs/*"), ("s3:GetObjectVersion", "tiny/runs/*"),
        ("s3:GetObject", "tiny/batch/*"), ("s3:GetObjectVersion", "tiny/batch/*"),
        ("s3:GetObject", "_temporary/tiny/batch/*"), ("s3:GetObjectVersion", "_temporary/tiny/batch/*"),
        ("s3:PutObject", "tiny/batch/*"), ("s3:AbortMultipartUpload", "tiny/batch/*"),
    }  # fmt: skip


def test_every_wildcard_is_one_that_is_known_and_used(scoring: Assembly) -> None:
    roles = ("ScoringExecution", "ScoringPlanBatch", "ScoringFinishBatch", "ScoringBatch")
    wild = {each for role in roles for each in allowed(scoring, role) if "*" in each[1]}
    assert {each for each in wild if not any(known.covers(*each) for known in (*WILDCARDS, *SCORING))} == set()
    assert all(any(known.covers(*each) for each in wild) for known in SCORING)


def test_only_the_machine_runs_transform_jobs_and_only_of_this_model(scoring: Assembly) -> None:
    running = {resource for action, resource in allowed(scoring, "ScoringBatch") if action.endswith("TransformJob")}
    assert len(running) == 1
    assert running.pop().endswith(":transform-job/trimtab-dev-tiny-batch-*")


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("s3:PutObject", f"{BUCKET}/tiny/batch/{ASKED}/score-1/day.jsonl", {}, True),
        ("s3:PutObject", f"{BUCKET}/tiny/batch/{INCOMING}/day.jsonl", {}, False),
        ("s3:PutObject", f"{BUCKET}/tiny/data/day.parquet", {}, False),
        ("s3:GetObject", f"{BUCKET}/tiny/batch/0123456789abcdef/day.jsonl.out", {}, True),
        ("s3:GetObjectVersion", f"{BUCKET}/tiny/batch/0123456789abcdef/day.jsonl.out", {}, True),
        ("s3:GetObject", f"{BUCKET}/tiny/capture/trimtab-dev-tiny/main/1.jsonl", {}, False),
        ("s3:GetObject", f"{BUCKET}/tiny/data/day.parquet", {}, False),
        ("s3:ListBucket", BUCKET, {"s3:prefix": ("tiny/batch/0123456789abcdef/",)}, True),
        ("s3:ListBucket", BUCKET, {"s3:prefix": ("tiny/",)}, False),
        ("kms:GenerateDataKey", KEY, {"kms:viaservice": ("s3.us-east-1.amazonaws.com",)}, True),
        ("kms:GenerateDataKey", KEY, {}, False),
        ("dynamodb:Query", TABLE, {"dynamodb:leadingkeys": ("tiny",)}, True),
        ("dynamodb:PutItem", TABLE, {"dynamodb:leadingkeys": ("tiny",)}, False),
        ("states:StartExecution", machine("tiny", "batch"), {}, True),
        ("states:StartExecution", machine("tiny", "training"), {}, False),
    ],
)
def test_what_people_may_do_who_score(
    scoring: Assembly, action: str, resource: str, context: dict[str, tuple[str, ...]], allowed: bool
) -> None:
    assert may(policy(scoring, "tiny", "ScorersScorer"), action, resource, context) is allowed


def test_models_that_score_no_files_have_none_of_it(assembly: Assembly) -> None:
    assert not [each for each in assembly.resources("AWS::Lambda::Function") if each.id.startswith("Scoring")]
