"""The rollback machine, step by step, as its definition calls the functions."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    answer_with_x,
    approved,
    function,
    serve_first_version,
)
from trimtab.errors import RolloutInProgress


@dataclass
class RollbackRun:
    """One execution of the rollback machine."""

    scene: Scene
    execution: str = "back"
    state: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, act: str, event_name: str, ports: tuple[Any, ...], **parts: Any) -> dict[str, Any]:
        module = function(name)
        event = getattr(module, event_name).model_validate(self.scene.event(self.execution, **parts))
        return dict(getattr(module, act)(event, self.scene.runtime, *ports))

    def begin(self, to: int = 0, reason: str = "it is worse", **parts: Any) -> dict[str, Any]:
        ports = (self.scene.endpoints, self.scene.alarms, self.scene.registry)
        told = {"to": to, "reason": reason, "by": "arn:aws:iam::1:user/eva", **parts}
        self.state["rollback"] = self.call("begin_rollback", "begin", "BeginRollbackEvent", ports, **told)
        return dict(self.state["rollback"])

    def restore(self) -> dict[str, Any]:
        ports = (self.scene.endpoints, self.scene.alarms, self.scene.registry, self.scene.lineage)
        rollback = self.state["rollback"]
        return self.call("restore_version", "restore", "RestoreVersionEvent", ports, rollback=rollback)

    def close(self, failure: str = "") -> dict[str, Any]:
        return self.call("close_rollback", "end", "CloseRollbackEvent", (self.scene.registry,), failure=failure)

    def restored(self) -> dict[str, Any]:
        """The machine's way from a rollback that began to its end, on an endpoint that does what it is told."""
        for _ in range(10):
            try:
                return self.restore()
            except RolloutInProgress:
                self.scene.endpoints.settle(ENDPOINT)
        raise AssertionError("the endpoint never served what it was told to")


def promote(scene: Scene, run: str, execution: str) -> PromotionRun:
    """One more version is promoted to the end."""
    promotion = PromotionRun(scene, execution)
    promotion.to_plan(approved(scene, run))
    promotion.start()
    scene.endpoints.settle(ENDPOINT)
    promotion.watch()
    promotion.confirm()
    promotion.publish()
    promotion.close("Serving")
    scene.later(days=1)
    return promotion


def serve_two_versions(scene: Scene) -> tuple[PromotionRun, PromotionRun]:
    """Version 2 serves, and version 1 did before."""
    first = serve_first_version(scene)
    scene.endpoints.answer = answer_with_x(2)
    return first, promote(scene, "run-2", "second")
