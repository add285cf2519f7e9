"""Hyperparameter tuning jobs: training jobs of our own making, chosen one after another, and the best of them."""

import itertools
import random
import time
import uuid
from typing import Final

from localcloud.sagemaker import jobs, listing, quotas
from localcloud.sagemaker.errors import (
    JobFailedError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
    UnsupportedError,
    ValidationError,
)
from localcloud.sagemaker.jobs import ENDED, Job
from localcloud.sagemaker.quotas import Usage
from localcloud.sagemaker.service import Operation, Record, Region, Request, public
from localcloud.sagemaker.training import TrainingJob
from localcloud.sagemaker.tuning_search import (
    Choice,
    Dimension,
    Point,
    Trial,
    dimensions,
    draw,
    grid,
    halving_rule,
    likely,
    median_rule,
)

_LOOK_SECONDS = 0.1
_TRIES_WITHOUT_SUCCESS = 5
_OBJECTIVE = "_tuning_objective_metric"
_CONFIG_MEMBERS: Final = frozenset(
    {
        "Strategy", "StrategyConfig", "HyperParameterTuningJobObjective", "ResourceLimits", "ParameterRanges",
        "TrainingJobEarlyStoppingType", "TuningJobCompletionCriteria", "RandomSeed",
    }
)  # fmt: skip
_DEFINITION_MEMBERS: Final = frozenset(
    {
        "StaticHyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "VpcConfig",
        "OutputDataConfig", "ResourceConfig", "StoppingCondition", "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig", "RetryStrategy",
        "Environment",
    }
)  # fmt: skip
_COUNTED: Final = {"InProgress": "InProgress", "Stopping": "InProgress", "Completed": "Completed", "Stopped": "Stopped"}


class TuningJob(Job):
    """One hyperparameter tuning job."""

    kind = "HyperParameterTuningJob"
    segment = "hyper-parameter-tuning-job"
    event = "SageMaker HyperParameter Tuning Job State Change"
    missing = "Amazon SageMaker can't find a tuning job with name {name}."
    missing_error = ResourceNotFoundError
    members = frozenset(
        {
            "HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition", "WarmStartConfig",
            "Tags",
        }
    )  # fmt: skip
    summary = (
        "HyperParameterTuningJobName", "HyperParameterTuningJobArn", "HyperParameterTuningJobStatus", "Strategy",
        "CreationTime", "HyperParameterTuningEndTime", "LastModifiedTime", "TrainingJobStatusCounters",
        "ObjectiveStatusCounters", "ResourceLimits",
    )  # fmt: skip

    def __init__(self, region: Region, record: Record) -> None:
        super().__init__(region, record)
        self.config: Record = record["HyperParameterTuningJobConfig"]
        self._space = dimensions(self.config.get("ParameterRanges", {}))
        self._rng = random.Random(self.config.get("RandomSeed", self.name))
        self._grid = list(grid(self._space)) if self.config["Strategy"] == "Grid" else []
        self._numbers = itertools.count(1)
        self._trained: dict[str, TrainingJob] = {}
        objective = self.config["HyperParameterTuningJobObjective"]
        self._metric = str(objective["MetricName"])
        self._sign = -1.0 if objective["Type"] == "Maximize" else 1.0
        self._parents = [trial for name in _parents(record) for trial in _trials(region, name, self._sign, self._space)]
        self._count()

    @classmethod
    def check(cls, region: Region, request: Request) -> None:
        """Only what can run here is accepted."""
        config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
        if definition is None:
            raise UnsupportedError("a tuning job without TrainingJobDefinition (several definitions)")
        unknown = sorted((set(config) - _CONFIG_MEMBERS) | (set(definition) - _DEFINITION_MEMBERS))
        if unknown or "AutoParameters" in config.get("ParameterRanges", {}):
            raise UnsupportedError(f"{', '.join(unknown) or 'AutoParameters'} in CreateHyperParameterTuningJob")
        _check_config(config)
        metrics = [each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
        if config["HyperParameterTuningJobObjective"]["MetricName"] not in metrics:
            raise ValidationError("The objective metric is not one of the MetricDefinitions of the training jobs.")
        for name in _parents(request):
            if jobs.find(cls, region, name)["HyperParameterTuningJobStatus"] not in ENDED:
                raise ValidationError(f"Parent tuning job {name} has not ended.")
        probe = _training_request(request, "probe", {})
        TrainingJob.check(region, probe)
        region.require_role(definition["RoleArn"], region.arn(cls.segment, request["HyperParameterTuningJobName"]))
        each = TrainingJob.usage_of(probe)
        parallel = config["ResourceLimits"]["MaxParallelTrainingJobs"]
        wanted = Usage({name: count * parallel for name, count in each.items()})
        quotas.require(region, wanted, request["HyperParameterTuningJobName"])

    @classmethod
    def usage_of(cls, _request: Request) -> Usage:
        """None of its own: its training jobs have theirs."""
        return Usage()

    def stop(self, status: str = "Stopped") -> None:
        """No training job begins any more, and those that run are stopped."""
        super().stop(status)
        self._stop_children()

    def _stop_children(self) -> None:
        for job in self._running():
            self._stop_child(job)

    def _stop_child(self, job: Record) -> None:
        with self.region.lock:
            if job["TrainingJobStatus"] == "InProgress":
                jobs.stop(TrainingJob, self.region, job["TrainingJobName"])

    def run(self) -> None:
        """The limit of training jobs is reached, or the job was stopped, or one of its criteria holds."""
        started = time.monotonic()
        limit = self.config["ResourceLimits"].get("MaxRuntimeInSeconds")
        while not self._is_complete():
            if limit is not None and time.monotonic() - started > limit:
                break
            self._launch()
            self._stop_early()
            self._count()
            self.stop_asked.wait(_LOOK_SECONDS)
        self._wind_up(time.monotonic() - started)

    def _wind_up(self, seconds: float) -> None:
        while self._running():
            self._stop_children()
            time.sleep(_LOOK_SECONDS)
        self.record["ConsumedResources"] = {"RuntimeInSeconds": round(seconds)}
        self._count()
        if not self.stopped_as and "BestTrainingJob" not in self.record:
            attempts = min(len(self._children()), _TRIES_WITHOUT_SUCCESS)
            raise JobFailedError(
                f"No training job succeeded after {attempts} attempts. For additional details, please take a look at "
                "the training job failures by listing training jobs for the hyperparameter tuning job."
            )
        self.change("Stopped" if self.stopped_as else "Completed")

    def _is_complete(self) -> bool:
        """Nothing is left to be begun, and nothing runs."""
        if self.stopped_as or self._criteria_hold():
            return True
        ended = [job for job in self._children() if job["TrainingJobStatus"] in ENDED]
        hopeless = len(ended) >= _TRIES_WITHOUT_SUCCESS and all(job["TrainingJobStatus"] == "Failed" for job in ended)
        return hopeless or (self._is_exhausted() and not self._running())

    def _is_exhausted(self) -> bool:
        limits = self.config["ResourceLimits"]
        most = int(limits.get("MaxNumberOfTrainingJobs", len(self._grid)))
        return len(self._children()) >= (min(most, len(self._grid)) if self._grid else most)

    def _criteria_hold(self) -> bool:
        criteria = self.config.get("TuningJobCompletionCriteria", {})
        scores = [trial.score for trial in self._own_trials() if trial.score is not None]
        if not scores:
            return False
        target = criteria.get("TargetObjectiveMetricValue")
        if target is not None and bool(min(scores) <= self._sign * float(target)):
            return True
        patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
        since_best = len(scores) - 1 - scores.index(min(scores))
        return patience is not None and since_best >= int(patience)

    def _launch(self) -> None:
        """As many training jobs run as may at once; one that a quota forbids is begun later."""
        parallel = self.config["ResourceLimits"]["MaxParallelTrainingJobs"]
        while not self.stopped_as and not self._is_exhausted() and len(self._running()) < parallel:
            name = f"{self.name}-{next(self._numbers):03d}-{uuid.uuid4().hex[:8]}"
            request = _training_request(self.record, name, self._choose())
            with self.region.lock:
                try:
                    jobs.create(TrainingJob, self.region, request)
                except ResourceLimitExceededError:
                    return
                job = self.region.live_jobs[self.region.arn(TrainingJob.segment, name)]
                job.record["TuningJobArn"] = self.arn
            if isinstance(job, TrainingJob):
                self._trained[name] = job

    def _choose(self) -> Point:
        strategy = self.config["Strategy"]
        if strategy == "Grid":
            return self._grid[len(self._children())]
        if strategy == "Bayesian":
            return likely(self._space, [*self._parents, *self._own_trials()], self._rng)
        return draw(self._space, self._rng)

    def _stop_early(self) -> None:
        """Jobs that promise too little are stopped: by the median rule, or by Hyperband's."""
        band = self.config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
        automatic = self.config.get("TrainingJobEarlyStoppingType", "Off") == "Auto"
        if self.config["Strategy"] != "Hyperband" and not automatic:
            return
        readings = {name: self._readings(job) for name, job in self._trained.items()}
        finished = [
            readings[job["TrainingJobName"]] for job in self._children() if job["TrainingJobStatus"] == "Completed"
        ]
        for job in self._running():
            own = readings[job["TrainingJobName"]]
            if self.config["Strategy"] == "Hyperband":
                falls = halving_rule(own, list(readings.values()), int(band.get("MinResource", 1)))
                falls = falls or len(own) >= int(band.get("MaxResource", len(own) + 1))
            else:
                falls = median_rule(own, finished)
            if falls:
                self._stop_child(job)

    def _readings(self, job: TrainingJob) -> list[float]:
        return [self._sign * value for value in job.readings.get(self._metric, [])]

    def _children(self) -> list[Record]:
        return children(self.region, self.arn)

    def _running(self) -> list[Record]:
        return [job for job in self._children() if job["TrainingJobStatus"] not in ENDED]

    def _own_trials(self) -> list[Trial]:
        return _trials(self.region, self.name, self._sign, self._space)

    def _count(self) -> None:
        """The record's counters and best job are those of the present."""
        summaries = [_summary(self.record, job) for job in self._children()]
        states = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
        objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
        for summary in summaries:
            states[_COUNTED.get(summary["TrainingJobStatus"], "NonRetryableError")] += 1
            objectives[summary["ObjectiveStatus"]] += 1
        self.record.update(
            TrainingJobStatusCounters=states,
            ObjectiveStatusCounters=objectives,
            Strategy=self.config["Strategy"],
            ResourceLimits=self.config["ResourceLimits"],
        )
        if best := self._best(summaries):
            self.record["BestTrainingJob"] = best
        parents = [self.region.jobs[self.kind][name].get("BestTrainingJob") for name in _parents(self.record)]
        if parents and (overall := self._best([*summaries, *(each for each in parents if each)])):
            self.record["OverallBestTrainingJob"] = overall

    def _best(self, summaries: list[Record]) -> Record | None:
        good = [each for each in summaries if each.get("ObjectiveStatus") == "Succeeded"]
        final = "FinalHyperParameterTuningJobObjectiveMetric"
        return min(good, key=lambda each: self._sign * each[final]["Value"], default=None)


def children(region: Region, tuning_arn: str) -> list[Record]:
    """The records of a tuning job's training jobs, in order of creation."""
    return [job for job in list(region.jobs[TrainingJob.kind].values()) if job.get("TuningJobArn") == tuning_arn]


def _parents(request: Request) -> list[str]:
    parents = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    return [str(each["HyperParameterTuningJobName"]) for each in parents]


def _trials(region: Region, tuning: str, sign: float, space: list[Dimension]) -> list[Trial]:
    """What a tuning job has tried and found; jobs that failed, or lack a dimension of this space, are left out."""
    record = jobs.find(TuningJob, region, tuning)
    found = []
    for job in children(region, record["HyperParameterTuningJobArn"]):
        summary = _summary(record, job)
        value = summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
        if summary["ObjectiveStatus"] != "Failed" and all(each.name in job["HyperParameters"] for each in space):
            ended = summary["ObjectiveStatus"] == "Succeeded"
            point = {each.name: job["HyperParameters"][each.name] for each in space}
            found.append(Trial(point, sign * value if ended else None))
    return found


def _summary(tuning: Record, job: Record) -> Record:
    """One row of ListTrainingJobsForHyperParameterTuningJob."""
    objective = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    values = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    value, ended = values.get(objective["MetricName"]), job["TrainingJobStatus"] in ENDED
    good = ended and value is not None and job["TrainingJobStatus"] != "Failed"
    names = (
        "TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime",
        "TrainingJobStatus", "FailureReason",
    )  # fmt: skip
    static = {*tuning["TrainingJobDefinition"].get("StaticHyperParameters", {}), _OBJECTIVE}
    summary = {name: job[name] for name in names if name in job}
    summary |= {
        "TuningJobName": tuning["HyperParameterTuningJobName"],
        "TunedHyperParameters": {key: text for key, text in job["HyperParameters"].items() if key not in static},
        "ObjectiveStatus": "Succeeded" if good else "Failed" if ended else "Pending",
    }
    if good:
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = {**objective, "Value": value}
    return summary


def _training_request(tuning: Request, name: str, point: Point) -> Request:
    definition = tuning["TrainingJobDefinition"]
    objective = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    static = definition.get("StaticHyperParameters", {})
    request = {key: value for key, value in definition.items() if key != "StaticHyperParameters"}
    return {**request, "TrainingJobName": name, "HyperParameters": {**static, **point, _OBJECTIVE: objective}}


def _check_config(config: Record) -> None:
    if "HyperParameterTuningJobObjective" not in config:
        raise ValidationError("HyperParameterTuningJobObjective is required with TrainingJobDefinition.")
    limits, strategy = config["ResourceLimits"], config["Strategy"]
    try:
        space = dimensions(config.get("ParameterRanges", {}))
    except ValueError as error:
        raise ValidationError(str(error)) from error
    if not space:
        raise ValidationError("At least one hyperparameter must have a range.")
    if strategy == "Grid" and not all(isinstance(each, Choice) for each in space):
        raise ValidationError("Grid search takes categorical hyperparameters only.")
    if strategy != "Grid" and "MaxNumberOfTrainingJobs" not in limits:
        raise ValidationError("MaxNumberOfTrainingJobs is required unless the strategy is Grid.")
    if limits["MaxParallelTrainingJobs"] > limits.get("MaxNumberOfTrainingJobs", limits["MaxParallelTrainingJobs"]):
        raise ValidationError("MaxParallelTrainingJobs must not be greater than MaxNumberOfTrainingJobs.")
    if strategy == "Hyperband" and config.get("TrainingJobEarlyStoppingType", "Off") == "Auto":
        raise ValidationError("TrainingJobEarlyStoppingType must be Off with Hyperband, which stops jobs itself.")
    if "ConvergenceDetected" in config.get("TuningJobCompletionCriteria", {}):
        raise UnsupportedError("ConvergenceDetected in TuningJobCompletionCriteria")


def list_children(region: Region, request: Request) -> Record:
    """The training jobs of a tuning job."""
    tuning = jobs.find(TuningJob, region, request["HyperParameterTuningJobName"])
    rows = [_summary(tuning, job) for job in children(region, tuning["HyperParameterTuningJobArn"])]
    final = "FinalHyperParameterTuningJobObjectiveMetric"
    if request.get("SortBy") == final:
        known = sorted((row for row in rows if final in row), key=lambda row: float(row[final]["Value"]))
        rows = known[::-1] if request.get("SortOrder") == "Descending" else known
        request = {key: value for key, value in request.items() if key not in ("SortBy", "SortOrder")}
    return _CHILDREN(region, {**request, "rows": rows}) or {}


_CHILDREN = listing.operation(
    listing.Listing(
        records=lambda _region, request: request["rows"],
        answer="TrainingJobSummaries",
        name="TrainingJobName",
        members=(
            "TrainingJobName", "TrainingJobArn", "TuningJobName", "CreationTime", "TrainingStartTime",
            "TrainingEndTime", "TrainingJobStatus", "TunedHyperParameters", "FailureReason",
            "FinalHyperParameterTuningJobObjectiveMetric", "ObjectiveStatus",
        ),
        status="TrainingJobStatus",
    )
)  # fmt: skip
_HIDDEN = ("Strategy", "ResourceLimits")


def describe(region: Region, request: Request) -> Record:
    """The tuning job, without what only lists show."""
    record = jobs.find(TuningJob, region, request["HyperParameterTuningJobName"])
    return {key: value for key, value in public(record).items() if key not in _HIDDEN}


OPERATIONS: dict[str, Operation] = {
    **jobs.operations(TuningJob),
    "DescribeHyperParameterTuningJob": describe,
    "ListTrainingJobsForHyperParameterTuningJob": list_children,
}
