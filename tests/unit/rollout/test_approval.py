"""A package is deployed only when nothing speaks against it, and what does is said in words."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON
from trimtab.ports import Package
from trimtab.rollout.approval import Evidence, manifest_digest, objections, signed_digest
from trimtab.spec.approval import ApprovalSpec

DIGESTS = {
    "artifact_sha256": "a" * 64,
    "evaluation_sha256": "e" * 64,
    "code_sha256": "c" * 64,
    "dataset": "d" * 64,
    "run": "run-1",
    "submitted-by": "arn:aws:iam::1:role/training",
}
GOOD = Package("arn:p/3", "flights", 3, "Approved", "s3://a/model.tar.gz", "image", DIGESTS, NOON)
JUDGEMENT = {"passed": True, "outcome": "pass", "evaluation_sha256": "e" * 64}


def evidence_of(artifact: str | None, evaluation: str | None, signed: bool, **more: Any) -> Evidence:
    """What lies there now, with a passed judgement and an evaluation of the registered artifact."""
    return Evidence(artifact, evaluation, signed, **({"judgement": JUDGEMENT, "reported_sha256": "a" * 64} | more))


SOUND = evidence_of("a" * 64, "e" * 64, True)


def reasons(package: Package = GOOD, evidence: Evidence = SOUND, serving: int | None = 2, **spec: object) -> list[str]:
    approval = ApprovalSpec.model_validate(spec)
    found = objections(package, evidence, approval, serving, NOON + timedelta(days=1))
    return [objection.reason for objection in found]


def test_a_sound_newer_approved_package_meets_no_objection() -> None:
    assert reasons() == []
    assert reasons(serving=None) == []


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected", "approved"])
def test_only_exactly_approved_will_do(status: str) -> None:
    assert reasons(replace(GOOD, status=status)) == [f"the package is {status}, not Approved"]


def test_an_approval_of_old_evidence_has_expired() -> None:
    old = replace(GOOD, created=NOON - timedelta(days=30))
    assert "approval.expiry_days" in reasons(old, expiry_days=30)[0]
    assert reasons(old, expiry_days=31) == []


@pytest.mark.parametrize("serving", [3, 4])
def test_a_version_that_is_not_newer_than_what_serves_is_refused(serving: int) -> None:
    assert reasons(serving=serving) == [f"version {serving} serves already, and this is version 3"]


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (evidence_of("b" * 64, "e" * 64, True), "its artifact was changed after it was registered"),
        (evidence_of("a" * 64, "f" * 64, True), "its evaluation was changed after it was registered"),
        (evidence_of(None, "e" * 64, True), "its artifact does not exist any more"),
        (evidence_of("a" * 64, None, True), "its evaluation does not exist any more"),
        (evidence_of("a" * 64, "e" * 64, False), "its signature does not belong to its manifest of digests"),
    ],
)
def test_what_was_approved_must_be_what_was_registered(evidence: Evidence, reason: str) -> None:
    assert reasons(evidence=evidence) == [reason]


def test_every_objection_is_named_at_once() -> None:
    assert len(reasons(replace(GOOD, status="Rejected"), evidence_of(None, None, False), serving=9)) == 5


def test_a_contract_that_was_changed_since_the_training_is_an_objection() -> None:
    changed = replace(SOUND, contract_changes=("column x is gone",))
    assert reasons(evidence=changed) == [
        "the data contract was changed since it was trained (column x is gone): train again"
    ]


def test_only_what_approving_again_cannot_mend_disqualifies() -> None:
    approval, later = ApprovalSpec(), NOON + timedelta(days=1)
    stale = objections(GOOD, SOUND, approval, 5, later)
    forged = objections(GOOD, replace(SOUND, signed=False), approval, 2, later)
    assert [each.disqualifies for each in stale] == [False]
    assert [each.disqualifies for each in forged] == [True]


@pytest.mark.parametrize("name", ["artifact_sha256", "evaluation_sha256", "code_sha256", "dataset", "run"])
def test_the_signed_digest_depends_on_every_part_of_the_manifest(name: str) -> None:
    assert signed_digest(replace(GOOD, properties=DIGESTS | {name: "x"})) != signed_digest(GOOD)
    assert signed_digest(replace(GOOD, group="other")) != signed_digest(GOOD)
    assert manifest_digest("flights", DIGESTS) == signed_digest(GOOD)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"judgement": None}, "no judgement of it is in the ledger"),
        ({"judgement": JUDGEMENT | {"passed": False, "outcome": "not_judged"}}, "its gates ended not_judged, not pass"),
        ({"judgement": JUDGEMENT | {"outcome": "refuse"}}, "its gates ended refuse, not pass"),
        ({"judgement": JUDGEMENT | {"passed": "yes"}}, "its gates ended"),
        ({"judgement": JUDGEMENT | {"evaluation_sha256": "f" * 64}}, "its judgement is of another evaluation"),
        ({"judgement": {"passed": True, "outcome": "pass"}}, "its judgement is of another evaluation"),
        ({"reported_sha256": "b" * 64}, "its evaluation measured another artifact"),
        ({"reported_sha256": None}, "its evaluation measured another artifact"),
    ],
)
def test_there_is_no_way_round_the_gates(changes: dict[str, Any], reason: str) -> None:
    found = objections(GOOD, evidence_of("a" * 64, "e" * 64, True, **changes), ApprovalSpec(), 2, NOON)
    assert [each.reason.startswith(reason) for each in found] == [True]
    assert found[0].disqualifies
