"""What must stay: what production uses, and what a rollback would need. The rest goes after a grace time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from trimtab.contracts import Promotion
from trimtab.names import ModelNames
from trimtab.ports import Endpoints, EndpointState, Entry
from trimtab.rollout.reigns import Reign, reigns
from trimtab.rollout.served import served_name
from trimtab.spec.after import AfterSpec

_VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def moving_configs(promotion: Promotion, names: ModelNames) -> list[str]:
    """Names of the promotion's configs: the one that serves in the end, and those that traffic is moved with."""
    served = served_name(promotion, names)
    return [served, *(names.served(promotion.version, promotion.tag, how) for how in ("steps", "shadow"))]


def in_use(live: EndpointState | None) -> set[str]:
    """Endpoint configs that serve, or that traffic is moving to."""
    return {config for config in (live.config, live.pending_config) if config} if live else set()


def models_in_use(endpoints: Endpoints, configs: Iterable[str]) -> set[str]:
    """SageMaker models behind ``configs``: one config may serve two, and under other names than its own."""
    return {model for config in configs for model in _models(endpoints.config(config) or {})}


def _models(config: Any) -> set[str]:
    return {str(variant["ModelName"]) for kind in _VARIANTS for variant in config.get(kind, ())}


def outdated(entries: Sequence[Entry], after: AfterSpec, at: datetime) -> list[str]:
    """Configs (and models, of the same names) whose versions served last before the grace time, and are not kept."""
    history = reigns(entries)
    kept = {reign.config for reign in _kept(history, after.keep_versions)}
    grace = timedelta(days=after.grace_days)
    last = {reign.config: reign for reign in history}
    return [
        config
        for config, reign in last.items()
        if config and config not in kept and reign.until is not None and at - reign.until > grace
    ]


def _kept(history: Sequence[Reign], others: int) -> list[Reign]:
    """What serves, and the last reigns of the ``others`` versions that served latest before it."""
    found: dict[int, Reign] = {}
    for reign in reversed(history):
        if reign.version not in found and len(found) <= others:
            found[reign.version] = reign
    return list(found.values())
