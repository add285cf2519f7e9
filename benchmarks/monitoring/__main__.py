"""Which alarms ring on the three real sets, ours and others', and which of them mattered.

    python -m benchmarks.monitoring [SET ...] [--no-peers]

A window **fell** when the frozen model's metric, by all labels that ever came, is worse than at its evaluation by more
than ``monitoring.quality.max_drop``: there somebody should act. Alarms elsewhere are false, whatever has moved.
"""

import argparse
from collections.abc import Callable, Collection, Iterable

from benchmarks.environments import NotInstallable
from benchmarks.monitoring import ours, peers
from benchmarks.monitoring.sets import ALL, Replayed, chosen
from trimtab.data.drift.rules import PSI_LIMIT

Alerts = dict[str, frozenset[str]]


def main() -> None:
    """Prints one table for each set."""
    parser = argparse.ArgumentParser(description="Alarms on the three real sets, ours and others'.")
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(ALL)}; all when none is named")
    parser.add_argument("--no-peers", action="store_true", help="without evidently and nannyml")
    given = parser.parse_args()
    for replayed in chosen(given.sets, list(ALL)):
        _show(replayed, with_peers=not given.no_peers)


def _show(replayed: Replayed, *, with_peers: bool) -> None:
    verdicts = ours.judge(replayed)
    limit = replayed.spec.monitoring.quality.max_drop
    fell = [each.window for each in verdicts if (each.quality["drop"] or 0) > limit]
    metric = replayed.spec.monitoring.quality.metric
    print(f"\n{replayed.name}: {len(verdicts)} windows, {metric} fell by more than {limit:g} in {len(fell)}")
    print(f"{'':<34} {'found':>8} {'false':>8}  windows that rang")
    alerts = {each.window: frozenset(each.ringing) for each in verdicts}
    for kind in ours.KINDS:
        _row(f"Trimtab, {kind}", alerts, {kind}, fell)
    _row("any column's PSI over 0.25", {each.window: _fixed(each) for each in verdicts}, {"psi"}, fell)
    if with_peers:
        _peer("evidently", peers.evidently, ("dataset", "drift"), replayed, fell)
        _peer("nannyml", peers.nannyml, ("drift", "estimate", "quality"), replayed, fell)


def _fixed(verdict: ours.Verdict) -> frozenset[str]:
    return frozenset({"psi"} if verdict.largest_psi > PSI_LIMIT else ())


def _peer(
    name: str, ask: Callable[[Replayed], Alerts], kinds: Iterable[str], replayed: Replayed, fell: list[str]
) -> None:
    try:
        alerts = ask(replayed)
    except NotInstallable as error:
        print(f"{name}: {error}")
        return
    for kind in kinds:
        _row(f"{name}, {kind}", alerts, {kind}, fell)


def _row(label: str, alerts: Alerts, kinds: Collection[str], fell: list[str]) -> None:
    rang = sorted(window for window, found in alerts.items() if found & set(kinds))
    found = sum(window in fell for window in rang)
    shown = f"{', '.join(rang[:6])}{' ...' if len(rang) > 6 else ''}"
    print(f"{label:<34} {f'{found}/{len(fell)}':>8} {len(rang) - found:>8}  {shown}")


if __name__ == "__main__":
    main()
