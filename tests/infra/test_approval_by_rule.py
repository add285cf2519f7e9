"""A model whose spec approves by rule: one role more, which may turn a version to Approved and nothing else."""

import json
import shutil

import pytest

from stacks.constructs import approving
from stacks.synthesis import synthesize
from stacks.templates import states
from stacks.wildcards import WILDCARDS
from tests.infra.checks import permissions
from tests.infra.checks.permissions import Statement
from tests.infra.conftest import TINY, Assembly
from trimtab.rollout import approval, votes

RULE = "approval: {auto: {gates: [champion], max_metric_change: 0.1, max_prediction_change: 0.2}}\n"
CHANGING = {"sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"}


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("ruled")
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "tiny" / "model.yaml").open("a") as spec:
        spec.write(RULE)
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


def of_roles(assembly: Assembly) -> dict[str, list[Statement]]:
    """Statements by the role's logical id."""
    return {
        role.id: permissions.policies_of(assembly.templates[role.stack], role.id)
        for role in assembly.resources("AWS::IAM::Role")
    }


def test_only_one_role_may_approve_and_only_where_the_spec_asks_for_it(assembly: Assembly, ruled: Assembly) -> None:
    def may_approve(found: Assembly) -> list[str]:
        return [
            role
            for role, statements in of_roles(found).items()
            if any(s.effect == "Allow" and CHANGING & s.actions for s in statements)
            and not any(s.effect == "Deny" and s.actions >= CHANGING for s in statements)
        ]

    assert may_approve(assembly) == []
    (role,) = may_approve(ruled)
    assert "ApproveCandidate" in role


def test_it_turns_versions_of_this_model_to_approved_and_neither_registers_nor_skips(ruled: Assembly) -> None:
    (statements,) = [found for role, found in of_roles(ruled).items() if "ApproveCandidate" in role]
    registry = [s for s in statements if any("ModelPackage" in action for action in s.actions)]
    allowed = {action: s for s in registry if s.effect == "Allow" for action in s.actions}
    assert set(allowed) == {"sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"}
    turning = allowed["sagemaker:UpdateModelPackage"]
    assert turning.condition == {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}}
    assert all(resource.endswith("model-package/trimtab-dev-tiny/*") for resource in turning.resources)
    denied = json.dumps([s.condition for s in registry if s.effect == "Deny"])
    assert votes.SKIP in denied
    assert approval.SUBMITTED_BY in denied
    assert not any(action.startswith("sagemaker:") and "Endpoint" in action for s in statements for action in s.actions)


def test_its_wildcards_are_those_that_are_listed_with_a_reason(ruled: Assembly) -> None:
    (statements,) = [found for role, found in of_roles(ruled).items() if "ApproveCandidate" in role]
    for statement in statements:
        for action in statement.actions if statement.effect == "Allow" else ():
            wild = [resource for resource in statement.resources if "*" in resource]
            assert all(any(each.covers(action, resource) for each in WILDCARDS) for resource in wild), action


def test_the_training_machine_asks_it_after_registering_and_ends_well_whatever_it_says(
    assembly: Assembly, ruled: Assembly
) -> None:
    for found, asked in ((assembly, False), (ruled, True)):
        machine = next(each for name, each in found.machines().items() if "tiny" in name and "Training" in name)
        known = dict(states(machine))
        assert ("ApproveCandidate" in known) is asked
        assert known["RegisterCandidate"]["Next"] == ("ApproveCandidate" if asked else "NoteRegistered")
    assert known["ApproveCandidate"]["Next"] == known["ApproveCandidate"]["Catch"][0]["Next"] == "NoteRegistered"


def test_nothing_but_a_promotion_or_a_rollback_publishes_a_baseline(ruled: Assembly) -> None:
    """When the champion stays, so does what it is measured by: only a person's act changes that."""
    for name, machine in ruled.machines().items():
        called = json.dumps(machine)
        assert ("PublishBaseline" in called) == ("Promotion" in name), name


def test_the_names_in_its_policy_are_those_of_the_library() -> None:
    assert approving._SKIP.endswith(f"/{votes.SKIP}")
    assert approving._SUBMITTER.endswith(f"/{approval.SUBMITTED_BY}")
