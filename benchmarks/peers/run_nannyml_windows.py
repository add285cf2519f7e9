"""nannyml's default verdict on each window: univariate drift, estimated and realised performance.

Arguments: a folder with ``reference.parquet`` (scored rows with labels), ``served.parquet`` and ``about.json``. Prints
by window which kinds alert.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import nannyml
import pandas as pd

warnings.filterwarnings("ignore")


def main() -> None:
    """Chunks are the calendar's, in the reference as in what was served; all thresholds are nannyml's own."""
    folder = Path(sys.argv[1])
    about: dict[str, Any] = json.loads((folder / "about.json").read_text())
    tables = [pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "served")]
    reference, served = (prepared(table, about) for table in tables)
    common = {"timestamp_column_name": "_time", "chunk_period": about["period"]}
    drift = nannyml.UnivariateDriftCalculator(
        column_names=about["features"], treat_as_categorical=about["categories"], **common
    )
    found: dict[str, dict[str, bool]] = {}
    note(found, "drift", drift.fit(reference).calculate(served))
    estimator, realised = performance(about, common)
    note(found, "estimate", estimator.fit(reference).estimate(served))
    note(found, "quality", realised.fit(reference).calculate(served[served[about["label"]].notna()]))
    print(json.dumps(found))


def prepared(table: pd.DataFrame, about: dict[str, Any]) -> pd.DataFrame:
    """Times without a zone, and the class that the score means."""
    table = table.assign(_time=table["_time"].dt.tz_localize(None))
    return (
        table if about["regression"] else table.assign(_predicted=(table["_score"] >= about["threshold"]).astype(int))
    )


def performance(about: dict[str, Any], common: dict[str, Any]) -> tuple[Any, Any]:
    """What estimates performance without labels, and what measures it with them."""
    if about["regression"]:
        named = {"y_pred": "_score", "y_true": about["label"], "metrics": ["rmse"], **common}
        estimator = nannyml.DLE(feature_column_names=about["features"], **named)
        return estimator, nannyml.PerformanceCalculator(problem_type="regression", **named)
    named = {
        "y_pred_proba": "_score",
        "y_pred": "_predicted",
        "y_true": about["label"],
        "problem_type": "classification_binary",
        "metrics": ["roc_auc"],
        **common,
    }
    return nannyml.CBPE(**named), nannyml.PerformanceCalculator(**named)


def note(found: dict[str, dict[str, bool]], kind: str, result: Any) -> None:
    """A chunk alerts when any of its columns or metrics does."""
    table = result.filter(period="analysis").to_df()
    starts = table["chunk"]["start_date"] if "start_date" in table["chunk"] else table["chunk"]["chunk"]["start_date"]
    alerts = table.loc[:, [name for name in table.columns if name[-1] == "alert"]].any(axis=1)
    for start, alert in zip(starts, alerts, strict=True):
        found.setdefault(str(start)[:10], {})[kind] = bool(alert)


main()
