"""Lambda's rules: variables, limits, concurrency, retries of asynchronous events."""

from dataclasses import replace

import pytest

from localcloud.clients import Credentials
from localcloud.lambda_.assets import UNZIPPED_LIMIT_BYTES, unzipped_bytes
from localcloud.lambda_.asynchronous import Event, Policy, Verdict, next_step, policy_of
from localcloud.lambda_.checks import (
    Refused,
    check_configuration,
    check_destinations,
    check_size,
    check_supported,
)
from localcloud.lambda_.concurrency import ACCOUNT_LIMIT, Concurrency, Throttled
from localcloud.lambda_.engine import Response
from localcloud.lambda_.launch import log_stream
from localcloud.lambda_.memory import parse_status
from localcloud.lambda_.reporting import dimension_sets
from localcloud.lambda_.specification import FunctionSpec, LogSettings
from localcloud.lambda_.variables import Places, Wiring, environment_variables
from localcloud.lambda_.xray import segment_document

from .test_lambda_outcome import SPEC

PLACES = Places("/var/task", "/opt", "/var/runtime", "/tmp")
WIRING = Wiring("127.0.0.1:9", 7, "http://127.0.0.1:4566", "127.0.0.1:2000", "s", Credentials("ASIA", "k", "token"))
EVENT = Event("us-east-1", "count", None, b"{}", "id", None, received=1000.0)
POLICY = policy_of({}, None)
FAILED = Response(b"{}", True, b"")


def variables(spec: FunctionSpec = SPEC, places: Places = PLACES) -> dict[str, str]:
    return environment_variables(spec, places, WIRING)


def test_nothing_of_the_host_gets_into_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    assert "SECRET_OF_THE_HOST" not in variables()


def test_packages_are_found_in_the_order_of_lambda() -> None:
    assert variables()["PYTHONPATH"].split(":") == [
        "/var/task",
        "/opt/python/lib/python3.12/site-packages",
        "/opt/python",
        "/var/runtime",
    ]


def test_an_overlay_stands_before_what_it_replaces() -> None:
    assert variables(places=replace(PLACES, overlay="/var/overlay"))["PYTHONPATH"].startswith("/var/overlay:/var/task:")


def test_a_functions_own_variables_cannot_change_what_aws_fixes() -> None:
    spec = replace(SPEC, variables=(("AWS_REGION", "mars"), ("TZ", "CET"), ("AWS_ENDPOINT_URL", "http://x")))
    made = variables(spec)
    assert (made["AWS_REGION"], made["TZ"], made["AWS_ENDPOINT_URL"]) == ("us-east-1", "CET", "http://x")


def test_credentials_are_those_of_the_role() -> None:
    assert variables()["AWS_SESSION_TOKEN"] == "token"


def test_a_shared_log_group_has_the_functions_name_in_the_stream() -> None:
    shared = replace(SPEC, log=LogSettings("/shared", custom_group=True))
    assert log_stream(SPEC, "ab", "2026/01/02") == "2026/01/02/[$LATEST]ab"
    assert log_stream(shared, "ab", "2026/01/02") == "2026/01/02/count[$LATEST]ab"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"MemorySize": 64}, "greater than or equal to 128"),
        ({"MemorySize": 20_000}, "less than or equal to 10240"),
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"A": "x" * 5000}}}, "exceeded the 4KB limit"),
        ({"Layers": ["a"] * 6}, "up to 5 layers"),
    ],
)
def test_values_outside_of_awss_limits_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(Refused, match=message):
        check_configuration(given)


@pytest.mark.parametrize(
    "given",
    [
        {"PackageType": "Image"},
        {"FileSystemConfigs": [{"Arn": "x"}]},
        {"SnapStart": {"ApplyOn": "PublishedVersions"}},
    ],
)
def test_what_would_be_recorded_and_ignored_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(NotImplementedError):
        check_supported(given)


def test_an_ordinary_configuration_passes() -> None:
    given = {"MemorySize": 256, "Timeout": 30, "SnapStart": {"ApplyOn": "None"}, "PackageType": "Zip"}
    check_supported(given)
    check_configuration(given)
    check_size(lambda: UNZIPPED_LIMIT_BYTES)


def test_code_that_is_not_a_zip_file_is_refused() -> None:
    with pytest.raises(Refused, match="Could not unzip"):
        check_size(lambda: unzipped_bytes(b"not a zip"))


def test_more_code_than_lambda_takes_is_refused() -> None:
    with pytest.raises(Refused, match="exceeds the maximum allowed size of 262144000 bytes"):
        check_size(lambda: UNZIPPED_LIMIT_BYTES + 1)


def test_a_destination_that_nothing_is_sent_to_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="arn:aws:s3:::bucket"):
        check_destinations({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}})


def test_reserved_concurrency_is_per_function_and_freed() -> None:
    concurrency = Concurrency()
    with concurrency.taken("a", 1) as running:
        assert running == 1
        with pytest.raises(Throttled) as refused, concurrency.taken("a", 1):
            pass
        assert refused.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
        with concurrency.taken("b", None):
            pass
    with concurrency.taken("a", 1):
        pass


def test_a_function_with_no_concurrency_never_runs() -> None:
    with pytest.raises(Throttled), Concurrency().taken("a", 0):
        pass


def test_the_account_has_a_limit_too() -> None:
    concurrency = Concurrency()
    held = [concurrency.taken(str(number), None) for number in range(ACCOUNT_LIMIT)]
    for one in held:
        one.__enter__()
    with pytest.raises(Throttled) as refused, concurrency.taken("more", None):
        pass
    assert refused.value.reason == "ConcurrentInvocationLimitExceeded"


def test_a_success_ends_an_event() -> None:
    response = Response(b"1", False, b"")
    assert next_step(replace(EVENT, attempts=1), response, POLICY, 1001.0) == Verdict("Success", response)


@pytest.mark.parametrize(("attempts", "wait"), [(1, 60.0), (2, 120.0)])
def test_a_failed_event_is_retried_after_one_and_then_two_minutes(attempts: int, wait: float) -> None:
    event = replace(EVENT, attempts=attempts)
    assert next_step(event, FAILED, POLICY, 1001.0) == (event, wait)


def test_an_event_that_failed_three_times_is_exhausted() -> None:
    assert next_step(replace(EVENT, attempts=3), FAILED, POLICY, 1001.0) == Verdict("RetriesExhausted", FAILED)


def test_no_retries_means_none() -> None:
    policy = policy_of({"MaximumRetryAttempts": 0}, None)
    assert next_step(replace(EVENT, attempts=1), FAILED, policy, 1001.0) == Verdict("RetriesExhausted", FAILED)


def test_an_event_that_would_be_too_old_is_not_retried() -> None:
    policy = policy_of({"MaximumEventAgeInSeconds": 60}, None)
    assert next_step(replace(EVENT, attempts=1), FAILED, policy, 1001.0) == Verdict("EventAgeExceeded", FAILED)


def test_throttles_are_retried_ever_more_slowly_and_do_not_count_as_attempts() -> None:
    waits = []
    event = EVENT
    for _ in range(10):
        step = next_step(event, None, POLICY, 1000.0)
        assert isinstance(step, tuple)
        event, wait = step
        waits.append(wait)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert event.attempts == 0


def test_a_policy_has_awss_defaults() -> None:
    assert Policy(2, 21_600.0, None, None, None) == POLICY


def test_memory_that_the_kernel_can_drop_does_not_count_against_the_limit() -> None:
    memory = parse_status(
        "Name:\tx\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nRssAnon:\t 1 kB\nRssFile:\t   51200 kB\n"
    )
    assert memory is not None
    assert (memory.peak_mb, memory.resident_mb, memory.unreclaimable_mb) == (200, 100, 50)
    assert parse_status("Name:\tzombie\n") is None


def test_a_segment_comes_after_the_daemons_header() -> None:
    assert segment_document(b'{"format":"json","version":1}\n{"id":"a"}') == '{"id":"a"}'


def test_what_an_alias_runs_is_counted_by_version_too() -> None:
    by_alias = dimension_sets("f", "f:live", "3")
    seen = [[one["Value"] for one in dimensions] for dimensions in by_alias]
    assert seen == [[], ["f"], ["f", "f:live"], ["f", "f:live", "3"]]
    assert len(dimension_sets("f", "f:3", "3")) == len(dimension_sets("f", "f", "$LATEST")) == 3
