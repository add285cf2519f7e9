"""What to tell people of a failed run: whose code failed, where, and where its log is."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_JOBS = {
    "TrainingJobName": ("training job", "/aws/sagemaker/TrainingJobs"),
    "ProcessingJobName": ("evaluation job", "/aws/sagemaker/ProcessingJobs"),
    "HyperParameterTuningJobName": ("search", "/aws/sagemaker/TrainingJobs"),
}
_WORDS_OF_THEIR_OWN = ("AlgorithmError: ", "ClientError: ", "InternalServerError: ")
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_LONGEST = 1_000


@dataclass(frozen=True)
class Failure:
    """A failed step of a run, in words."""

    message: str
    job: str = ""
    log_group: str = ""

    def log_link(self, partition: str, region: str) -> str | None:
        """CloudWatch's page with the streams of the job; None when no job failed."""
        if not self.job:
            return None
        host = f"{region}.{_CONSOLES.get(partition, _CONSOLES['aws'])}"
        page = f"log-groups/log-group/{_twice(self.log_group)}$3FlogStreamNameFilter$3D{_twice(self.job)}"
        return f"https://{host}/cloudwatch/home?region={region}#logsV2:{page}"


def understand(caught: str) -> Failure:
    """The failure in ``caught``, an error of Step Functions as JSON text; unknown forms are told as they are.

    Its Cause is the description of a SageMaker job, the answer of a Lambda function that raised, or plain text.
    """
    error = _parsed(caught)
    if not error:
        return Failure(caught[:_LONGEST])
    cause = _parsed(error.get("Cause"))
    for field, (kind, log_group) in _JOBS.items():
        if field in cause:
            return _of_job(kind, str(cause[field]), log_group, cause)
    said = cause.get("errorMessage") or error.get("Cause") or "no cause given"
    return Failure(f"{error.get('Error', 'Error')}: {said}"[:_LONGEST])


def _of_job(kind: str, job: str, log_group: str, description: dict[str, Any]) -> Failure:
    """A message that the job wrote itself comes before what SageMaker says of it."""
    said = description.get("ExitMessage") or description.get("FailureReason") or "SageMaker gives no reason"
    for word in _WORDS_OF_THEIR_OWN:
        said = said.removeprefix(word)
    return Failure(f"{kind} {job}: {said.strip()}"[:_LONGEST], job, log_group)


def _parsed(text: object) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _twice(text: str) -> str:
    """As the console's addresses want it: encoded twice, with $ for %."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
