"""A staging endpoint of this very promotion is InService, or the reason is told."""

from dataclasses import replace

import pytest

from tests.unit.functions.scene import (
    STAGING,
    PromotionRun,
    Scene,
    approved,
)
from trimtab.errors import EndpointFailed, EndpointNotReady, LeaseLost
from trimtab.ports import EndpointState


def test_staging_is_awaited_and_a_leftover_of_an_earlier_promotion_is_removed_first(scene: Scene) -> None:
    scene.endpoints.endpoints[STAGING] = EndpointState(STAGING, "InService", "trimtab-test-tiny-v0-old")
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    with pytest.raises(EndpointNotReady, match="earlier promotion"):
        run.stage()
    with pytest.raises(EndpointNotReady, match="being created"):
        run.stage()
    with pytest.raises(EndpointNotReady, match="is Creating"):
        run.stage()
    scene.endpoints.settle(STAGING)
    assert run.stage()["endpoint"] == STAGING


def test_a_staging_endpoint_that_cannot_start_ends_the_promotion_with_sagemakers_reason(scene: Scene) -> None:
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    with pytest.raises(EndpointNotReady):
        run.stage()
    live = scene.endpoints.endpoints[STAGING]
    scene.endpoints.endpoints[STAGING] = replace(live, status="Failed", failure="did not pass the ping health check")
    with pytest.raises(EndpointFailed, match="ping health check"):
        run.stage()
    run.close("Failed", '{"Error": "EndpointFailed", "Cause": "{\\"errorMessage\\": \\"ping health check\\"}"}')
    assert scene.endpoints.endpoints == {}
    assert scene.notifier.sent[-1]["why"] == "EndpointFailed: ping health check"


def test_staging_is_made_of_the_approved_artifact_and_a_retry_makes_nothing_twice(scene: Scene) -> None:
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    run.raise_until_ready()
    made = (dict(scene.endpoints.models), dict(scene.endpoints.configs))
    first = run.state["staging"]
    assert run.stage() == first
    assert made == (scene.endpoints.models, scene.endpoints.configs)
    artifact = scene.endpoints.models[first["sagemaker_model"]]["artifact_uri"]
    assert artifact == "s3://artifacts/tiny/runs/run-2/output/model.tar.gz"
    assert scene.endpoints.models[first["sagemaker_model"]]["isolated"] is False, "SageMaker cannot isolate serverless"
    assert "DataCaptureConfig" not in scene.endpoints.configs[first["config"]]


def test_an_execution_whose_lease_passed_on_makes_no_staging(scene: Scene) -> None:
    slow = PromotionRun(scene, "slow")
    slow.check(approved(scene))
    scene.later(days=1)
    PromotionRun(scene, "other").check(approved(scene, "run-3"))
    with pytest.raises(LeaseLost, match="slow lost the lease to other"):
        slow.stage()
    assert scene.endpoints.models == {}
