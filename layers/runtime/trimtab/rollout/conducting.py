"""Carries out, one at a time, the moves of a rollout that Trimtab moves itself."""

from dataclasses import dataclass, replace
from datetime import datetime

from trimtab.contracts import Plan, Promotion
from trimtab.ledger.kinds import ROLLOUT_ENTERED, ROLLOUT_GOING_BACK, ROLLOUT_HELD, ROLLOUT_SHADOWED, ROLLOUT_SHIFTED
from trimtab.ports import Endpoints, Ledger, Notifier
from trimtab.rollout.course import Course
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
    notifier: Notifier
    at: datetime

    def perform(self, position: Position) -> Move:
        """The move that was made. A decision to go back is followed at once by the first move on the way back."""
        move = next_move(position)
        if move.act != "back":
            self._act(move, position.course)
            return move
        self._write(
            ROLLOUT_GOING_BACK, {"step": position.course.step, "reasons": [move.why]}, f"going back: {move.why}"
        )
        decided = Course.read(self.ledger, self.promotion.id)
        return self.perform(replace(position, course=decided))

    def _act(self, move: Move, course: Course) -> None:
        """Nothing is done for a move that only waits or ends. What is seen is written down, and then acted upon."""
        if move.act in ("enter", "weigh", "update"):
            ensure_lease(self.ledger, self.promotion)
        if move.act == "enter":
            self._write(ROLLOUT_ENTERED, {"config": move.config}, move.why)
            self.endpoints.update(self.plan.endpoint, move.config)
        elif move.act == "update":
            self.endpoints.update(self.plan.endpoint, move.config)
        elif move.act == "weigh":
            self.endpoints.weigh(self.plan.endpoint, weights(move.percent))
        elif move.act == "note":
            shift = {"step": move.step, "percent": move.percent, "config": move.config, "at": self.at.isoformat()}
            self._write(ROLLOUT_SHIFTED, shift, move.why)
        elif move.act == "shadowed":
            self._write(ROLLOUT_SHADOWED, {"config": self.plan.shadow_config}, move.why)
        elif move.act == "hold" and course.last(ROLLOUT_HELD, step=move.step, why=move.why) is None:
            self._hold(move)

    def _hold(self, move: Move) -> None:
        """Ledger and people know, once for each step and reason, what is waited for and until when."""
        model, version = self.ledger.model, self.promotion.version
        deadline = f"{move.until:%Y-%m-%d %H:%M} UTC" if move.until else "its deadline"
        release = f'trimtab rollout release {model} --reason "..."'
        waits = "a person has to release it" if move.why == "gate" else "the judge cannot tell the versions apart yet"
        abort = f'To end it: trimtab rollout abort {model} --reason "...".'
        watch = f"See what is known: trimtab rollout status {model}."
        self.notifier.send(
            f"rollout of version {version} is held",
            f"Traffic of version {version} stays as it is since {self.at:%Y-%m-%d %H:%M} UTC, at step {move.step}.",
            f"{waits[0].upper()}{waits[1:]}; without that it goes back after {deadline}.",
            f"{watch} {f'To let it go on: {release}. ' if move.why == 'gate' else ''}{abort}",
        )
        until = move.until.isoformat() if move.until else None
        self._write(ROLLOUT_HELD, {"step": move.step, "why": move.why, "until": until}, f"held: {move.why}")

    def _write(self, kind: str, data: dict[str, object], summary: str) -> None:
        said = f"version {self.promotion.version}: {summary}"[:1000]
        self.ledger.append(kind, self.promotion.id, data | {"summary": said}, self.at, ACTOR)
