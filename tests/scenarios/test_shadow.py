"""A shadow to its end: everybody is answered by the old version, and the report says where both differ."""

import math
from collections.abc import Iterator

import pytest

from tests.local.conftest import LocalCloud, own_cloud
from tests.scenarios.successors import Successor, learn
from tests.scenarios.world import World, production
from tests.unit.functions.scene import function
from trimtab.rollout.progress import newest

__all__ = ["own_cloud"]

OLD, NEW = learn(1), learn(3)
MINUTES = 10


@pytest.fixture(scope="module")
def world(own_cloud: LocalCloud) -> Iterator[World]:
    with production(own_cloud, OLD) as made:
        yield made


def page(world: World) -> str:
    """The report as close_promotion writes it."""
    told = newest(world.scene.ledger.entries())
    assert told is not None
    module = function("close_promotion")
    given = world.scene.event(told.promotion.id, promotion=told.promotion.model_dump(mode="json"))
    uri = module.report(module.ClosePromotionEvent.model_validate(given), world.scene.runtime, world.scene.measurements)
    return world.scene.objects.read(uri).decode()


def difference(x: float, new: Successor, old: Successor) -> float:
    return new.intercept - old.intercept + (new.slope - old.slope) * x


def test_a_shadow_serves_nobody_and_its_report_pairs_both_versions_answers_by_record(world: World) -> None:
    before = world.scene.live()
    ended = world.promote(NEW, strategy="shadow", shadow={"minutes": MINUTES, "then": "nothing"}, per_second=40)
    judgement = world.judgement()
    print(f"\nshadow: {ended}; {judgement.message}")
    assert (ended.outcome, ended.failed) == ("Shadowed", 0), ended
    after = world.scene.live()
    assert after is not None
    assert before is not None
    assert (after.status, after.config) == ("InService", before.config)
    pairs = judgement.pairs
    assert pairs is not None
    assert pairs.count >= ended.asked / 4, "most of the requests while it ran were mirrored"
    ends = [abs(difference(x, NEW, OLD)) for x in (0, 1)]
    assert 0 < pairs.mean_absolute <= max(ends)
    assert math.isclose(abs(pairs.widest[0].difference), max(ends), rel_tol=0.05)
    assert "asked of both versions" in page(world)
    assert pairs.widest[0].record in page(world)
