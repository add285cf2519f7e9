"""The ModelRegistry contract, on SageMaker (moto) and on the fake."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.fakes import MemoryRegistry
from trimtab.aws.registry import SageMakerRegistry
from trimtab.ports import ModelRegistry, Package

GROUP = "trimtab-test-tiny"


@pytest.fixture(params=["sagemaker", "memory"])
def registry(request: pytest.FixtureRequest, aws: None) -> Iterator[ModelRegistry]:
    if request.param == "memory":
        yield MemoryRegistry()
        return
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    yield SageMakerRegistry(sagemaker)


def register(registry: ModelRegistry, run: str, **changes: Any) -> Package:
    request: dict[str, Any] = {
        "artifact_uri": f"s3://artifacts/tiny/runs/{run}/output/model.tar.gz",
        "image_uri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
        "evaluation_uri": f"s3://artifacts/tiny/runs/{run}/evaluation/evaluation.json",
        "properties": {"run": run, "dataset": "d" * 64},
        "description": "all gates passed",
        "environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        "token": run,
    }
    return registry.register(GROUP, **(request | changes))


def test_a_new_package_waits_for_a_person(registry: ModelRegistry) -> None:
    package = register(registry, "run-1")
    assert (package.version, package.status) == (1, "PendingManualApproval")
    assert package.properties["run"] == "run-1"
    assert package.artifact_uri.endswith("run-1/output/model.tar.gz")
    assert registry.describe(package.arn) == package


def test_a_retried_request_gives_the_same_version(registry: ModelRegistry) -> None:
    first = register(registry, "run-1")
    other = register(registry, "run-2")
    again = register(registry, "run-1", description="another text")
    assert (first.arn, first.version) == (again.arn, again.version)
    assert other.version == 2


def test_packages_are_listed_newest_first(registry: ModelRegistry) -> None:
    for number in (1, 2, 3):
        register(registry, f"run-{number}")
    assert [package.version for package in registry.packages(GROUP)] == [3, 2, 1]


def test_a_reopened_package_waits_for_approval_and_says_why(registry: ModelRegistry) -> None:
    package = register(registry, "run-1")
    registry.reject(package.arn, "no")
    registry.reopen(package.arn, "1 of 2 approvals")
    found = registry.describe(package.arn)
    assert (found.status, found.description) == ("PendingManualApproval", "1 of 2 approvals")


def test_a_rejected_package_says_why(registry: ModelRegistry) -> None:
    package = register(registry, "run-1")
    registry.reject(package.arn, "rolled back: errors in the canary")
    found = registry.describe(package.arn)
    assert found.status == "Rejected"
    assert found.description == "rolled back: errors in the canary"
