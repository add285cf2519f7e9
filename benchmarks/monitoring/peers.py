"""What evidently and nannyml say of the same windows, each by its defaults, in an environment of its own."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.environments import PEER_LOCKS, NotInstallable, peer_python
from benchmarks.monitoring.sets import SCORE, TIME, Replayed
from trimtab.column_types import ColumnType

Alerts = dict[str, frozenset[str]]
"""Kinds of alert by window."""


def evidently(replayed: Replayed) -> Alerts:
    """Alerts ``dataset`` (half of the columns have drifted, its default) and ``drift`` (any has)."""
    return _run("evidently", replayed)


def nannyml(replayed: Replayed) -> Alerts:
    """Alerts ``drift`` (any column), ``estimate`` and ``quality``."""
    by_start = _run("nannyml", replayed)
    names = {_start(window.rows, replayed.period): window.name for window in replayed.windows}
    return {names[start]: kinds for start, kinds in by_start.items() if start in names}


def _run(name: str, replayed: Replayed) -> Alerts:
    """Raises NotInstallable when the peer has no environment here."""
    python = peer_python(name)
    with tempfile.TemporaryDirectory() as folder:
        _write(replayed, Path(folder))
        script = str(PEER_LOCKS / f"run_{name}_windows.py")
        done = subprocess.run([str(python), script, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstallable(f"{name} cannot judge {replayed.name}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, dict[str, bool]] = json.loads(done.stdout.splitlines()[-1])
    return {window: frozenset(kind for kind, rings in kinds.items() if rings) for window, kinds in found.items()}


def _write(replayed: Replayed, folder: Path) -> None:
    spec = replayed.spec
    columns = spec.data.columns
    features = [name for name in spec.data.features if columns[name].type is not ColumnType.TIMESTAMP]
    about: dict[str, Any] = {
        "features": features,
        "categories": [n for n in features if columns[n].type is ColumnType.STRING or columns[n].domain is not None],
        "label": spec.data.label,
        "period": replayed.period,
        "regression": spec.problem == "regression",
        "threshold": 0.5,
    }
    (folder / "about.json").write_text(json.dumps(about))
    wanted = [*features, spec.data.label, TIME, SCORE]
    reference = replayed.reference[wanted]
    reference[reference[spec.data.label].notna()].to_parquet(folder / "reference.parquet")
    served = [window.rows[wanted].assign(_window=window.name) for window in replayed.windows]
    pd.concat(served).to_parquet(folder / "served.parquet")


def _start(rows: pd.DataFrame, period: str) -> str:
    """First day of the calendar's period that the rows lie in."""
    return str(rows[TIME].min().tz_localize(None).to_period(period).start_time.date())
