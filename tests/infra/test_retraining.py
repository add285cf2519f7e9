"""What starts recovery: alarms, truth, the end of what it waits for, and a schedule where the spec has one."""

import json
import shutil

import pytest

from stacks.synthesis import synthesize
from tests.infra.conftest import TINY, Assembly, Resource


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("scheduled")
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    spec = folder / "tiny" / "model.yaml"
    spec.write_text(spec.read_text().replace("retraining: {", "retraining: {schedule: 'cron(0 4 ? * MON *)', "))
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


def asking(assembly: Assembly) -> list[Resource]:
    """Schedules whose target is told a cause."""
    schedules = assembly.resources("AWS::Scheduler::Schedule")
    return [each for each in schedules if "cause" in json.loads(each.properties["Target"]["Input"])]


def test_a_model_is_trained_by_the_clock_only_where_its_spec_says_so(assembly: Assembly, scheduled: Assembly) -> None:
    assert asking(assembly) == []
    (schedule,) = asking(scheduled)
    assert schedule.properties["ScheduleExpression"] == "cron(0 4 ? * MON *)"
    told = json.loads(schedule.properties["Target"]["Input"])
    assert told == {"model": "tiny", "cause": "schedule", "alarm": "", "at": "<aws.scheduler.scheduled-time>"}
    assert "Recovery" in str(schedule.properties["Target"]["Arn"])


def test_recovery_looks_again_whenever_a_monitoring_run_or_a_training_has_ended(assembly: Assembly) -> None:
    rules = [rule for rule in assembly.resources("AWS::Events::Rule") if rule.id.startswith("TriggersLook")]
    assert len(rules) == 3
    for rule in rules:
        detail = rule.properties["EventPattern"]["detail"]
        assert detail["status"] == ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
        monitoring, training = (json.dumps(machine) for machine in detail["stateMachineArn"])
        assert ("Monitoring" in monitoring, "Training" in training) == (True, True)
        (target,) = rule.properties["Targets"]
        assert '"cause":"look"' in target["InputTransformer"]["InputTemplate"]
