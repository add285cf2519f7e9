"""What people say on the card, and where runs are told."""

import pytest

from tests.unit.functions.scene import SPEC
from trimtab.errors import SpecError
from trimtab.spec import parse_spec


def test_a_model_without_either_has_an_empty_card_and_no_tracker() -> None:
    spec = parse_spec(SPEC)
    assert spec.card.purpose == ""
    assert not spec.tracking.is_on("dev")


def test_a_tracking_server_may_differ_by_stage() -> None:
    tracking = parse_spec(f"{SPEC}tracking: {{mlflow: {{dev: 'http://localhost:5000'}}}}").tracking
    assert tracking.mlflow_uri("dev") == "http://localhost:5000"
    assert tracking.mlflow_uri("prod") is None
    assert not tracking.is_on("prod")


@pytest.mark.parametrize(
    "tracking",
    ["{mlflow: /srv/mlruns}", "{mlflow: {dev: 'ftp://x'}}", "{mlflow: 'arn:aws:s3:::bucket'}", "{wandb: 'a b'}"],
)
def test_what_is_no_address_is_refused_with_its_line(tracking: str) -> None:
    with pytest.raises(SpecError, match=r"model.yaml:\d+: tracking"):
        parse_spec(f"{SPEC}tracking: {tracking}")


def test_a_risk_is_one_of_sagemakers() -> None:
    with pytest.raises(SpecError, match="risk"):
        parse_spec(f"{SPEC}card: {{risk: low}}")
