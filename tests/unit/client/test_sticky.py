"""One entity meets one version, and as many entities meet it as its weight says."""

from collections import Counter
from typing import Any

import pytest

from trimtab.client import Sticky, variant_of

PEOPLE = [f"person-{number}" for number in range(20_000)]
SPLIT = {"main": 80.0, "challenger": 20.0}


def test_the_same_entity_gets_the_same_variant_whatever_the_order_of_the_weights() -> None:
    turned = dict(reversed(SPLIT.items()))
    assert [variant_of(each, SPLIT) for each in PEOPLE[:500]] == [variant_of(each, turned) for each in PEOPLE[:500]]
    assert variant_of("person-1", SPLIT) == "main", "a value that must never change between releases"


def test_shares_are_those_of_the_weights() -> None:
    found = Counter(variant_of(each, SPLIT) for each in PEOPLE)
    assert abs(found["challenger"] / len(PEOPLE) - 0.2) < 0.012  # four standard errors


def test_raising_a_challengers_weight_moves_nobody_away_from_it() -> None:
    few = {each for each in PEOPLE if variant_of(each, {"main": 95, "challenger": 5}) == "challenger"}
    many = {each for each in PEOPLE if variant_of(each, {"main": 50, "challenger": 50}) == "challenger"}
    assert few < many


def test_another_experiment_draws_anew() -> None:
    one, other = (
        {each for each in PEOPLE if variant_of(each, SPLIT, salt) == "challenger"} for salt in ("spring", "autumn")
    )
    assert 0.1 < len(one & other) / len(one) < 0.3


def test_a_variant_without_weight_gets_nobody_and_none_at_all_is_an_error() -> None:
    assert {variant_of(each, {"main": 1.0, "challenger": 0.0}) for each in PEOPLE[:200]} == {"main"}
    with pytest.raises(ValueError, match="no variant"):
        variant_of("person-1", {"main": 0.0})


class Gone(Exception):
    """SageMaker's ValidationError."""


class Endpoint:
    """SageMaker with these variants; asking for another one is refused."""

    exceptions = type("exceptions", (), {"ValidationError": Gone})

    def __init__(self, weights: dict[str, float]) -> None:
        self.weights = weights
        self.described = 0
        self.asked: list[str | None] = []

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        self.described += 1
        return {"ProductionVariants": [{"VariantName": n, "CurrentWeight": w} for n, w in self.weights.items()]}

    def invoke_endpoint(self, EndpointName: str, TargetVariant: str | None = None, **_request: Any) -> str:
        if TargetVariant is not None and TargetVariant not in self.weights:
            raise Gone
        self.asked.append(TargetVariant)
        return "answer"


def test_weights_are_read_once_in_a_while_and_one_variant_is_not_named() -> None:
    endpoint, now = Endpoint({"main": 1.0}), [0.0]
    sticky = Sticky(endpoint, endpoint, "flights", clock=lambda: now[0])
    for _ in range(5):
        assert sticky.invoke("person-1", Body=b"") == "answer"
    assert (endpoint.described, set(endpoint.asked)) == (1, {None})
    endpoint.weights, now[0] = SPLIT, 61.0
    sticky.invoke("person-1", Body=b"")
    assert (endpoint.described, endpoint.asked[-1]) == (2, "main")


def test_a_rollout_that_has_ended_meanwhile_costs_nobody_an_answer() -> None:
    endpoint = Endpoint(dict(SPLIT))
    sticky = Sticky(endpoint, endpoint, "flights", clock=lambda: 0.0)
    challenged = next(each for each in PEOPLE if variant_of(each, SPLIT) == "challenger")
    sticky.invoke(challenged, Body=b"")
    endpoint.weights = {"main": 1.0}
    assert sticky.invoke(challenged, Body=b"") == "answer"
    assert endpoint.asked == ["challenger", "main"]
