"""Carries out, one at a time, the moves of a rollout that Trimtab moves itself."""

from dataclasses import dataclass, replace
from datetime import datetime

from trimtab.contracts import Plan, Promotion
from trimtab.ports import Endpoints, Ledger
from trimtab.rollout.course import ENTERED, GOING_BACK, HELD, SHADOWED, SHIFTED, Course
from trimtab.rollout.moves import Move, Position, next_move, weights
from trimtab.rollout.queue import ensure_lease

ACTOR = "shift_traffic"


@dataclass(frozen=True)
class Conductor:
    """Acts for the promotion that holds the lease. Whatever it does may be done again after a crash."""

    promotion: Promotion
    plan: Plan
    endpoints: Endpoints
    ledger: Ledger
    at: datetime

    def perform(self, position: Position) -> Move:
        """The move that was made. A decision to go back is followed at once by the first move on the way back."""
        move = next_move(position)
        if move.act != "back":
            self._act(move, position.course)
            return move
        self._write(GOING_BACK, {"step": position.course.step, "reasons": [move.why]}, f"going back: {move.why}")
        decided = Course.read(self.ledger, self.promotion.id)
        return self.perform(replace(position, course=decided))

    def _act(self, move: Move, course: Course) -> None:
        """Nothing is done for a move that only waits or ends. What is seen is written down, and then acted upon."""
        if move.act in ("enter", "weigh", "update"):
            ensure_lease(self.ledger, self.promotion)
        if move.act == "enter":
            self._write(ENTERED, {"config": move.config}, move.why)
            self.endpoints.update(self.plan.endpoint, move.config)
        elif move.act == "update":
            self.endpoints.update(self.plan.endpoint, move.config)
        elif move.act == "weigh":
            self.endpoints.weigh(self.plan.endpoint, weights(move.percent))
        elif move.act == "note":
            shift = {"step": move.step, "percent": move.percent, "config": move.config, "at": self.at.isoformat()}
            self._write(SHIFTED, shift, move.why)
        elif move.act == "shadowed":
            self._write(SHADOWED, {"config": self.plan.shadow_config}, move.why)
        elif move.act == "hold" and course.last(HELD, step=move.step, why=move.why) is None:
            until = move.until.isoformat() if move.until else None
            self._write(HELD, {"step": move.step, "why": move.why, "until": until}, f"held: {move.why}")

    def _write(self, kind: str, data: dict[str, object], summary: str) -> None:
        said = f"version {self.promotion.version}: {summary}"[:1000]
        self.ledger.append(kind, self.promotion.id, data | {"summary": said}, self.at, ACTOR)
