"""Which reading of drift rings when the model's performance falls, and which rings all the year.

    python -m benchmarks.monitoring.drift_sets [SET ...]

A window **fell** when the frozen model's metric, by all labels that ever came, is worse than at its evaluation by more
than ``monitoring.quality.max_drop``. All features are watched, also where the model's own spec leaves some out. For
the same period as reference, every window becomes a drop of its own for later years, as if it had been dropped.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.monitoring.sets import ALL, SCORE, TIME, Replayed, Window, chosen, fitted
from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.profile import NumberProfile, Profile, profile_table
from trimtab.evaluation.importance import importance
from trimtab.evaluation.kinds import Kind
from trimtab.monitoring.drift import Drift, Observed, measure
from trimtab.monitoring.drift.baseline import SCORE_COLUMN, Baseline
from trimtab.monitoring.drift.seasons import Season, Seasons
from trimtab.monitoring.records import META, record_columns
from trimtab.ports import Entry
from trimtab.spec import Spec

VERSION = 1
SEED = 7
MONTHS = "month"


@dataclass
class Reader:
    """Reads every window against the training rows and, where rows have a time, against the same month of before."""

    replayed: Replayed
    spec: Spec = field(init=False)
    baseline: Baseline = field(init=False)
    seasons: Seasons | None = field(init=False)
    _drops: list[Entry] = field(default_factory=list)
    _profiles: dict[str, Profile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spec = _watching_everything(self.replayed.spec)
        reference = _contract(self.replayed.reference, self.spec)
        columns = {name: self.spec.data.columns[name] for name in self.spec.monitored}
        scores = NumberProfile.of(pa.array(self.replayed.holdout.rows[SCORE]))
        self.baseline = Baseline(
            profile_table(reference, columns, self.spec.data.id),
            Profile(scores.rows, {SCORE_COLUMN: scores}),
            _importance(self.replayed, self.spec),
        )
        self.seasons = Seasons.of(reference, self.spec) if self.spec.data.event_time else None

    def readings(self) -> Iterator[tuple[Window, dict[str, Drift]]]:
        """Each window and its drift by reference, in order of time."""
        before: dict[str, Profile | None] = {}
        for window in self.replayed.windows:
            observed = Observed.of(_records(window, self.spec), VERSION, self.spec)
            found = {"training": measure(observed, self.baseline, self.spec, None, before.get("training"))}
            if self.seasons is not None:
                season = Season(self.spec, self.baseline.profile, self.seasons, self._drops, self._profiles.__getitem__)
                reference = season.reference(observed.period)
                found["same period"] = measure(observed, self.baseline, self.spec, reference, before.get("same period"))
            for name, drift in found.items():
                if drift.columns and not drift.breaks:
                    before[name] = observed.profile
            self._keep(window, observed)
            yield window, found

    def _keep(self, window: Window, observed: Observed) -> None:
        if observed.period is None:
            return
        start, end = (moment.isoformat() for moment in observed.period)
        uri = f"profile of {window.name}"
        self._profiles[uri] = observed.profile
        data = {"kind": "data", "uri": uri, "profile": uri, "period": {"start": start, "end": end}}
        at = datetime.fromisoformat(end)
        self._drops.append(Entry("set", len(self._drops), "drop.accepted", window.name, data, at, "", "", ""))


def _watching_everything(spec: Spec) -> Spec:
    season = {"reference": "same_period", "season": MONTHS} if spec.data.event_time else {}
    watch = {**spec.monitoring.model_dump(), "columns": None, **season}
    return spec.model_copy(update={"monitoring": type(spec.monitoring).model_validate(watch)})


def _importance(replayed: Replayed, spec: Spec) -> dict[str, float]:
    """Permutation importance on the whole hold-out, as the evaluation job measures it on a sample."""
    rows = replayed.holdout.rows[replayed.holdout.rows[spec.data.label].notna()]
    score, kind = fitted(spec, replayed.reference), _kind(spec)
    names = list(spec.data.features)
    shuffled = [
        score(rows.assign(**{name: np.random.default_rng([SEED, place]).permutation(rows[name])})).to_numpy()
        for place, name in enumerate(names)
    ]
    label = rows[spec.data.label].to_numpy(float)
    found = importance(names, label, rows[SCORE].to_numpy(), np.array(shuffled), kind)
    return {name: max(lost, 0.0) for name, lost in found.items()}


def _kind(spec: Spec) -> Kind:
    return Kind(spec.problem, spec.evaluation.primary, quantile=spec.evaluation.quantile)


def _fall(window: Window, replayed: Replayed) -> float:
    """How much worse the quality metric is in a window than on the hold-out."""
    metric, kind = replayed.spec.monitoring.quality.metric, _kind(replayed.spec)
    label = replayed.spec.data.label
    values = []
    for rows in (replayed.holdout.rows, window.rows):
        known = rows[rows[label].notna()]
        values.append(kind.measure(known[label].to_numpy(float), known[SCORE].to_numpy())[metric])
    return float(values[0] - values[1]) * (1 if kind.higher_is_better else -1)


def _contract(rows: pd.DataFrame, spec: Spec) -> pa.Table:
    names = [name for name in record_columns(spec.data) if name in rows]
    types = [pa.field(name, ARROW_TYPES[spec.data.columns[name].type]) for name in names]
    return pa.Table.from_pandas(rows[names], preserve_index=False).cast(pa.schema(types))


def _records(window: Window, spec: Spec) -> pa.Table:
    """A window's rows as monitoring keeps them."""
    rows, contract = window.rows, _contract(window.rows, spec)
    count = len(rows)
    given = {
        "_row": pa.array(np.zeros(count), pa.int32()),
        "_inference_time": pa.array(rows[TIME].dt.tz_convert("UTC"), META["_inference_time"]),
        "_score": pa.array(rows[SCORE], pa.float64()),
        "_version": pa.array(np.full(count, VERSION), pa.int64()),
    }
    return pa.table(given | {name: contract.column(name) for name in contract.column_names})


def _rings(found: dict[str, Drift], limit: float) -> dict[str, bool]:
    """What would ring, by way of reading."""
    rings = {f"PSI of any column over {limit:g}": max(found["training"].psi.values(), default=0.0) > limit}
    for name, drift in found.items():
        rings[f"{name}, any column"] = (drift.reading(limit) or 0.0) > limit
        rings[f"{name}, by importance"] = (drift.weighted_reading(limit) or 0.0) > limit
        rings[f"{name}, a break"] = bool(drift.breaks)
    return rings


def show(replayed: Replayed) -> None:
    """Prints one table: windows that rang and fell, rang without, and fell without."""
    limit, most = replayed.spec.monitoring.psi_limit, replayed.spec.monitoring.quality.max_drop
    reader = Reader(replayed)
    rang: dict[str, list[str]] = {}
    fell = []
    for window, found in reader.readings():
        if _fall(window, replayed) > most:
            fell.append(window.name)
        for way, rings in _rings(found, limit).items():
            rang.setdefault(way, []).extend([window.name] if rings else [])
    print(f"\n{replayed.name}: {len(replayed.windows)} windows; performance fell in {len(fell)}: {', '.join(fell)}")
    weights = sorted(reader.baseline.weights.items(), key=lambda item: -item[1])
    total = sum(reader.baseline.weights.values()) or 1.0
    print("importance: " + ", ".join(f"{name} {weight / total:.2f}" for name, weight in weights[:6]))
    print("| reading | true | false | missed | windows that rang |\n|---|---|---|---|---|")
    for way, windows in rang.items():
        true = len(set(windows) & set(fell))
        named = ", ".join(windows) if len(windows) <= 12 else f"{', '.join(windows[:12])}, ..."
        print(f"| {way} | {true} | {len(windows) - true} | {len(fell) - true} | {named} |", flush=True)


def main() -> None:
    """One table for each set."""
    parser = argparse.ArgumentParser(description="Readings of drift against falls of performance.")
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(ALL)}; all when none is named")
    for replayed in chosen(parser.parse_args().sets, list(ALL)):
        show(replayed)


if __name__ == "__main__":
    main()
