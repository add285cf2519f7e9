"""A model's month on paper: what grows with requests, what does not, and what is not known."""

from typing import Any

import pytest

from trimtab.cost.month import Assumptions, Month, month_of, runs_per_day
from trimtab.cost.prices import Price
from trimtab.spec import Spec, parse_spec

MODEL = """
name: tiny
data:
  id: row
  label: y
  columns: {row: {type: integer}, x: {type: number}, z: {type: number}, y: {type: integer, domain: [0, 1]}}
training: {entry_point: train.py}
"""
STANDING = {"endpoint: instances", "alarms", "composite alarms", "dashboard"}


def spec(**sections: dict[str, Any]) -> Spec:
    plain = parse_spec(MODEL).model_dump(mode="json")
    for name, changes in sections.items():
        plain[name] |= changes
    return Spec.model_validate(plain)


def usd(month: Month) -> dict[str, float]:
    return {line.item: line.usd for line in month.lines}


def test_a_month_at_rest_is_its_instances_and_what_is_watched() -> None:
    found = usd(month_of(spec()))
    assert found["endpoint: instances"] == pytest.approx(2 * 730 * 0.115)
    assert found["dashboard"] == 3
    assert "storage: captured traffic" not in found
    assert sum(value for item, value in found.items() if item not in STANDING) < 1


def test_without_an_endpoint_a_model_costs_what_watches_it() -> None:
    assert month_of(spec(), serves=False).usd < 10
    assert not any(item.startswith("endpoint") for item in usd(month_of(spec(), serves=False)))


def test_what_grows_with_requests_grows_in_proportion() -> None:
    one, ten = usd(month_of(spec(), 1e6)), usd(month_of(spec(), 1e7))
    for item in ("endpoint: data", "storage: captured traffic"):
        assert ten[item] == pytest.approx(10 * one[item])
    assert ten["alarms"] == one["alarms"]
    assert one["functions: time"] < ten["functions: time"] < 10 * one["functions: time"]


def test_only_what_is_captured_is_kept_and_measured() -> None:
    whole, tenth = (usd(month_of(spec(rollout={"capture_percent": share}), 1e6)) for share in (100, 10))
    assert tenth["storage: captured traffic"] == pytest.approx(whole["storage: captured traffic"] / 10)
    assert tenth["endpoint: data"] == whole["endpoint: data"]


def test_a_serverless_endpoint_costs_nothing_while_nobody_asks() -> None:
    serverless = spec(rollout={"endpoint": {"kind": "serverless"}, "capture_percent": 0})
    assert not any(item.startswith("endpoint") for item in usd(month_of(serverless)))
    seconds = 1e6 * 30.4 * 0.010
    assert usd(month_of(serverless, 1e6))["endpoint: time of requests"] == pytest.approx(seconds * 3 * 20e-6)


def test_an_instance_without_a_price_is_named_and_left_out() -> None:
    month = month_of(spec(rollout={"instance_type": "ml.x9.large"}))
    assert month.unknown == ("endpoint: instances",)
    assert "endpoint: instances" not in usd(month)
    assert month.usd == pytest.approx(sum(usd(month).values()))


def test_a_page_of_its_own_may_be_left_out() -> None:
    assert "dashboard" not in usd(month_of(spec(monitoring={"dashboard": False})))


def test_assumptions_are_what_is_computed_with() -> None:
    twice = Assumptions(captured_bytes=2 * Assumptions().captured_bytes)
    before, after = usd(month_of(spec(), 1e6)), usd(month_of(spec(), 1e6, assumed=twice))
    assert after["storage: captured traffic"] == pytest.approx(2 * before["storage: captured traffic"])


def test_programs_get_every_item_with_its_price() -> None:
    told = month_of(spec(), 1e6).to_json()
    assert told["usd"] == pytest.approx(sum(item["quantity"] * item["price"] for item in told["items"]))
    assert (told["currency"], told["prices_of"]) == ("USD", "2025-06-01")


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("rate(1 day)", 1),
        ("rate(2 hours)", 12),
        ("rate(15 minutes)", 96),
        ("cron(0 6 * * ? *)", 1),
        ("cron(0/15 * ? * * *)", 96),
        ("cron(0 8-17 ? * MON-FRI *)", 10),
        ("cron(0,30 0/6 * * ? *)", 8),
    ],
)
def test_runs_follow_the_schedule(schedule: str, runs: float) -> None:
    assert runs_per_day(schedule) == runs


def test_every_price_has_a_unit_and_is_used() -> None:
    used = {line.unit for kind in ("realtime", "serverless") for line in month_of(_of(kind), 1e6).lines}
    assert {price.unit for price in Price} <= used


def _of(kind: str) -> Spec:
    return spec(rollout={"endpoint": {"kind": kind}} | ({"capture_percent": 0} if kind == "serverless" else {}))
