"""What people read of a failed run."""

import json

import pytest

from trimtab.training.failure import understand

LINE = "your code: train.py:23 in fit: ValueError: could not convert string to float"


def caught(error: str, cause: object) -> str:
    text = cause if isinstance(cause, str) else json.dumps(cause)
    return json.dumps({"Error": error, "Cause": text})


def test_a_training_job_s_own_words_and_its_log() -> None:
    description = {"TrainingJobName": "run-1", "FailureReason": f"AlgorithmError: {LINE}\n, exit code: 1"}
    found = understand(caught("States.TaskFailed", description))
    assert found.message == f"training job run-1: {LINE}\n, exit code: 1"
    link = found.log_link("aws", "eu-central-1")
    assert link is not None
    assert link.startswith("https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:")
    assert link.endswith("log-group/$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Drun-1")


def test_an_evaluation_s_exit_message_comes_before_sagemaker_s() -> None:
    description = {
        "ProcessingJobName": "run-1-eval",
        "ExitMessage": LINE,
        "FailureReason": "See job logs",
    }
    found = understand(caught("States.TaskFailed", description))
    assert found.message == f"evaluation job run-1-eval: {LINE}"
    assert "ProcessingJobs" in str(found.log_link("aws", "eu-central-1"))


def test_a_function_s_error_is_told_by_its_name_and_message() -> None:
    found = understand(caught("SearchFailed", {"errorMessage": "3 of 4 trials failed", "errorType": "SearchFailed"}))
    assert (found.message, found.log_link("aws", "eu-central-1")) == ("SearchFailed: 3 of 4 trials failed", None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("because", "because"),
        ("", ""),
        ("[1]", "[1]"),
        ('{"Error": "States.Timeout"}', "States.Timeout: no cause given"),
    ],
)
def test_whatever_else_was_caught_is_told_as_it_is(text: str, told: str) -> None:
    assert understand(text).message == told


def test_other_partitions_have_consoles_of_their_own() -> None:
    found = understand(caught("States.TaskFailed", {"TrainingJobName": "run-1"}))
    assert str(found.log_link("aws-cn", "cn-north-1")).startswith("https://cn-north-1.console.amazonaws.cn/")
