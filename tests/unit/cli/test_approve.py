"""`trimtab approve` and `reject`: the switch in the registry, and what is said before it is turned in vain."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cli import packages
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import NOON
from trimtab.ports import Package

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/trimtab-dev-tiny/2"
ME = "arn:aws:iam::123456789012:user/me"
Given = Callable[..., Stubber]


def package(status: str = "PendingManualApproval", submitter: str = "training:run-2") -> Package:
    properties = {"submitted-by": submitter}
    return Package(ARN, "trimtab-dev-tiny", 2, status, "s3://a/model.tar.gz", "image", properties, NOON)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Given]:
    """`given(package)`: that version is in the registry, and the caller is ME; SageMaker answers what is stubbed."""
    access = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    sagemaker, sts = boto3.client("sagemaker", **access), boto3.client("sts", **access)
    stub, identity = Stubber(sagemaker), Stubber(sts)
    identity.add_response("get_caller_identity", {"Arn": ME, "Account": "123456789012", "UserId": "me"})
    identity.activate()
    monkeypatch.setattr(Stage, "client", lambda self, service: {"sagemaker": sagemaker, "sts": sts}[service])

    def make(found: Package) -> Stubber:
        monkeypatch.setattr(packages, "packages_of", lambda _stage, _model: [found])
        stub.activate()
        return stub

    yield make
    stub.assert_no_pending_responses()


def expect(stub: Stubber, status: str, **said: Any) -> None:
    stub.add_response(
        "update_model_package",
        {"ModelPackageArn": ARN},
        {"ModelPackageArn": ARN, "ModelApprovalStatus": status, **said},
    )


def test_approving_turns_the_switch_with_the_reason(given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    expect(given(package()), "Approved", ApprovalDescription="checked the slices")
    packages.approve("tiny", 2, reason="checked the slices")
    assert capsys.readouterr().out == "version 2 of tiny is Approved; what comes of it: trimtab history tiny\n"


def test_an_emergency_says_in_the_same_request_what_it_skips(given: Given) -> None:
    skipped = {"trimtab-skip": "staging,gates"}
    expect(given(package()), "Approved", ApprovalDescription="down", CustomerMetadataProperties=skipped)
    packages.approve("tiny", 2, reason="down", skip_staging=True, skip_gates=True)


@pytest.mark.parametrize("skip", [{"skip_staging": True}, {"skip_gates": True, "reason": "  "}])
def test_an_emergency_needs_a_reason(given: Given, skip: dict[str, Any]) -> None:
    given(package())
    with pytest.raises(CommandError, match="needs a --reason"):
        packages.approve("tiny", 2, **skip)


def test_who_submitted_a_version_is_told_before_anything_is_turned(given: Given) -> None:
    given(package(submitter=ME))
    with pytest.raises(CommandError, match="submitted version 2: another person has to approve it"):
        packages.approve("tiny", 2)


def test_an_approved_version_is_left_alone_unless_asked_again(given: Given) -> None:
    given(package("Approved"))
    with pytest.raises(CommandError, match="is Approved already"):
        packages.approve("tiny", 2)


def test_again_turns_it_off_and_on(given: Given) -> None:
    stub = given(package("Approved"))
    expect(stub, "PendingManualApproval", ApprovalDescription="to be approved again")
    expect(stub, "Approved")
    packages.approve("tiny", 2, again=True)


def test_rejecting_answers_programs_in_json(given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    expect(given(package("Approved")), "Rejected", ApprovalDescription="stop")
    packages.reject("tiny", 2, reason="stop", as_json=True)
    said = {"model": "tiny", "version": 2, "arn": ARN, "status": "Rejected", "reason": "stop"}
    assert json.loads(capsys.readouterr().out) == said


@pytest.mark.parametrize(("skip", "policy"), [(False, "ApproverPolicy"), (True, "EmergencyApproverPolicy")])
def test_who_may_not_is_told_which_policy_is_missing(given: Given, skip: bool, policy: str) -> None:
    stub = given(package())
    stub.add_client_error("update_model_package", "AccessDeniedException", "not authorized")
    with pytest.raises(CommandError, match=f"policy {policy} of the model's stack") as told:
        packages.approve("tiny", 2, reason="down", skip_staging=skip)
    assert isinstance(told.value.__cause__, ClientError)
