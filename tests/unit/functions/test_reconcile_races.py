"""A look at production takes a while, and a promotion that ends meanwhile is no disagreement."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.unit.functions.rollback_run import serve_two_versions
from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, approved
from tests.unit.functions.test_reconcile_serving import Look, QuietSurroundings


@dataclass
class Meanwhile(QuietSurroundings):
    """Something happens between what a look reads first and what it reads last."""

    happens: Callable[[], object] = field(default=lambda: None)

    def capture(self, endpoint: str) -> str | None:
        self.happens()
        return super().capture(endpoint)


def arrived(scene: Scene) -> PromotionRun:
    """Version 3 answers everything, and nobody has written that down yet."""
    serve_two_versions(scene)
    run = PromotionRun(scene, "third")
    run.to_plan(approved(scene, "run-3"))
    run.start()
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    return run


def finish(run: PromotionRun) -> None:
    run.confirm()
    run.publish()
    run.close("Serving")


def test_a_promotion_that_ends_during_a_look_is_no_disagreement(scene: Scene) -> None:
    run = arrived(scene)
    look = Look(scene, Meanwhile(happens=lambda: finish(run)))
    assert look() == {}
    assert scene.ledger.entries("reconciled") == []


def test_nor_is_one_that_comes_and_goes_between_two_readings(scene: Scene) -> None:
    run = arrived(scene)
    lease = scene.ledger.lease_holder("promotion")
    assert lease is not None
    scene.ledger.release("promotion", lease.holder, lease.fence)

    def retaken() -> None:
        scene.ledger.lease("promotion", lease.holder, scene.now, 60)
        finish(run)

    assert Look(scene, Meanwhile(happens=retaken))() == {}


def test_what_disagrees_while_nobody_moves_anything_is_still_found(scene: Scene) -> None:
    run = arrived(scene)
    lease = scene.ledger.lease_holder("promotion")
    assert lease is not None
    scene.ledger.release("promotion", lease.holder, lease.fence)
    assert "config-unrecorded" in Look(scene)(), run
