"""SageMaker's hyperparameter tuning, as an account runs it."""

import pytest

from .account import Account
from .identities import code_of
from .jobs import QUADRATIC, children, short, tuning
from .workshop import Workshop

pytestmark = pytest.mark.sagemaker


@pytest.fixture
def workshop(account: Account) -> Workshop:
    return Workshop(account)


def test_a_tuning_job_counts_its_training_jobs_and_knows_the_best(workshop: Workshop) -> None:
    name = short(workshop, "random")
    workshop.sagemaker.create_hyper_parameter_tuning_job(**tuning(workshop, name))
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == job["ObjectiveStatusCounters"]["Succeeded"] == 4
    rows = children(workshop, name)
    losses = {row["TrainingJobName"]: row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for row in rows}
    assert job["BestTrainingJob"]["TrainingJobName"] == min(losses, key=lambda each: losses[each])
    assert all(each.startswith(f"{name}-00") for each in losses)
    one = workshop.sagemaker.describe_training_job(TrainingJobName=rows[0]["TrainingJobName"])
    assert one["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert one["HyperParameters"]["_tuning_objective_metric"] == "loss"
    assert set(rows[0]["TunedHyperParameters"]) == {"rate"}


def test_bayesian_search_learns_from_its_parent(workshop: Workshop) -> None:
    parent, child = short(workshop, "parent"), short(workshop, "child")
    limits = {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 3}
    workshop.sagemaker.create_hyper_parameter_tuning_job(**tuning(workshop, parent, ResourceLimits=limits))
    best = workshop.ended("hyper_parameter_tuning", parent, 60)["BestTrainingJob"]
    request = tuning(workshop, child, Strategy="Bayesian", ResourceLimits=limits)
    request["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", child, 60)
    final = "FinalHyperParameterTuningJobObjectiveMetric"
    values = [best[final]["Value"], job["BestTrainingJob"][final]["Value"]]
    assert job["OverallBestTrainingJob"][final]["Value"] == min(values)


def test_grid_search_tries_every_combination_and_tolerates_failures(workshop: Workshop) -> None:
    name = short(workshop, "grid")
    values = {"rate": ["0.1", "0.4"], "fail": ["no", "yes"]}
    ranges = {"CategoricalParameterRanges": [{"Name": key, "Values": each} for key, each in values.items()]}
    limits = {"MaxParallelTrainingJobs": 4}
    request = tuning(workshop, name, Strategy="Grid", ParameterRanges=ranges, ResourceLimits=limits)
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"rate": "0.4", "fail": "no"}
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == job["ObjectiveStatusCounters"]["Failed"] == 2


def test_a_job_worse_than_the_median_is_stopped_early(workshop: Workshop) -> None:
    name = short(workshop, "early")
    ranges = {"CategoricalParameterRanges": [{"Name": "rate", "Values": ["0.3", "0.31", "0.32", "0.9"]}]}
    request = tuning(
        workshop,
        name,
        QUADRATIC + "import time; time.sleep(600 if given['rate'] == '0.9' else 0)",
        Strategy="Grid",
        ParameterRanges=ranges,
        ResourceLimits={"MaxParallelTrainingJobs": 1},
        TrainingJobEarlyStoppingType="Auto",
    )
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["TrainingJobStatusCounters"] | {"Completed": 3, "Stopped": 1} == job["TrainingJobStatusCounters"]


def test_hyperband_stops_what_falls_behind_at_its_first_rung(workshop: Workshop) -> None:
    name = short(workshop, "band")
    band = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}}
    script = QUADRATIC.replace("print", "import time; time.sleep(1); print") + "time.sleep(3)"
    limits = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3}
    request = tuning(workshop, name, script, Strategy="Hyperband", StrategyConfig=band, ResourceLimits=limits)
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["TrainingJobStatusCounters"]["Stopped"] >= 1
    assert job["BestTrainingJob"]["TrainingJobStatus"] == "Completed"


def test_a_tuning_job_without_a_success_fails(workshop: Workshop) -> None:
    name = short(workshop, "hopeless")
    limits = {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 5}
    request = tuning(workshop, name, "raise SystemExit(2)", ResourceLimits=limits)
    workshop.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = workshop.ended("hyper_parameter_tuning", name, 60)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts")


def test_a_stopped_tuning_job_stops_its_training_jobs(workshop: Workshop) -> None:
    name = short(workshop, "stopped")
    workshop.sagemaker.create_hyper_parameter_tuning_job(**tuning(workshop, name, "import time; time.sleep(600)"))
    workshop.account.wait_until(lambda: len(children(workshop, name)) == 2)
    workshop.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert workshop.ended("hyper_parameter_tuning", name, 60)["HyperParameterTuningJobStatus"] == "Stopped"
    assert {row["TrainingJobStatus"] for row in children(workshop, name)} == {"Stopped"}


def test_search_that_cannot_be_is_refused(workshop: Workshop) -> None:
    request = tuning(workshop, short(workshop, "refused"), Strategy="Grid")
    assert code_of(workshop.sagemaker.create_hyper_parameter_tuning_job, **request) == "ValidationException"
