"""What the windows of a version are compared with: made from the record of its promotion, and published once."""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from trimtab.contracts import Promotion
from trimtab.ledger.kinds import BASELINE_PUBLISHED
from trimtab.ledger.lookup import decided
from trimtab.ports import Entry, Ledger, ObjectStore


def baseline_of(promotion: Promotion, config: str, objects: ObjectStore) -> dict[str, Any]:
    """Training rows, scores and evaluation of the version. Raises FileNotFoundError when its evaluation is gone."""
    measured = json.loads(objects.read(promotion.evaluation_uri))["metrics"]["candidate"]
    return {
        "version": promotion.version,
        "config": config,
        "baseline_uri": promotion.baseline_uri,
        "scores_profile_uri": promotion.scores_profile_uri,
        "evaluation_uri": promotion.evaluation_uri,
        "metrics": {name: float(value) for name, value in measured.items() if _is_number(value)},
    }


def _is_number(value: Any) -> bool:
    """Whether it is a metric that was measured; of classes, each one's own figures stand beside the metrics."""
    return isinstance(value, int | float) and math.isfinite(value)


def record_baseline(
    ledger: Ledger, promotion: str, baseline: dict[str, Any], at: datetime, actor: str
) -> dict[str, Any]:
    """What later windows are compared with is ``baseline``, of the version that serves now."""
    if found := decided(ledger, BASELINE_PUBLISHED, promotion):
        return dict(found)
    data = baseline | {"summary": f"windows are compared with version {baseline['version']} from now on"}
    ledger.append(BASELINE_PUBLISHED, promotion, data, at, actor, state={"baseline": baseline})
    return data


def published(entries: Iterable[Entry], version: int) -> dict[str, Any] | None:
    """The baseline that was last published for the version; None when none ever was, and nothing measures it."""
    known = [entry.data for entry in entries if entry.kind == BASELINE_PUBLISHED and entry.data["version"] == version]
    return {name: value for name, value in known[-1].items() if name != "summary"} if known else None
