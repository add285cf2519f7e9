"""The threshold of a binary model, chosen on training rows that a second fit did not learn from.

The model that is kept has learned from all training rows; what it says of them flatters it. So the author's ``fit``
runs once more on the first part of them in time, and the last part, which it has not seen, decides.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.authoring.checkpoints import VARIABLE
from trimtab.authoring.contract import Contract
from trimtab.authoring.transformations import learn
from trimtab.authoring.trial import FitOf, split_tail

if TYPE_CHECKING:
    import pandas as pd


def store_threshold(
    spec: Mapping[str, Any], contract: Contract, table: "pd.DataFrame", code: Path, fit: FitOf, folder: Path
) -> None:
    """The choice stands in the model's folder, unless model.yaml fixes a threshold or wants no second fit.

    Nothing is stored either where one of the two parts lacks a class: the evaluation then chooses on what it has.
    """
    rule = spec["evaluation"]["threshold"]
    if spec["problem"] != "binary" or rule["value"] is not None or not rule["validation_share"]:
        return
    head, tail = split_tail(table, contract.event_time, float(rule["validation_share"]))
    if any(part[contract.label].nunique() < 2 for part in (head, tail)):
        return
    from trimtab.evaluation.threshold import THRESHOLD_FILE, best_threshold

    with without_checkpoints():
        fitted, features = learn(spec, contract, head, code)
        model = fit(features, head[contract.label].astype("int64"))
    unseen = fitted.transform(contract.arrays(tail)) if fitted else contract.conform(tail)
    beta = float(rule["beta"])
    value = best_threshold(tail[contract.label].to_numpy(), model.predict_proba(unseen)[:, 1], beta)
    chosen = {"value": value, "beta": beta, "rows": len(tail)}
    (folder / THRESHOLD_FILE).write_text(json.dumps(chosen, indent=2) + "\n", encoding="utf-8")
    print(f"threshold={value:.6g} by {len(tail)} rows that a second fit did not learn from", flush=True)


@contextmanager
def without_checkpoints() -> Iterator[None]:
    """Within the block nothing is kept and nothing found: a second fit must not go on from the first one's rounds."""
    folder = os.environ.pop(VARIABLE, None)
    try:
        yield
    finally:
        if folder is not None:
            os.environ[VARIABLE] = folder
