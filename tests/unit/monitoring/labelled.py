"""Labelled records of a binary model, without a request or a file."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.monitoring.records import EVENT, LABEL, SCORE, TIME, VERSION
from trimtab.spec import Spec, parse_spec

MODEL = """
name: loans
data:
  id: row
  event_time: asked
  label: paid
  columns:
    row: {type: integer}
    asked: {type: timestamp}
    region: {type: string}
    sex: {type: integer, domain: [1, 2], role: protected}
    amount: {type: number, nullable: true}
    paid: {type: integer, domain: [0, 1], nullable: true}
training: {entry_point: train.py}
evaluation: {slices: [region]}
monitoring: {min_rows: 100}
"""
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = np.array(["east", "west", "north"])


def spec(**monitoring: Any) -> Spec:
    """The model with other settings of its monitoring."""
    plain = parse_spec(MODEL)
    changed = type(plain.monitoring).model_validate(plain.monitoring.model_dump() | monitoring)
    return plain.model_copy(update={"monitoring": changed})


def records(rows: int = 4000, seed: int = 0, skill: float = 1.0, blind: str = "", days: int = 28) -> pa.Table:
    """Calibrated scores when ``skill`` is 1; labels that know nothing of them when it is 0, or in the region ``blind``.

    Times are spread over ``days`` days, in order.
    """
    random = np.random.default_rng(seed)
    score, region = random.beta(2, 3, rows), NAMES[random.integers(0, 3, rows)]
    likely = np.where(region == blind, 0.4, skill * score + (1 - skill) * 0.4)
    times = [START + timedelta(days=days) * share for share in np.sort(random.random(rows))]
    return pa.table(
        {
            EVENT: pa.array([f"e{place}" for place in range(rows)]),
            TIME: pa.array(times, pa.timestamp("us", "UTC")),
            SCORE: pa.array(score),
            VERSION: pa.array(np.ones(rows, "int64")),
            "row": pa.array(np.arange(rows)),
            "asked": pa.array(times, pa.timestamp("us", "UTC")),
            "region": pa.array(region.tolist()),
            "sex": pa.array(random.integers(1, 3, rows)),
            "amount": pa.array(random.gamma(2, 500, rows)),
            LABEL: pa.array((random.random(rows) < likely).astype("int64")),
        }
    )


def without_truth(table: pa.Table, lost: Any) -> pa.Table:
    """The records with the truth of those at ``lost`` (booleans, shape (n,)) unknown."""
    label = table.column(LABEL).to_numpy().astype(object)
    label[np.asarray(lost)] = None
    return table.set_column(table.column_names.index(LABEL), LABEL, pa.array(label.tolist(), pa.int64()))
