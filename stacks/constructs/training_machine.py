"""From a request to a candidate in the registry, or to the reason why there is none."""

from constructs import Construct

from stacks.asl import (
    THIS_RUN,
    WHY,
    Json,
    States,
    absent,
    announce,
    call,
    choose,
    equals,
    machine,
    present,
    record_failure,
    remember,
    service,
    succeed,
    uncaught,
)
from stacks.constructs.machine import Machine, may_announce, may_run_jobs
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.training_jobs import EVALUATION_S, TrainingJobs, input_of
from stacks.constructs.training_search import search_states
from stacks.constructs.training_steps import NOW, RUN, SAGEMAKER_BUSY, TrainingSteps
from trimtab.contracts import TRAINING_REQUESTED

_NOW = NOW | RUN
_PROVISIONING_S = 3600
"""Seconds that SageMaker may need before and after a job's own time."""


class TrainingMachine(Construct):
    """Owns the machine ``training`` and its functions. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self._jobs = TrainingJobs(parts)
        self._steps = TrainingSteps(self, parts)
        self.functions = self._steps.functions
        self.machine = Machine(
            self,
            "Training",
            name=parts.names.machine("training"),
            definition=self._definition(),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(may_announce(TRAINING_REQUESTED))
        self._allow_jobs()

    def _definition(self) -> Json:
        training = self._parts.spec.training
        states = (
            self._beginning()
            | search_states(training, self._jobs, self._steps)
            | self._making()
            | self._judging()
            | _outcomes()
            | self._ending()
            | record_failure(self._parts.record_failure, "training")
        )
        seconds = 60 * training.making_minutes + EVALUATION_S + 4 * _PROVISIONING_S
        return machine("A candidate is trained, judged and registered.", "TakeRequest", states, timeout_s=seconds)

    def _beginning(self) -> States:
        # The whole input is the request, because a person who starts the machine by hand may leave fields out;
        # whatever else they put in cannot pass for something that an earlier step has made.
        request = {"model.$": "$.model", "at.$": "$.at", "request.$": "$"}
        steps = self._steps
        return {
            "TakeRequest": {"Type": "Pass", "Parameters": request, "Next": "LeaseTraining"},
            "LeaseTraining": call(
                steps.lease_training,
                THIS_RUN | {"request.$": "$.request"},
                result="$.lease",
                then="IsGranted",
                on_error="RecordFailure",
            ),
            "IsGranted": choose(equals("$.lease.granted", True, "BuildDataset"), otherwise="Queued"),
            "Queued": succeed("Another training runs; this request waits in the ledger."),
            "BuildDataset": call(
                steps.build_dataset, THIS_RUN | RUN, result="$.dataset", then="IsReady", on_error="NoteFailure"
            ),
            "IsReady": choose(equals("$.dataset.ready", True, "IsMade"), otherwise="NoteNotReady"),
            "IsMade": self._is_made(),
        }

    def _is_made(self) -> Json:
        """A resumed run does not search or train again what it has already found or trained."""
        trained = present("$.training.artifact_uri", "HasChampion")
        if self._parts.spec.training.tuning is None:
            return choose(trained, otherwise="Train")
        return choose(trained, present("$.search.best", "Train"), otherwise="PlanSearch")

    def _making(self) -> States:
        evaluated = {"then": "JudgeCandidate", "on_error": "NoteFailure"}
        tuning = self._parts.spec.training.tuning
        champion = input_of("champion", {"S3Uri.$": "$.dataset.champion.artifact_uri"})
        return {
            "Train": service(
                "sagemaker:createTrainingJob.sync",
                self._jobs.candidate(tuple(tuning.ranges) if tuning else ()),
                result="$.training",
                selector={"artifact_uri.$": "$.ModelArtifacts.S3ModelArtifacts"},
                then="HasChampion",
                on_error="NoteFailure",
                retries=[SAGEMAKER_BUSY],
                timeout_s=60 * self._parts.spec.training.wait_minutes + _PROVISIONING_S,
            ),
            "HasChampion": choose(absent("$.dataset.champion", "EvaluateAlone"), otherwise="EvaluateWithChampion"),
            "EvaluateAlone": self._evaluate(**evaluated, champion=[]),
            "EvaluateWithChampion": self._evaluate(**evaluated, champion=[champion]),
        }

    def _evaluate(self, *, champion: list[Json], then: str, on_error: str) -> Json:
        return service(
            "sagemaker:createProcessingJob.sync",
            self._jobs.evaluation(champion),
            result="$.evaluation",
            selector={"status.$": "$.ProcessingJobStatus"},
            then=then,
            on_error=on_error,
            retries=[SAGEMAKER_BUSY],
            timeout_s=EVALUATION_S + _PROVISIONING_S,
        )

    def _judging(self) -> States:
        judged = _NOW | {"dataset.$": "$.dataset"}
        made = {
            "judgement.$": "$.judgement",
            "requested_by.$": "$.lease.requested_by",
            "artifact_uri.$": "$.training.artifact_uri",
        }
        registered = "ApproveCandidate" if self._steps.approve_candidate else "NoteRegistered"
        return self._approving(judged) | {
            "JudgeCandidate": call(
                self._steps.judge_candidate, judged, result="$.judgement", then="HasPassed", on_error="NoteFailure"
            ),
            "HasPassed": choose(equals("$.judgement.passed", True, "RegisterCandidate"), otherwise="NoteRefused"),
            "RegisterCandidate": call(
                self._steps.register_candidate,
                judged | made,
                result="$.candidate",
                then=registered,
                on_error="NoteFailure",
            ),
        }

    def _approving(self, judged: Json) -> States:
        """Only where the spec has a rule. Whatever comes of it, the candidate is registered, and waits for people."""
        if self._steps.approve_candidate is None:
            return {}
        package = {"package_arn.$": "$.candidate.package_arn"}
        return {
            "ApproveCandidate": call(
                self._steps.approve_candidate,
                judged | package,
                result="$.approved",
                then="NoteRegistered",
                on_error="NoteRegistered",
            )
        }

    def _ending(self) -> States:
        ended = {
            "fence.$": "$.lease.fence",
            "attempt.$": "$.lease.attempt",
            "outcome.$": "$.end.outcome",
            "reason.$": "$.end.reason",
        }
        return {
            "ReleaseTraining": call(
                self._steps.release_training,
                _NOW | ended,
                result="$.released",
                then="IsNextWaiting",
                on_error="RecordFailure",
            ),
            "IsNextWaiting": choose(absent("$.released.next", "Outcome"), otherwise="RequestTraining"),
            "RequestTraining": announce(TRAINING_REQUESTED, _next_request(), then="Outcome", on_error="RecordFailure"),
            "Outcome": choose(
                equals("$.end.outcome", "Registered", "Registered"),
                equals("$.end.outcome", "Refused", "Refused"),
                equals("$.end.outcome", "NotReady", "NotReady"),
                otherwise="ResumeTraining",
            ),
            "Registered": succeed("The candidate waits for a person's approval."),
            "Refused": succeed("A gate refused the candidate; the champion stays."),
            "NotReady": succeed("The data do not make a training set yet."),
            "ResumeTraining": self._resume(),
        }

    def _resume(self) -> Json:
        """Where the execution of a failed run ends, and where its redrive goes on: with the lease taken anew.

        A Fail state in this place would fail again however often it is redriven.
        """
        redriven = {"redrives.$": "$$.Execution.RedriveCount", "failed_after.$": "$.end.redrives"}
        told = {"reason.$": "$.released.reason", "requested_by.$": "$.lease.requested_by"}
        resumed = call(
            self._steps.resume_training,
            _NOW | redriven | told,
            result="$.lease",
            then="BuildDataset",
            on_error="RecordFailure",
        )
        return uncaught(resumed)

    def _allow_jobs(self) -> None:
        """The machine may start, watch and stop the model's own jobs."""
        parts = self._parts
        own = f"{parts.names.prefix}-*"
        self.machine.allow(
            *may_run_jobs("TrainingJob", "training-job", own), *may_run_jobs("ProcessingJob", "processing-job", own)
        )
        if parts.spec.training.tuning:
            searches = f"{parts.names.search_prefix}-*"
            self.machine.allow(*may_run_jobs("HyperParameterTuningJob", "hyper-parameter-tuning-job", searches))
        parts.execution_role.grant_pass(self.machine.role)


def _next_request() -> Json:
    asked = {f"{field}.$": f"$.released.next.{field}" for field in ("reason", "cause", "requested_by")}
    return {"model.$": "$.model", "at.$": "$$.State.EnteredTime"} | asked


def _outcomes() -> States:
    """How the training ended, in a form that does not depend on where it ended."""
    reasons: States = {
        "NoteRegistered": {"outcome": "Registered", "reason": "all gates passed"},
        "NoteRefused": {"outcome": "Refused", "reason.$": "$.judgement.outcome"},
        "NoteNotReady": {"outcome": "NotReady", "reason.$": "$.dataset.reason"},
        "NoteFailure": {"outcome": "Failed", "reason.$": WHY, "redrives.$": "$$.Execution.RedriveCount"},
    }
    return {name: remember(values, at="$.end", then="ReleaseTraining") for name, values in reasons.items()}
