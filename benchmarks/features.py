"""`python -m benchmarks.features`: one request of twenty columns, read and transformed as at serving.

Beside it the same record read only, and scikit-learn's own transformers on a ready table of one row. CPU time.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from trimtab.authoring.contract import Contract, Feature
from trimtab.authoring.inference import Served
from trimtab.authoring.predictors import Predictor
from trimtab.authoring.records import read_records
from trimtab.features import Training, learn_features
from trimtab.features.author import Author
from trimtab.spec import FeaturesSpec

ROWS, TURNS, CALLS = 2_000, 7, 200
NUMBERS, LEVELS, TIMES = (
    [f"{kind}{number}" for number in range(count)] for kind, count in (("n", 12), ("c", 6), ("t", 2))
)
RULES = (
    {"columns": NUMBERS, "steps": [{"do": "impute", "indicator": True}, "scale"]},
    {"columns": LEVELS[:5], "steps": ["one_hot"]},
    {"columns": LEVELS[5], "steps": ["target_encode"]},
    {"columns": TIMES, "steps": [{"do": "cyclic", "parts": ["hour", "month"], "zone": "America/New_York"}]},
)


def main() -> None:
    """The figures have been printed."""
    columns = made(np.random.default_rng(0))
    types = dict.fromkeys(NUMBERS, "number") | dict.fromkeys(LEVELS, "string") | dict.fromkeys(TIMES, "timestamp")
    label = np.arange(ROWS) % 2
    declared = FeaturesSpec.model_validate({"rules": RULES}).model_dump(mode="json")
    fitted, _ = learn_features(declared, types, columns, Training.of(label, "binary", None, 0), Author())
    contract = Contract("id", None, "y", tuple(Feature(name, type_, nullable=True) for name, type_ in types.items()))
    served = Served(cast(Predictor, None), contract, features=fitted)
    record = {name: float(columns[name][0]) if name in NUMBERS else str(columns[name][0]) for name in columns}
    body = json.dumps({"id": 1} | record)
    table, theirs = pd.DataFrame(columns), scikit_learn(columns, label)
    ways: dict[str, Callable[[], object]] = {
        "read": lambda: read_records(body, contract),
        "read and transformed": lambda: served.table(read_records(body, contract)),
        "scikit-learn, without times": lambda: theirs.transform(table.iloc[:1]),
    }
    taken = in_turn(ways)
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for name, milliseconds in taken.items():
        print(f"{name:28} {milliseconds:7.3f} ms  x{milliseconds / taken['read and transformed']:.2f}")


def made(random: np.random.Generator) -> dict[str, Any]:
    """Twelve numbers, six columns of thirty texts, two times."""
    found: dict[str, Any] = {name: random.normal(size=ROWS) for name in NUMBERS}
    found |= {name: np.array([f"v{each}" for each in random.integers(0, 30, ROWS)], dtype=object) for name in LEVELS}
    start = np.datetime64("2026-01-01", "us")
    return found | {name: start + random.integers(0, 10**13, ROWS).astype("timedelta64[us]") for name in TIMES}


def scikit_learn(columns: dict[str, Any], label: Any) -> Any:
    """The same transformations as scikit-learn has them; it has none for cyclic time."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    made_of = make_column_transformer((numbers, NUMBERS), (levels, LEVELS[:5]), (TargetEncoder(), LEVELS[5:]))
    return made_of.fit(pd.DataFrame(columns), label)


def in_turn(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of one call of each, the median of turns in which all have one."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, act in ways.items():
            begun = time.process_time()
            for _ in range(CALLS):
                act()
            taken[name].append((time.process_time() - begun) / CALLS * 1000)
    return {name: statistics.median(found) for name, found in taken.items()}


if __name__ == "__main__":
    main()
