"""Looks at production and tells of what disagrees. It repairs nothing: who put it so may have had a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from trimtab.ledger.kinds import APPROVAL_CHECKED, ENDPOINT_SLEPT, ENDPOINT_WOKEN, RECONCILED
from trimtab.ledger.lookup import latest
from trimtab.names import VARIANT, ModelNames
from trimtab.ports import Endpoints, Entry, Ledger, MetricsSink, ModelRegistry, Notifier, Package
from trimtab.rollout.baseline import published
from trimtab.rollout.deployment import endpoint_arn
from trimtab.rollout.keeping import models_in_use
from trimtab.rollout.queue import LEASE, waiting
from trimtab.rollout.reconciliation import (
    MEASURING,
    Finding,
    Observed,
    Surroundings,
    Watcher,
    findings,
    pages_of,
    watched,
)
from trimtab.spec import Spec
from trimtab.telemetry import MODEL_DIMENSION, Metric

ACTOR = "reconcile_serving"
_SKEW = timedelta(minutes=5)
"""Between SageMaker's clock and the events'."""


@dataclass(frozen=True)
class Reconciler:
    """One look at one model."""

    at: datetime
    names: ModelNames
    spec: Spec
    keys: Sequence[str]
    """Ids of the keys without which nothing works."""
    ledger: Ledger
    endpoints: Endpoints
    registry: ModelRegistry
    surroundings: Surroundings
    notifier: Notifier
    metrics: MetricsSink

    def look(self) -> dict[str, Any]:
        """Every finding is measured; ledger and people hear of it when the findings are others than before."""
        found = findings(self._observe())
        self.metrics.put(Metric.RECONCILE_FINDINGS, len(found))
        before = _before(self.ledger)
        if {each.name for each in found} != before:
            self._record(found, before)
        return {"outcome": "Disagrees" if found else "Agrees", "found": [each.to_json() for each in found]}

    def _observe(self) -> Observed:
        """What is read one after the other counts as one moment only if nobody has moved production meanwhile."""
        was_busy, champion = self._is_busy(), self.ledger.state("champion")
        seen = self._seen(champion)
        moved = self._is_busy() or self.ledger.state("champion") != champion
        return replace(seen, is_busy=was_busy or moved)

    def _seen(self, champion: Mapping[str, Any] | None) -> Observed:
        entries = self.ledger.entries()
        live = self.endpoints.describe(self.names.endpoint)
        config = self.endpoints.config(live.config) if live else None
        scaling = self.spec.rollout.endpoint.autoscaling
        newest = next(iter(self.registry.packages(self.names.package_group)), None)
        watchers = {metric.value: self._watchers(metric) for metric in watched(self.spec)}
        return Observed(
            at=self.at,
            names=self.names,
            spec=self.spec,
            champion=champion,
            live=live,
            is_busy=False,
            is_asleep=_is_asleep(entries),
            config_exists=live is None or config is not None,
            missing_models=self._missing_models([live.config] if live else []),
            package=self._package(champion),
            newest=newest,
            answered=_answered(entries, newest),
            staging=self.endpoints.describe(self.names.staging_endpoint),
            capture=self.surroundings.capture(self.names.endpoint) if live else None,
            watchers=watchers,
            pages=self._pages(watchers),
            keys={key: self.surroundings.key_state(key) for key in self.keys},
            deployed=self._deployed(champion),
            measured=champion is None or published(entries, int(champion["version"])) is not None,
            scales=scaling is None or live is None or self.surroundings.scales(live.name, VARIANT),
        )

    def _is_busy(self) -> bool:
        held = self.ledger.lease_holder(LEASE)
        return held is not None and held.expires > self.at

    def _deployed(self, champion: Mapping[str, Any] | None) -> str | None:
        arn = champion and endpoint_arn(str(champion["package_arn"]), self.names.endpoint)
        return self.surroundings.deployed(arn) if arn else None

    def _missing_models(self, configs: Sequence[str]) -> list[str]:
        models = sorted(models_in_use(self.endpoints, configs))
        return [f"model {model}" for model in models if self.endpoints.model(model) is None]

    def _package(self, champion: Mapping[str, Any] | None) -> Package | None:
        """The champion's package; None when it is gone."""
        group, arn = self.names.package_group, champion["package_arn"] if champion else ""
        return next((each for each in self.registry.packages(group) if each.arn == arn), None)

    def _watchers(self, metric: Metric) -> Any:
        return self.surroundings.watchers(metric.value, {MODEL_DIMENSION: self.names.model})

    def _pages(self, watchers: Mapping[str, Sequence[Watcher]]) -> list[Watcher]:
        below = [each.name for metric in MEASURING for each in watchers.get(metric, ())]
        return self.surroundings.pages(pages_of(self.names), below) if below else []

    def _record(self, found: Sequence[Finding], before: set[str]) -> None:
        new = [each for each in found if each.name not in before]
        summary = (
            f"{len(found)} disagreements: {'; '.join(each.what for each in found)}" if found else "all agree again"
        )
        if new:
            self.notifier.send(
                f"{len(new)} new disagreements about what serves",
                "; ".join(each.what for each in new),
                "Endpoint, registry, alarms and keys were compared with the ledger. Nothing was changed.",
                "; ".join(each.command for each in new),
            )
        elif not found:
            self.notifier.send("all agree again", summary, "What was found is no more.", "Nothing.")
        data = {"found": [each.to_json() for each in found], "summary": summary}
        self.ledger.append(RECONCILED, self.at.isoformat(), data, self.at, ACTOR)


def _before(ledger: Ledger) -> set[str]:
    entry = latest(ledger, RECONCILED)
    return {str(each["name"]) for each in entry.data["found"]} if entry else set()


def _answered(entries: Sequence[Entry], newest: Package | None) -> bool:
    """The newest version's approval waits for its turn, or was acted upon since it was given."""
    if newest is None:
        return False
    since = (newest.modified or newest.created) - _SKEW
    checked = any(
        entry.kind == APPROVAL_CHECKED and entry.data.get("package_arn") == newest.arn and entry.at >= since
        for entry in entries
    )
    return checked or newest.arn in waiting(entries)


def _is_asleep(entries: Sequence[Entry]) -> bool:
    last = next(
        (entry.kind for entry in reversed(entries) if entry.kind in (ENDPOINT_SLEPT, ENDPOINT_WOKEN)), ENDPOINT_WOKEN
    )
    return last == ENDPOINT_SLEPT
