"""Names that SageMaker and CloudFormation must accept, whatever the model is called."""

from stacks.stage import STAGES
from trimtab.names import ModelNames, model_stack_name
from trimtab.training.queue import job_name

LONGEST_MODEL = "m" * 18
LONGEST_STAGE = max(STAGES, key=len)
SAGEMAKER_LIMIT = 63
EXECUTION = "0f7c1c5e-2b1f-4a5e-9f3e-1234567890ab"


def test_the_longest_names_fit_into_sagemakers_limit() -> None:
    names = ModelNames(LONGEST_STAGE, LONGEST_MODEL)
    run = names.run("20260131235959", EXECUTION)
    longest = [
        names.evaluation_job(run),
        names.served(99_999, "0123456789", "staging"),
        names.staging_endpoint,
        names.package_group,
    ]
    assert max(map(len, longest)) <= SAGEMAKER_LIMIT


def test_machines_and_stacks_stay_below_their_limits() -> None:
    assert len(ModelNames(LONGEST_STAGE, LONGEST_MODEL).machine("monitoring")) <= 80
    assert len(model_stack_name(LONGEST_STAGE, LONGEST_MODEL)) <= 128


def test_every_name_of_a_model_starts_with_its_prefix() -> None:
    names = ModelNames("dev", "flights")
    made = (names.endpoint, names.staging_endpoint, names.package_group, names.machine("intake"), names.served(1, "a"))
    assert all(name.startswith(names.prefix) for name in made)


def test_a_search_has_a_name_that_sagemaker_has_room_for() -> None:
    names = ModelNames("production", "a" * 18)
    run = names.run("20260101120000", "4b1d-11111111")
    assert len(names.search(run)) <= 32
    assert names.search(run).startswith(f"{names.search_prefix}-")
    assert names.search(run) != names.search(f"{run}-r1")
    assert names.search_prefix != ModelNames("dev", "a" * 18).search_prefix


def test_the_jobs_of_a_resumed_run_have_names_that_sagemaker_has_room_for() -> None:
    names = ModelNames("staging", "a" * 18)
    run = names.run("20260101120000", "4b1d-11111111")
    assert len(names.evaluation_job(job_name(run, 12))) <= 63
    assert len({job_name(run, attempt) for attempt in range(13)}) == 13
