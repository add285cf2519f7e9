"""Which alarms should ring by the readings in the ledger: what is waited for before the next day begins."""

from collections.abc import Mapping, Sequence

from trimtab.monitoring.publish_performance import newest_judged
from trimtab.ports import Entry
from trimtab.spec import Spec


def expected(entries: Sequence[Entry], fresh: Sequence[Entry], version: int, spec: Spec) -> Mapping[str, bool]:
    """Whether an alarm should ring, by kind, where one of the ``fresh`` entries is a reading of the serving version."""
    watch = spec.monitoring
    windows = [each.data for each in fresh if each.kind == "window.measured"]
    mine = [data for data in windows if data["version"] == version]
    found = {
        "drift": _beyond([data["max_psi"] for data in mine], watch.psi_limit),
        "prediction": _beyond([data["prediction_psi"] for data in mine], watch.prediction_psi_limit),
        "quality": _beyond(_judged(entries, fresh, version), watch.quality.max_drop),
        "silence": False if windows else None,
    }
    return {kind: rings for kind, rings in found.items() if rings is not None}


def _judged(entries: Sequence[Entry], fresh: Sequence[Entry], version: int) -> list[float | None]:
    """The reading that was put as a metric; nothing when an older window was measured again."""
    newest = newest_judged([each.data for each in entries if each.kind == "quality.measured"], version)
    names = {each.subject for each in fresh if each.kind == "quality.measured"}
    return [newest["reading"]] if newest is not None and newest["window"] in names else []


def _beyond(readings: Sequence[float | None], limit: float) -> bool | None:
    """None without a reading."""
    known = [reading for reading in readings if reading is not None]
    return max(known) > limit if known else None
