import json
import re
from collections.abc import Callable

import pytest

from stacks.asl import call, record_failure
from stacks.synthesis import Template
from stacks.templates import states
from tests.infra.checks import aws_api, data_flow
from tests.infra.conftest import Assembly

MACHINES = {"intake", "training", "promotion", "rollback", "monitoring", "recovery", "baseline"}
BY_PEOPLE = {
    "GatesRelease": {"model", "step", "by", "reason"},
    "BaselineMachine": {"model", "window", "by", "reason"},
}
"""Inputs of machines that no rule starts, as `trimtab` gives them, by the beginning of their logical ids."""


def _tasks(assembly: Assembly) -> list[tuple[str, Template]]:
    return [
        (f"{machine}.{name}", state)
        for machine, definition in assembly.machines().items()
        for name, state in states(definition)
        if state["Type"] == "Task"
    ]


def _inputs(assembly: Assembly) -> dict[str, list[set[str]]]:
    """For each machine's logical id, the field names of every input that a rule or schedule starts it with."""
    found: dict[str, list[set[str]]] = {}
    for rule in assembly.resources("AWS::Events::Rule"):
        for target in rule.properties["Targets"]:
            if "Ref" not in target["Arn"]:
                continue  # a function's
            template = target["InputTransformer"]["InputTemplate"]
            text = template if isinstance(template, str) else json.dumps(template)
            found.setdefault(target["Arn"]["Ref"], []).append(set(re.findall(r'\\?"(\w+)\\?":', text)))
    for schedule in assembly.resources("AWS::Scheduler::Schedule"):
        target = schedule.properties["Target"]
        found.setdefault(target["Arn"]["Ref"], []).append(set(json.loads(target["Input"])))
    for id in (machine.id for machine in assembly.resources("AWS::StepFunctions::StateMachine")):
        found.setdefault(id, []).extend(given for start, given in BY_PEOPLE.items() if id.startswith(start))
    return found


def test_every_model_has_the_seven_machines_and_one_more_where_people_open_gates(assembly: Assembly) -> None:
    names = {
        machine.properties["StateMachineName"] for machine in assembly.resources("AWS::StepFunctions::StateMachine")
    }
    seven = {f"trimtab-dev-{model}-{machine}" for model in ("flights", "tiny", "searched") for machine in MACHINES}
    assert names == seven | {"trimtab-dev-searched-release"}


def test_every_task_has_a_timeout_named_retries_and_a_catch_of_everything(assembly: Assembly) -> None:
    tasks = _tasks(assembly)
    assert len(tasks) > 50
    for name, task in tasks:
        assert task["TimeoutSeconds"] > 0, name
        assert task["Retry"], name
        retried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
        assert not retried & {"States.ALL", "States.TaskFailed"}, f"{name} retries what it cannot name"
        if name.endswith(".ResumeTraining"):  # where a failed execution ends, so that its redrive begins there
            assert "Catch" not in task
            continue
        assert [catch["ErrorEquals"] for catch in task["Catch"]] == [["States.ALL"]], name


def test_every_machine_ends_by_itself_after_a_while(assembly: Assembly) -> None:
    assert all(definition["TimeoutSeconds"] > 0 for definition in assembly.machines().values())


def test_tasks_send_what_the_services_accept(assembly: Assembly) -> None:
    found = [f"{name}: {problem}" for name, task in _tasks(assembly) for problem in aws_api.problems(task)]
    assert found == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda job: job.pop("OutputDataConfig"), "needs OutputDataConfig"),
        (lambda job: job["ResourceConfig"].update(VolumeKmsKey="k"), "has no VolumeKmsKey"),
        (lambda job: job["StoppingCondition"].update(MaxRuntimeInSeconds="3600"), "integer is wanted"),
        (lambda job: job.update(TrainingJobName="$.lease.run"), "does not end in .$"),
        (lambda job: job["AlgorithmSpecification"].update(TrainingInputMode="Stream"), "is not one of"),
    ],
)
def test_a_wrong_parameter_is_noticed(assembly: Assembly, change: Callable[[Template], object], complaint: str) -> None:
    (train,) = [task for name, task in _tasks(assembly) if "flights" in name and name.endswith(".Train")]
    broken = json.loads(json.dumps(train))
    change(broken["Parameters"])
    assert any(complaint in problem for problem in aws_api.problems(broken))


def test_states_read_only_what_every_way_to_them_has_written(assembly: Assembly) -> None:
    inputs = _inputs(assembly)
    for machine, definition in assembly.machines().items():
        for fields in inputs[machine.split("/")[1]]:
            assert data_flow.unwritten(definition, fields) == [], machine


def test_a_state_that_reads_what_was_never_written_is_noticed(assembly: Assembly) -> None:
    definition = json.loads(json.dumps(next(d for name, d in assembly.machines().items() if "Training" in name)))
    definition["States"]["JudgeCandidate"]["Parameters"]["verdict.$"] = "$.judgement"
    found = data_flow.unwritten(definition, {"model", "at", "reason", "cause"})
    assert found == ["JudgeCandidate reads $.judgement, which is not there on every way to it"]


def test_no_state_is_out_of_reach(assembly: Assembly) -> None:
    for machine, definition in assembly.machines().items():
        assert data_flow.unreachable(definition) == set(), machine


def test_executions_hold_references_not_data(assembly: Assembly) -> None:
    for name, task in _tasks(assembly):
        assert task["ResultPath"].startswith("$."), f"{name} replaces the whole data"
        if aws_api.api_call(task["Resource"]):
            assert "ResultSelector" in task, f"{name} keeps a service's whole answer"


def test_machines_are_traced_logged_without_data_and_encrypted(assembly: Assembly) -> None:
    for machine in assembly.resources("AWS::StepFunctions::StateMachine"):
        properties = machine.properties
        assert properties["StateMachineType"] == "STANDARD"
        assert properties["TracingConfiguration"] == {"Enabled": True}
        assert properties["LoggingConfiguration"]["Level"] == "ALL"
        assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert properties["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"


def test_every_function_of_a_model_is_called_by_one_of_its_machines_or_rules(assembly: Assembly) -> None:
    called = {task["Resource"] for _, task in _tasks(assembly) if ":lambda:" in task["Resource"]}
    called |= {str(t["Arn"]) for rule in assembly.resources("AWS::Events::Rule") for t in rule.properties["Targets"]}
    for function in assembly.resources("AWS::Lambda::Function"):
        assert any(function.id in arn for arn in called), function.id


def _told_apart(known: dict[str, Template], name: str) -> list[str]:
    """The state itself, or where a choice between errors leads."""
    if known[name]["Type"] != "Choice":
        return [name]
    return [choice["Next"] for choice in known[name]["Choices"]] + [known[name]["Default"]]


def test_an_error_caught_anywhere_ends_in_a_failed_execution_or_a_closing_step(assembly: Assembly) -> None:
    for machine, definition in assembly.machines().items():
        known = dict(states(definition))
        for name, state in known.items():
            for catch in state.get("Catch", ()):
                kinds = {known[target]["Type"] for target in _told_apart(known, catch["Next"])}
                assert kinds <= {"Task", "Pass", "Fail"}, f"{machine}.{name} swallows errors"


class _Callee:
    arn, timeout_s = "arn:aws:lambda:eu-central-1:111122223333:function:f", 60


def test_a_trail_that_is_not_read_yet_is_asked_again_and_never_makes_the_registry_believed(assembly: Assembly) -> None:
    promotion = dict(states(next(found for name, found in assembly.machines().items() if "Promotion" in name)))
    for name in ("CheckApproval", "CheckApprovalWithoutTrail"):
        retry = next(each for each in promotion[name]["Retry"] if "TrailNotRead" in each["ErrorEquals"])
        assert (retry["ErrorEquals"], retry["MaxAttempts"], retry["MaxDelaySeconds"]) == (["TrailNotRead"], 24, 300)
    believing = promotion["IsApproverUnknown"]
    assert [choice["StringEquals"] for choice in believing["Choices"]] == ["ApproverUnknown"]
    assert believing["Default"] == "CloseUnchecked"


def test_a_look_at_moving_traffic_that_did_not_end_in_time_is_taken_again(assembly: Assembly) -> None:
    every = [dict(states(found)) for name, found in assembly.machines().items() if "Promotion" in name]
    looks = [
        found[name] for found in every for name in ("WatchRollout", "ShiftTraffic", "ReturnTraffic") if name in found
    ]
    assert len(looks) > len(every)
    for look in looks:
        (retry,) = (each for each in look["Retry"] if "Sandbox.Timedout" in each["ErrorEquals"])
        assert retry["ErrorEquals"] == ["Sandbox.Timedout", "States.Timeout"]
        assert retry["MaxAttempts"] == 3


def test_a_task_waits_longer_than_its_function_may_run() -> None:
    state = call(_Callee(), {}, result="$.r", then="End", on_error="RecordFailure")
    assert state["TimeoutSeconds"] > _Callee.timeout_s


def test_recording_a_failure_can_itself_fail_without_a_loop() -> None:
    assert record_failure(_Callee(), "intake")["RecordFailure"]["Catch"][0]["Next"] == "Failed"


def test_who_asks_for_a_training_reaches_the_registry_and_may_be_left_unsaid(assembly: Assembly) -> None:
    definition = next(each for name, each in assembly.machines().items() if "flights" in name and "Training" in name)
    payloads = {name: state["Parameters"] for name, state in states(definition) if "Parameters" in state}
    assert payloads["TakeRequest"]["request.$"] == "$"
    assert payloads["LeaseTraining"]["request.$"] == "$.request"
    assert payloads["RegisterCandidate"]["requested_by.$"] == "$.lease.requested_by"
    assert data_flow.unwritten(definition, {"model", "at"}) == []
    (announced,) = payloads["RequestTraining"]["Entries"]
    assert announced["Detail"]["requested_by.$"] == "$.released.next.requested_by"


def test_a_start_without_an_answer_is_watched_like_any_other(assembly: Assembly) -> None:
    definition = next(each for name, each in assembly.machines().items() if "flights" in name and "Promotion" in name)
    for name in ("CreateEndpoint", "UpdateEndpoint"):
        state = definition["States"][name]
        (catch,) = state["Catch"]
        assert (state["Next"], catch["Next"]) == ("WatchRollout", "WatchRollout")
        assert state["ResultPath"] == catch["ResultPath"] == "$.started"
    assert definition["States"]["WatchRollout"]["Parameters"]["started.$"] == "$.started"
    assert definition["States"]["HasBegun"]["Choices"][0]["Next"] == "NoteNotBegun"
