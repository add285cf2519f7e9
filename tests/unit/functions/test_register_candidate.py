"""register_candidate as the training machine calls it."""

import hashlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from functions.register_candidate.handler import RegisterCandidateEvent, Services
from functions.register_candidate.handler import register as register_with
from tests.fakes import NOON, HashSigner, MemoryRegistry, RecordingNotifier, fake_runtime
from tests.fixtures import tiny
from tests.recording_fakes import MemoryCards, MemoryJobs, MemoryLineage
from tests.unit.evaluation.test_gates import RULES, report
from trimtab.contracts import Dataset
from trimtab.entrypoint import Runtime
from trimtab.errors import DataError, ServiceRefused, SignatureMismatch
from trimtab.evaluation.gates import judge
from trimtab.rollout.approval import SIGNATURE, SUBMITTED_BY, manifest_digest, signed_digest

RUN = "trimtab-test-tiny-20260101120000-22222222"
ARTIFACT = f"s3://artifacts/tiny/runs/{RUN}/output/model.tar.gz"
EVALUATION = f"s3://artifacts/tiny/runs/{RUN}/evaluation/evaluation.json"
MODEL = b"model archive"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sk:1"
DATASET = "s3://artifacts/tiny/datasets/d1"
TRAINING = {
    "AlgorithmSpecification": {"TrainingImage": IMAGE},
    "HyperParameters": {"max_depth": "6", "criterion": '"gini"', "sagemaker_program": '"train.py"'},
    "arn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{RUN}",
    "ended": "2026-01-01T12:30:00+00:00",
}


@pytest.fixture
def runtime() -> Runtime:
    runtime = fake_runtime(tiny.SPEC, notifier=RecordingNotifier())
    evaluation = report(artifact_sha256=hashlib.sha256(MODEL).hexdigest())
    runtime.objects.write(ARTIFACT, MODEL)
    runtime.objects.write(EVALUATION, json.dumps(evaluation).encode())
    runtime.objects.write("s3://assets/code.tar.gz", b"code")
    for name in ("manifest.json", "baseline.json", "train/part.parquet"):
        runtime.objects.write(f"{DATASET}/{name}", name.encode())
    return runtime


def services(registry: MemoryRegistry, **changes: Any) -> Services:
    jobs = MemoryJobs({RUN: TRAINING, f"{RUN}-eval": {"arn": "arn:eval"}}, {IMAGE: "sha256:" + "9" * 64})
    parts: dict[str, Any] = {"signer": HashSigner(), "jobs": jobs, "cards": MemoryCards(), "lineage": MemoryLineage()}
    return Services(registry, **(parts | changes))


def register(
    event: RegisterCandidateEvent, runtime: Runtime, registry: MemoryRegistry, signer: HashSigner
) -> dict[str, Any]:
    return register_with(event, runtime, services(registry, signer=signer))


def event(**changes: Any) -> RegisterCandidateEvent:
    made = {
        "model": "tiny",
        "at": NOON,
        "run": RUN,
        "dataset": Dataset(
            ready=True,
            reason="",
            dataset="d1",
            manifest_uri=f"{DATASET}/manifest.json",
            baseline_uri=f"{DATASET}/baseline.json",
            rows_train=900,
        ),
        "judgement": judge(report(), RULES, EVALUATION),
    }
    return RegisterCandidateEvent.model_validate(made | changes)


def test_a_candidate_waits_for_approval_with_all_its_digests(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    found = register(event(), runtime, registry, HashSigner())
    package = registry.describe(found["package_arn"])
    assert (found["version"], package.status, package.artifact_uri) == (1, "PendingManualApproval", ARTIFACT)
    assert package.properties["artifact_sha256"] == hashlib.sha256(MODEL).hexdigest()
    assert package.properties["code_sha256"] == hashlib.sha256(b"code").hexdigest()
    assert package.properties["dataset"] == "d1"
    assert all(1 <= len(value) <= 256 for value in package.properties.values())


def test_an_image_without_a_digest_is_registered_without_one(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    found = register_with(event(), runtime, services(registry, jobs=MemoryJobs({RUN: TRAINING})))
    package = registry.describe(found["package_arn"])
    assert "image_digest" not in package.properties
    assert HashSigner().verify(signed_digest(package), package.properties[SIGNATURE])
    assert all(package.properties.values())


def test_the_signature_is_the_one_that_an_approval_checks(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    package = registry.describe(register(event(), runtime, registry, HashSigner())["package_arn"])
    assert HashSigner().verify(signed_digest(package), package.properties[SIGNATURE])


def test_who_asked_is_the_submitter(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    found = register(event(requested_by="arn:aws:iam::1:user/ada"), runtime, registry, HashSigner())
    assert registry.describe(found["package_arn"]).properties[SUBMITTED_BY] == "arn:aws:iam::1:user/ada"


def test_a_retry_registers_and_tells_once(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    first = register(event(), runtime, registry, HashSigner())
    assert register(event(), runtime, registry, HashSigner()) == first
    assert len(registry.held) == 1
    assert len(runtime.notifier.sent) == 1  # type: ignore[attr-defined]


def test_a_retry_after_a_lost_answer_finds_the_version_again(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    first = register(event(), runtime, registry, HashSigner())
    runtime.ledger.rows.clear()  # type: ignore[attr-defined]
    assert register(event(), runtime, registry, HashSigner()) == first


def test_an_artifact_that_was_changed_after_its_evaluation_is_not_registered(runtime: Runtime) -> None:
    runtime.objects.write(ARTIFACT, b"another model")
    with pytest.raises(SignatureMismatch, match="is not the artifact that was evaluated"):
        register(event(), runtime, MemoryRegistry(), HashSigner())


def test_a_candidate_that_did_not_pass_is_never_registered(runtime: Runtime) -> None:
    refused = judge(report(n=3), RULES, EVALUATION)
    registry = MemoryRegistry()
    with pytest.raises(DataError, match="did not pass its gates"):
        register(event(judgement=refused), runtime, registry, HashSigner())
    assert not registry.held


def read(runtime: Runtime, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(runtime.objects.read(f"s3://artifacts/tiny/records/{RUN}/{name}"))
    return found


def test_the_record_holds_what_it_takes_to_train_again(runtime: Runtime) -> None:
    register(event(), runtime, MemoryRegistry(), HashSigner())
    record = read(runtime, "record.json")
    assert record["hyperparameters"] == {"criterion": "gini", "max_depth": 6}
    assert record["image"] == {"uri": IMAGE, "digest": "sha256:" + "9" * 64}
    assert record["code"]["version"] == runtime.objects.head("s3://assets/code.tar.gz").version  # type: ignore[union-attr]
    assert record["jobs"]["training"]["HyperParameters"] == TRAINING["HyperParameters"]
    files = {file["uri"].removeprefix(f"{DATASET}/"): file["version"] for file in record["dataset"]["files"]}
    assert set(files) == {"manifest.json", "baseline.json", "train/part.parquet"}
    assert all(files.values())
    assert record["seed"] == tiny.SPEC.training.seed


def test_the_record_vouches_for_the_reports_the_data_and_the_card(runtime: Runtime) -> None:
    evaluation = report(
        artifact_sha256=hashlib.sha256(MODEL).hexdigest(),
        bias={"site": {"overall": {"demographic_parity_ratio": 0.9}}},
        importance={"load": 0.1},
    )
    runtime.objects.write(EVALUATION, json.dumps(evaluation).encode())
    registry = MemoryRegistry()
    package = registry.describe(register(event(), runtime, registry, HashSigner())["package_arn"])
    record = read(runtime, "record.json")
    assert set(record["sealed"]) == {"manifest", "baseline", "card", "page", "bias", "explainability"}
    for sealed in record["sealed"].values():
        assert hashlib.sha256(runtime.objects.read(sealed["uri"])).hexdigest() == sealed["sha256"]
    body = runtime.objects.read(f"s3://artifacts/tiny/records/{RUN}/record.json")
    assert package.properties["record_sha256"] == hashlib.sha256(body).hexdigest()
    attached = registry.attached[package.arn]
    assert attached.bias_uri.endswith("/bias.json")
    assert attached.explainability_uri.endswith("/explainability.json")
    assert attached.baseline_uri == f"{DATASET}/baseline.json"


def test_what_the_record_adds_is_signed_too(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    package = registry.describe(register(event(), runtime, registry, HashSigner())["package_arn"])
    signature = package.properties[SIGNATURE]
    for name in ("record_sha256", "image", "spec_sha256", "policy_sha256", SUBMITTED_BY):
        for other in ("another", ""):
            changed = dict(package.properties) | {name: other}
            assert not HashSigner().verify(manifest_digest(package.group, changed), signature), name


def test_card_and_lineage_are_told_to_sagemaker_once(runtime: Runtime) -> None:
    registry, cards, lineage = MemoryRegistry(), MemoryCards(), MemoryLineage()
    given = services(registry, cards=cards, lineage=lineage)
    register_with(event(), runtime, given)
    runtime.ledger.rows.clear()  # type: ignore[attr-defined]
    register_with(event(), runtime, given)
    assert json.loads(cards.held[RUN]) == read(runtime, "model_card.json")
    assert (RUN, "Produced", f"{RUN}-model") in lineage.edges
    assert ("dataset-d1", "ContributedTo", RUN) in lineage.edges
    assert len(lineage.nodes) == 6
    assert all(re.fullmatch("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}", name) for name in lineage.nodes)


def test_a_version_is_registered_though_sagemaker_keeps_no_card(runtime: Runtime) -> None:
    class Refusing(MemoryCards):
        def create(self, *arguments: Any, **named: Any) -> str:
            raise ServiceRefused("no more cards")

    register_with(event(), runtime, services(MemoryRegistry(), cards=Refusing()))
    (entry,) = runtime.ledger.entries("candidate.registered")
    assert entry.data["model_card"] == {"error": "no more cards"}
    assert set(entry.data["lineage"]) > {RUN}


def test_a_second_attempt_writes_the_same_record(runtime: Runtime) -> None:
    registry = MemoryRegistry()
    package = registry.describe(register(event(), runtime, registry, HashSigner())["package_arn"])
    runtime.ledger.rows.clear()  # type: ignore[attr-defined]
    register(event(at=NOON + timedelta(hours=1)), runtime, registry, HashSigner())
    body = runtime.objects.read(f"s3://artifacts/tiny/records/{RUN}/record.json")
    assert hashlib.sha256(body).hexdigest() == package.properties["record_sha256"]
