"""Endpoints that scale or sleep: what calls the functions, what these may do, and that other models have none of it."""

import shutil
from pathlib import Path

import pytest

from stacks.synthesis import synthesize
from stacks.wildcards import SCALING, WILDCARDS
from tests.infra.checks import permissions
from tests.infra.conftest import TINY, Assembly

STACK = "trimtab-{stage}-model-tiny"
SHAPED = """\
rollout:
  strategy: canary
  percent: 50
  bake_minutes: 5
  endpoint: """
BOTH = "{autoscaling: {max_count: 4}, sleep: {}}"


def synthesized(folder: Path, stage: str = "dev", shape: str = BOTH) -> Assembly:
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    spec = folder / "tiny" / "model.yaml"
    kept = [line for line in spec.read_text().splitlines() if not line.startswith("rollout:")]
    spec.write_text("\n".join(kept) + "\n" + SHAPED + shape + "\n")
    out = folder / "out"
    return Assembly(out, synthesize(out, models=[str(folder / "tiny")], stage=stage))


@pytest.fixture(scope="module")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesized(tmp_path_factory.mktemp("shaped"))


def allowed_to(assembly: Assembly, construct: str, stage: str = "dev") -> dict[str, set[str]]:
    """Resources by action of all that the construct's function may do, but to log and trace."""
    own = [f for f in assembly.resources("AWS::Lambda::Function") if f.stack == STACK.format(stage=stage)]
    found = [f for f in own if f.id.startswith(construct)]
    (function,) = found
    role = function.properties["Role"]["Fn::GetAtt"][0]
    allowed: dict[str, set[str]] = {}
    for each in permissions.policies_of(assembly.templates[STACK.format(stage=stage)], role):
        for action in each.actions if each.effect == "Allow" else ():
            if not action.startswith(("xray:", "logs:", "dynamodb:", "kms:", "sqs:")):
                allowed.setdefault(action, set()).update(each.resources)
    return allowed


def test_the_endpoints_scaling_is_registered_whenever_it_has_come_into_service(shaped: Assembly) -> None:
    (rule,) = [found for found in shaped.resources("AWS::Events::Rule") if found.id.startswith("Scaling")]
    detail = rule.properties["EventPattern"]["detail"]
    assert detail == {"EndpointName": ["trimtab-dev-tiny"], "EndpointStatus": ["IN_SERVICE"]}


def test_scaling_may_register_targets_of_sagemaker_and_make_its_one_service_role(shaped: Assembly) -> None:
    allowed = allowed_to(shaped, "Scaling")
    assert (
        allowed["application-autoscaling:RegisterScalableTarget"] == allowed["application-autoscaling:PutScalingPolicy"]
    )
    (role,) = allowed["iam:CreateServiceLinkedRole"]
    assert role.endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    confirming = allowed_to(shaped, "PromotionStepsConfirmServing")
    assert confirming["application-autoscaling:RegisterScalableTarget"]
    both = [*allowed.items(), *confirming.items()]
    wild = {(action, one) for action, resources in both for one in resources if "*" in one}
    assert {each for each in wild if not any(known.covers(*each) for known in (*WILDCARDS, *SCALING))} == set()
    assert all(any(known.covers(*each) for each in wild) for known in SCALING)


def test_an_endpoint_goes_to_sleep_and_wakes_at_its_times(shaped: Assembly) -> None:
    rules = [found for found in shaped.resources("AWS::Events::Rule") if found.id.startswith("Sleep")]
    times = {rule.properties["ScheduleExpression"] for rule in rules}
    assert times == {"cron(0 19 ? * MON-FRI *)", "cron(0 7 ? * MON-FRI *)"}
    acts = {act for rule in rules for act in ("sleep", "wake") if f'"act":"{act}"' in str(rule.properties["Targets"])}
    assert acts == {"sleep", "wake"}
    assert {"sagemaker:DeleteEndpoint", "sagemaker:CreateEndpoint"} <= set(allowed_to(shaped, "Sleep"))


def test_production_never_sleeps(tmp_path: Path) -> None:
    found = synthesized(tmp_path, "prod").resources("AWS::Lambda::Function")
    assert not [function.id for function in found if function.id.startswith("Sleep")]
    assert [function.id for function in found if function.id.startswith("Scaling")]


def test_models_that_ask_for_neither_have_none_of_it(assembly: Assembly) -> None:
    found = assembly.resources("AWS::Lambda::Function")
    assert not [function.id for function in found if function.id.startswith(("Sleep", "Scaling"))]


def test_who_proves_that_an_asynchronous_endpoint_answers_asks_by_its_queue(tmp_path: Path) -> None:
    made = synthesized(tmp_path, shape="{kind: async, autoscaling: {max_count: 4, backlog_per_instance: 3}}")
    for function in ("PromotionStepsConfirmServing", "RollbackStepsRestoreVersion"):
        allowed = allowed_to(made, function)
        assert "sagemaker:InvokeEndpoint" not in allowed
        assert allowed["sagemaker:InvokeEndpointAsync"]
        assert any(resource.endswith("/tiny/async/*") for resource in allowed["s3:PutObject"])


@pytest.mark.parametrize(("stage", "alarms"), [("dev", {"trimtab-dev-tiny-wake"}), ("prod", set())])
def test_who_scales_an_endpoint_to_zero_makes_the_alarm_that_wakes_it_and_never_in_production(
    tmp_path: Path, stage: str, alarms: set[str]
) -> None:
    made = synthesized(tmp_path, stage, "{kind: async, autoscaling: {max_count: 4, to_zero: true}}")
    for function in ("Scaling", "PromotionStepsConfirmServing", "RollbackStepsRestoreVersion"):
        allowed = allowed_to(made, function, stage)["cloudwatch:PutMetricAlarm"]
        assert {each.rpartition(":alarm:")[2] for each in allowed if "TargetTracking" not in each} == alarms


def test_models_that_do_not_scale_look_after_no_scaling(assembly: Assembly) -> None:
    allowed = allowed_to(assembly, "PromotionStepsConfirmServing")
    assert not [action for action in allowed if action.startswith("application-autoscaling:")]


def test_an_asynchronous_endpoint_reads_and_writes_beside_the_captures_and_nowhere_else(tmp_path: Path) -> None:
    made = synthesized(tmp_path, shape="{kind: async, asynchronous: {notify: true}}")
    template = made.templates[STACK.format(stage="dev")]
    (role,) = [found.id for found in made.resources("AWS::IAM::Role") if found.id.startswith("ExecutionRole")]
    allowed = permissions.policies_of(template, role)
    on_async = [each for each in allowed if any("/tiny/async/*" in resource for resource in each.resources)]
    assert {action for each in on_async for action in each.actions} >= {"s3:GetObject", "s3:PutObject"}
    assert [each for each in allowed if "sns:Publish" in each.actions]
