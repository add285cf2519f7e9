"""An approval is acted upon only when everything it rests on still holds."""

import hashlib
from dataclasses import replace

from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    approved,
    moving,
    serve_first_version,
)
from trimtab.ledger.kinds import CANDIDATE_JUDGED
from trimtab.rollout.approval import manifest_digest


def test_a_rejection_before_the_check_refuses_and_changes_nothing(scene: Scene) -> None:
    arn = approved(scene)
    scene.registry.reject(arn, "no")
    promotion = PromotionRun(scene, "late").check(arn)
    assert promotion["outcome"] == "Refused"
    assert promotion["reason"] == "the package is Rejected, not Approved"
    assert scene.endpoints.models == {}


def test_a_changed_artifact_is_refused_and_rejected(scene: Scene) -> None:
    arn = approved(scene)
    scene.objects.write(scene.registry.describe(arn).artifact_uri, b"other bytes")
    run = PromotionRun(scene, "forged")
    assert run.check(arn)["reason"] == "its artifact was changed after it was registered"
    run.close("Refused", "its artifact was changed after it was registered")
    assert scene.registry.describe(arn).status == "Rejected"
    assert scene.notifier.sent[-1]["why"] == "its artifact was changed after it was registered"


def test_a_changed_manifest_is_refused(scene: Scene) -> None:
    arn = approved(scene)
    package = scene.registry.describe(arn)
    scene.registry.put(replace(package, properties={**package.properties, "dataset": "other"}))
    assert "signature" in PromotionRun(scene, "forged").check(arn)["reason"]


def test_a_package_without_a_passed_judgement_is_refused_and_rejected(scene: Scene) -> None:
    arn = approved(scene)
    scene.ledger.append(CANDIDATE_JUDGED, "run-2", {"passed": False, "outcome": "refuse"}, scene.now, "judge_candidate")
    run = PromotionRun(scene, "by hand")
    assert "its gates ended refuse, not pass" in run.check(arn)["reason"]
    run.close("Refused")
    assert scene.registry.describe(arn).status == "Rejected"


def test_an_evaluation_of_another_artifact_is_refused(scene: Scene) -> None:
    """What ``evaluation.json`` was copied from, with a signature that is true."""
    scene.register("run-2", artifact_body=b"the artifact that was evaluated")
    copied = scene.objects.read("s3://artifacts/tiny/runs/run-2/evaluation/evaluation.json")
    other = scene.register("run-3")
    scene.objects.write("s3://artifacts/tiny/runs/run-3/evaluation/evaluation.json", copied)
    digests = dict(other.properties) | {"evaluation_sha256": hashlib.sha256(copied).hexdigest()}
    signed = digests | {"signature": scene.signer.sign(manifest_digest(ENDPOINT, digests))}
    judged = {"passed": True, "outcome": "pass", "evaluation_sha256": digests["evaluation_sha256"]}
    scene.ledger.append(CANDIDATE_JUDGED, "run-3", judged, scene.now, "somebody")
    scene.registry.put(replace(other, properties=signed))
    scene.registry.approve(other.arn)
    assert PromotionRun(scene, "copied").check(other.arn)["reason"] == "its evaluation measured another artifact"


def test_an_expired_approval_is_refused(scene: Scene) -> None:
    arn = approved(scene)
    scene.later(days=31)
    assert "approval.expiry_days" in PromotionRun(scene, "late").check(arn)["reason"]


def test_the_same_approval_delivered_again_never_takes_the_serving_version_down(scene: Scene) -> None:
    first = serve_first_version(scene)
    arn = first.state["promotion"]["package_arn"]
    again = PromotionRun(scene, "again")
    assert again.check(arn)["outcome"] == "Duplicate"
    assert scene.ledger.lease_holder("promotion") is None
    assert scene.registry.describe(arn).status == "Approved"
    assert scene.endpoints.endpoints[ENDPOINT].config == first.state["plan"]["config"]


def test_a_second_approval_waits_and_gets_its_turn_when_the_first_has_ended(scene: Scene) -> None:
    run = moving(scene)
    third = approved(scene, "run-3")
    waiting = PromotionRun(scene, "third")
    found = waiting.check(third)
    assert found["outcome"] == "Busy"
    assert found["reason"] == "second is promoting; this approval waits for its turn"
    assert waiting.close("Busy") == {"outcome": "Busy", "released": False, "next": None}
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    run.confirm()
    closed = run.close("Serving")
    assert closed["next"] == {"model": "tiny", "package_arn": third, "at": scene.now.isoformat()}
    resumed = PromotionRun(scene, "resumed")
    assert resumed.check(third)["outcome"] == "Approved"
    assert resumed.close("Failed")["next"] is None


def test_an_approval_holds_the_lease_and_names_all_that_the_rollout_needs(scene: Scene) -> None:
    arn = approved(scene)
    promotion = PromotionRun(scene, "second").check(arn)
    held = scene.ledger.lease_holder("promotion")
    assert held is not None
    assert (promotion["outcome"], promotion["id"], promotion["fence"]) == ("Approved", "second", held.fence)
    assert held.holder == "second"
    assert promotion["golden_uri"] == "s3://artifacts/tiny/runs/run-2/evaluation/golden.jsonl"
    assert promotion["baseline_uri"] == "s3://artifacts/tiny/datasets/dataset-of-run-2/baseline.json"
    entry = scene.ledger.entries("approval.checked")[0]
    assert (entry.subject, entry.data["summary"]) == ("second", "version 1: Approved, version 1 may be promoted")


def test_a_retry_keeps_the_first_answer_even_when_the_package_has_changed_since(scene: Scene) -> None:
    arn = approved(scene)
    run = PromotionRun(scene, "second")
    first = run.check(arn)
    scene.registry.reject(arn, "no")
    assert run.check(arn) == first
    assert len(scene.ledger.entries("approval.checked")) == 1
