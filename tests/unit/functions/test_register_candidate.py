"""register_candidate as the training machine calls it."""

import hashlib
import json
from typing import Any

import pytest

from functions.register_candidate.handler import RegisterCandidateEvent, register
from tests.fakes import NOON, HashSigner, MemoryRegistry, RecordingNotifier, fake_runtime
from tests.fixtures import tiny
from tests.unit.evaluation.test_gates import RULES, report
from trimtab.contracts import Dataset
from trimtab.entrypoint import Runtime
from trimtab.errors import DataError, SignatureMismatch
from trimtab.evaluation.gates import judge
from trimtab.rollout.approval import SIGNATURE, SUBMITTED_BY, signed_digest

RUN = "trimtab-test-tiny-20260101120000-22222222"
ARTIFACT = f"s3://artifacts/tiny/runs/{RUN}/output/model.tar.gz"
EVALUATION = f"s3://artifacts/tiny/runs/{RUN}/evaluation/evaluation.json"
MODEL = b"model archive"


@pytest.fixture
def runtime() -> Runtime:
    runtime = fake_runtime(tiny.SPEC, notifier=RecordingNotifier())
    evaluation = report(artifact_sha256=hashlib.sha256(MODEL).hexdigest())
    runtime.objects.write(ARTIFACT, MODEL)
    runtime.objects.write(EVALUATION, json.dumps(evaluation).encode())
    runtime.objects.write("s3://assets/code.tar.gz", b"code")
    return runtime


def event(**changes: Any) -> RegisterCandidateEvent:
    made = {
        "model": "tiny",
        "at": NOON,
        "run": RUN,
        "dataset": Dataset(ready=True, reason="", dataset="d1"),
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
    assert all(len(value) <= 256 for value in package.properties.values())


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
