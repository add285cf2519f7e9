"""A model whose runs are tracked: who tells the trackers, and what it may do."""

import shutil

import pytest

from stacks.stage import STAGES as DEPLOYED
from stacks.synthesis import synthesize
from stacks.wildcards import WILDCARDS
from tests.infra.checks import permissions
from tests.infra.conftest import TINY, Assembly, Resource
from trimtab.spec.stages import STAGES

SERVER = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("tracked")
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "tiny" / "model.yaml").open("a") as spec:
        spec.write(f"tracking: {{mlflow: {{dev: '{SERVER}'}}, wandb: pumps}}\n")
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


def of_tracking(assembly: Assembly, type: str) -> list[Resource]:
    return [found for found in assembly.resources(type) if found.id.startswith("Tracking")]


def test_the_stages_that_a_spec_may_name_are_those_that_can_be_deployed() -> None:
    assert tuple(DEPLOYED) == STAGES


def test_models_without_a_tracker_have_none_of_it(assembly: Assembly) -> None:
    assert of_tracking(assembly, "AWS::Lambda::Function") == []


def test_the_end_of_each_such_machine_is_told_and_a_failed_telling_is_kept(tracked: Assembly) -> None:
    (rule,) = of_tracking(tracked, "AWS::Events::Rule")
    assert rule.properties["EventPattern"]["detail"]["status"] == ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    assert len(rule.properties["EventPattern"]["detail"]["stateMachineArn"]) == 3, "training, promotion, rollback"
    (target,) = rule.properties["Targets"]
    assert target["DeadLetterConfig"]["Arn"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    (asynchronous,) = of_tracking(tracked, "AWS::Lambda::EventInvokeConfig")
    assert asynchronous.properties["DestinationConfig"]["OnFailure"]["Destination"]


def test_it_may_write_what_it_tells_and_ask_the_one_server(tracked: Assembly) -> None:
    template = tracked.templates["trimtab-dev-model-tiny"]
    (function,) = of_tracking(tracked, "AWS::Lambda::Function")
    allowed = permissions.policies_of(template, function.properties["Role"]["Fn::GetAtt"][0])
    asking = [each for each in allowed if any(action.startswith("sagemaker-mlflow:") for action in each.actions)]
    assert [each.resources for each in asking] == [frozenset({SERVER})]
    written = {resource for each in allowed if "s3:PutObject" in each.actions for resource in each.resources}
    assert all(resource.endswith("/tiny/tracking/*") for resource in written)
    unlisted = {
        (action, resource)
        for each in allowed
        if each.effect == "Allow"
        for action in each.actions
        for resource in each.resources
        if "*" in resource and not any(wildcard.covers(action, resource) for wildcard in WILDCARDS)
    }
    assert unlisted == set()
