"""A rollout on paper: what would happen, when, and at what cost, without anything being moved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.contracts import Plan
from trimtab.errors import PlanError
from trimtab.ports import EndpointState
from trimtab.rollout.planning import exclusions, request_of
from trimtab.rollout.rollback_alarms import ERRORS, STOP, alarm_name
from trimtab.spec.prices import AS_OF, CURRENCY, price_per_hour
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.timetable import GUARDED, fleets_started, holding_s, waiting_s

PROVISIONING_ESTIMATE_S = 480
"""Estimated seconds that starting a fleet takes; SageMaker publishes no figure, and large models take longer."""


@dataclass(frozen=True)
class Preview:
    """The plan with what people want to know before they approve."""

    plan: Plan
    rollout: RolloutSpec
    live: EndpointState | None
    alarms: Mapping[str, str]
    """State by name of the author's own alarms; one that does not exist is absent."""
    image_uri: str = ""
    is_absent: bool = False
    """The champion's endpoint does not exist; ``live`` is what it will be once it is made again."""

    @property
    def refusals(self) -> list[str]:
        """Why the rollout would not begin; empty when nothing is in its way."""
        found = [*exclusions(self.rollout, self.live, self.image_uri), *self._endpoint(), *self._alarms()]
        return [*found, *self._limits()]

    def _endpoint(self) -> Iterator[str]:
        if self.live is not None and self.live.status != "InService":
            yield f"{self.live.name} is {self.live.status}: a rollout waits until it is InService"

    def _alarms(self) -> Iterator[str]:
        for name in self.rollout.alarms:
            state = self.alarms.get(name, "missing")
            if state != "OK":
                yield f"alarm {name} is {state}: each of rollout.alarms must be OK"

    def _limits(self) -> Iterator[str]:
        try:
            request_of(self.plan.model_copy(update={"alarms": self.alarm_names}), self.rollout)
        except PlanError as error:
            yield str(error)

    @property
    def alarm_names(self) -> tuple[str, ...]:
        """Those that Trimtab makes for the new fleet, and the author's own."""
        if self.live is None:
            return ()
        made = (alarm_name(self.plan.config, ERRORS), alarm_name(self.plan.config, STOP))
        return (*made, *self.rollout.alarms)

    @property
    def notes(self) -> list[str]:
        """What is true and easily overlooked."""
        return list(self._notes())

    def _notes(self) -> Iterator[str]:
        if self.live is None:
            yield "nothing serves yet: the first version is compared with nothing, and there is nothing to go back to"
            return
        if self.is_absent:
            yield f"{self.live.name} does not exist: it is made again on {self.live.config} before traffic moves"
        if self.plan.instances > self.rollout.instance_count:
            yield f"{self.plan.instances} instances serve now, more than the spec's: as many are kept"
        if self.rollout.moved_by in ("canary", "linear", "rolling") and self.rollout.endpoint.kind != "serverless":
            yield "SageMaker counts in whole instances, so a share of traffic is rounded up to the next one"
        if not self.rollout.bake_minutes and self.rollout.moved_by in GUARDED:
            yield "without a bake nothing is compared before all traffic has moved"
        if self.rollout.on_inconclusive == "proceed":
            yield "on_inconclusive is proceed: traffic moves on although nothing can be said of the new version"

    @property
    def seconds(self) -> dict[str, int]:
        """Estimate of provisioning, bakes and shadow as planned, and the longest that holds may add."""
        if self.live is None:
            return {"provisioning_estimated": PROVISIONING_ESTIMATE_S, "watching": 0, "holding_at_most": 0}
        shadow_s = self.rollout.shadow.minutes * 60 if self.rollout.strategy == "shadow" else 0
        return {
            "provisioning_estimated": (fleets_started(self.rollout) + self.is_absent) * PROVISIONING_ESTIMATE_S,
            "watching": shadow_s + waiting_s(self.rollout),
            "holding_at_most": holding_s(self.rollout),
        }

    @property
    def cost(self) -> float | None:
        """Of the second fleet while both run, holds not counted; None when no price is known or none is paid for."""
        price = price_per_hour(self.rollout.instance_type)
        if price is None or self.live is None or not self.plan.instances:
            return None
        batch = self.rollout.percent / 100 if self.rollout.moved_by == "rolling" else 1.0
        hours = (self.seconds["provisioning_estimated"] + self.seconds["watching"]) / 3600
        return round(price * self.plan.instances * batch * hours, 2)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "version": self.plan.config.rpartition("-v")[2].partition("-")[0],
            "action": self.plan.action,
            "endpoint": self.plan.endpoint,
            "serves_now": self.plan.previous_config,
            "strategy": self.rollout.strategy,
            "then": self.rollout.moved_by if self.rollout.strategy == "shadow" else None,
            "gate_before_the_start": self.rollout.gate,
            "steps": list(self.plan.steps),
            "instances": self.plan.instances,
            "seconds": self.seconds,
            "alarms": {name: self.alarms.get(name, "made when the rollout begins") for name in self.alarm_names},
            "cost_of_overlap": self.cost,
            "currency": CURRENCY,
            "prices_as_of": AS_OF,
            "refused": self.refusals,
            "notes": self.notes,
        }
