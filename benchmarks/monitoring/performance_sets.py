"""Performance on the three real sets, window by window: estimated before truth, measured after it, slices and groups.

    python -m benchmarks.monitoring.performance_sets [SET ...]

The functions are those that the deployed monitoring calls, with the limits of the models' own specs. The columns
``reading`` are what an alarm sees: a drop that is more than chance.
"""

import argparse
import time
from dataclasses import replace
from typing import Any

import pyarrow as pa

from benchmarks.monitoring import ours
from benchmarks.monitoring.sets import ALL, SCORE, Replayed, Window, chosen
from trimtab.data.profile import NumberProfile, Profile
from trimtab.evaluation.cells import Cut, cross, cut
from trimtab.evaluation.draws import Blocked
from trimtab.monitoring.answered import Answered, with_truth
from trimtab.monitoring.bias import judge, pooled, tally
from trimtab.monitoring.estimate import estimate, held_against, track_record
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.slices import Json
from trimtab.spec import Spec

USUAL = ("flights", "income-deliveries", "traffic")
LEAST = 100
THRESHOLD = 0.5


def main() -> None:
    """Prints one table for each set."""
    parser = argparse.ArgumentParser(description="Performance on the three real sets.")
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(ALL)}; {', '.join(USUAL)} when none is named")
    for replayed in chosen(parser.parse_args().sets, USUAL):
        _show(replayed)


def _show(replayed: Replayed) -> None:
    spec, metric = replayed.spec, replayed.spec.monitoring.quality.metric
    reference = with_slices(replayed.holdout, spec)
    scores = Profile(len(replayed.holdout.rows), {"score": NumberProfile.of(pa.array(replayed.holdout.rows[SCORE]))})
    then = reference.of_metric(metric)
    assert then is not None
    print(f"\n{replayed.name}: {metric} at evaluation {then.value:.4f} [{then.lo:.4f}, {then.hi:.4f}], ", end="")
    print(f"design effect {reference.design_effect:.2f}, limit {spec.monitoring.quality.max_drop:g}")
    print("window          n     estimate [interval]           reading  measured [interval]           reading  slices")
    held, began = [], time.process_time()
    for window in replayed.windows:
        records = ours.records_of(window, spec)
        estimated = estimate(records, reference, scores, spec).to_json()
        quality = measure_window(window.name, records, ours.VERSION, reference, spec).to_json()
        later = held_against(estimated, quality["metrics"].get(metric))
        held += [later] if later else []
        print(_row(window.name, estimated, quality, later))
    record, seconds = track_record(held), time.process_time() - began
    print(f"estimates that held: {record['within']} of {record['windows']}, missed by {record['mean_missed_by']:+.4f}")
    print(f"{seconds / max(1, len(replayed.windows)):.1f} processor seconds a window")
    _groups(replayed, reference)


def _row(name: str, estimated: Json, quality: Json, later: Json | None) -> str:
    mark = "" if later is None or later["within"] else "*"
    fallen = ", ".join(f"{each}" for each in quality["slices_fallen"]) or "-"
    return (
        f"{name:<12} {quality['n']:>6}  {_between(estimated['estimate'], estimated['interval']):<28}{mark:1}"
        f"{_number(estimated['estimate_reading']):>8}  "
        f"{_between(quality['metrics'].get(estimated['metric']), quality['interval']):<28}"
        f"{_number(quality['reading']):>8}  {fallen}"
    )


def _between(value: float | None, interval: Any) -> str:
    if value is None or interval is None or interval[0] is None:
        return "-"
    return f"{value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _groups(replayed: Replayed, reference: Reference) -> None:
    """Findings by attribute over all windows, each pooled as the spec asks."""
    spec = replayed.spec
    if not spec.protected:
        return
    counted = [
        tally(window.name, ours.records_of(window, spec), reference.threshold, spec) for window in replayed.windows
    ]
    print("groups: attribute measure group/reference, windows in which it is proven, ratios or differences there")
    found: dict[tuple[str, str, str, str, bool], list[float]] = {}
    for place, newest in enumerate(counted):
        for each in judge(pooled(newest, reversed(counted[:place]), spec), spec).findings:
            key = (each.attribute, each.measure, each.group, each.reference, bool(each.accepted))
            found.setdefault(key, []).append(each.value)
    for (attribute, kind, group, against, accepted), values in sorted(found.items()):
        note = " (accepted)" if accepted else ""
        print(f"  {attribute:<9} {kind:<18} {group} against {against}: {len(values)} of {len(counted)}", end="")
        print(f", {min(values):.3f} to {max(values):.3f}{note}")
    thin = {(name, group) for one in counted for name, group in _thin(one, spec)}
    print(f"  thin in some window, never judged there: {', '.join(f'{n}={g}' for n, g in sorted(thin)) or 'none'}")


def _thin(counted: Any, spec: Spec) -> list[tuple[str, str]]:
    return [(name, group) for name, each in judge(counted, spec).attributes.items() for group in each["thin"]]


def with_slices(holdout: Window, spec: Spec) -> Reference:
    """What the evaluation would have written, declared slices too."""
    plain, records = ours.evaluated(holdout, spec), with_truth(ours.records_of(holdout, spec))
    answered = Answered.of(records, plain, spec)
    assert answered is not None
    slices = [_slice(answered, parts, place) for parts in _cuts(answered, spec) for place in range(len(parts.names))]
    effect = answered.draws.design_effect if isinstance(answered.draws, Blocked) else 1.0
    return replace(plain, slices=[each for each in slices if each], design_effect=max(1.0, effect), threshold=THRESHOLD)


def _cuts(answered: Answered, spec: Spec) -> list[Cut]:
    table = answered.table
    named = [[name.strip() for name in each.split("*")] for each in spec.evaluation.slices]
    cuts = [
        [cut(name, table.column(name)) for name in names] for names in named if set(names) <= set(table.column_names)
    ]
    return [parts[0] if len(parts) == 1 else cross(*parts) for parts in cuts]


def _slice(answered: Answered, parts: Cut, place: int) -> Json:
    rows = parts.members(place)
    if len(rows) < LEAST:
        return {}
    found = answered.parts.estimate(rows)
    metrics = {answered.kind.primary: found.value}
    named = {"name": parts.names[place], "columns": list(parts.columns), "declared": True}
    return named | {"metrics": metrics, "interval": [found.lo, found.hi]}


if __name__ == "__main__":
    main()
