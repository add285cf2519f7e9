"""The search for hyperparameters: a SageMaker tuning job between the dataset and the training."""

from stacks.asl import WHY, Json, States, absent, call, choose, service
from stacks.constructs.training_jobs import TrainingJobs, as_text
from stacks.constructs.training_steps import NOW, RUN, SAGEMAKER_BUSY, TrainingSteps
from trimtab.authoring.names import OBJECTIVE, TRIAL_ENVIRONMENT
from trimtab.spec import TrainingSpec
from trimtab.spec.tuning import Range, TuningSpec

_SCALES = {"auto": "Auto", "linear": "Linear", "log": "Logarithmic", "reverse_log": "ReverseLogarithmic"}
_PROVISIONING_S = 3600
"""Seconds that SageMaker may need before and after the search's own time."""


def search_states(training: TrainingSpec, jobs: TrainingJobs, steps: TrainingSteps) -> States:
    """From PlanSearch to Train; none for a model that does not search.

    A search begins with what the last one has learnt where the spec wants it.
    """
    tuning = training.tuning
    if tuning is None or steps.search is None:
        return {}
    request = _request(training, tuning, jobs)
    parents = [{"HyperParameterTuningJobName.$": "$.plan.parent"}]
    warm = {"WarmStartConfig": {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "TransferLearning"}}
    plan_search, read_search = steps.search
    found = NOW | RUN | {"search_job.$": "$.plan.job"}
    return {
        "PlanSearch": call(
            plan_search,
            NOW | RUN | {"job.$": "$.lease.job"},
            result="$.plan",
            then="IsWarm",
            on_error="NoteFailure",
        ),
        "IsWarm": choose(absent("$.plan.parent", "SearchAnew"), otherwise="SearchOn"),
        "SearchAnew": _search(tuning, request),
        "SearchOn": _search(tuning, request | warm),
        "ReadSearch": call(read_search, found, result="$.search", then="Train", on_error="NoteFailure"),
        # A search that failed is read too: its trials know why.
        "ReadFailedSearch": call(
            read_search, found | {"failure.$": WHY}, result="$.search", then="Train", on_error="NoteFailure"
        ),
    }


def _search(tuning: TuningSpec, request: Json) -> Json:
    return service(
        "sagemaker:createHyperParameterTuningJob.sync",
        request,
        result="$.searched",
        selector={"status.$": "$.HyperParameterTuningJobStatus"},
        then="ReadSearch",
        on_error="ReadFailedSearch",
        retries=[SAGEMAKER_BUSY],
        timeout_s=60 * tuning.minutes + _PROVISIONING_S,
    )


def _request(training: TrainingSpec, tuning: TuningSpec, jobs: TrainingJobs) -> Json:
    config = {
        "Strategy": tuning.strategy.capitalize(),
        "HyperParameterTuningJobObjective": {"Type.$": "$.plan.direction", "MetricName": OBJECTIVE},
        "ResourceLimits": _limits(training, tuning),
        "ParameterRanges": _ranges(tuning),
        "RandomSeed": training.seed,
        **_stopping_early(tuning),
    }
    return {
        "HyperParameterTuningJobName.$": "$.plan.job",
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": jobs.trial(TRIAL_ENVIRONMENT),
    }


def _limits(training: TrainingSpec, tuning: TuningSpec) -> Json:
    """A grid is as large as it is: SageMaker takes no other number for it."""
    jobs = {} if tuning.strategy == "grid" else {"MaxNumberOfTrainingJobs": training.max_trials}
    parallel = min(tuning.parallel, training.max_trials)
    return jobs | {"MaxParallelTrainingJobs": parallel, "MaxRuntimeInSeconds": 60 * tuning.minutes}


def _stopping_early(tuning: TuningSpec) -> Json:
    if tuning.strategy == "hyperband":
        band = {"MinResource": tuning.min_resource, "MaxResource": tuning.max_resource}
        return {"StrategyConfig": {"HyperbandStrategyConfig": band}}
    return {"TrainingJobEarlyStoppingType": "Auto" if tuning.early_stopping else "Off"}


def _ranges(tuning: TuningSpec) -> Json:
    kinds: dict[str, list[Json]] = {}
    for name, each in sorted(tuning.ranges.items()):
        if not isinstance(each, Range):
            values = [as_text(value) for value in each]
            kinds.setdefault("CategoricalParameterRanges", []).append({"Name": name, "Values": values})
            continue
        kind = "IntegerParameterRanges" if each.is_whole else "ContinuousParameterRanges"
        bounds = {"MinValue": str(each.min), "MaxValue": str(each.max), "ScalingType": _SCALES[each.scale]}
        kinds.setdefault(kind, []).append({"Name": name, **bounds})
    return dict(kinds)
