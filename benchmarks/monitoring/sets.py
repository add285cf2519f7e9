"""The three real sets as they would be served: a model that is trained once, and windows of rows that it scored.

The model is the same for every contender: gradient-boosted trees on the contract's columns, hour and weekday of the
event time beside them, fitted to the first three quarters of the training rows and evaluated on the rest. It is never
trained again, so what a window lost is known exactly from all of its labels.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from models.flights import data as flights
from models.income import data as income
from models.traffic import data as traffic
from trimtab.column_types import ColumnType
from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.kinds import Kind
from trimtab.spec import Spec, load_spec_file

SCORE, TIME = "_score", "_time"
HOLDOUT = 0.25
FOLDS = 4
MODELS = Path(__file__).resolve().parent.parent.parent / "models"


@dataclass(frozen=True)
class Window:
    """Rows that were scored together: the contract's columns, ``_time``, ``_score`` and the label where one came."""

    name: str
    rows: pd.DataFrame

    @property
    def middle(self) -> datetime:
        """Middle of the window's event times."""
        first, last = self.rows[TIME].min(), self.rows[TIME].max()
        middle: datetime = (first + (last - first) / 2).to_pydatetime()
        return middle


@dataclass(frozen=True)
class Replayed:
    """One set: what the model was fitted on, what it was evaluated on, and what it then served."""

    name: str
    period: str
    """Of the windows, as pandas names periods."""
    spec: Spec
    reference: pd.DataFrame
    """Rows that the model was fitted to, each with a score by a model that was not fitted to it."""
    holdout: Window
    windows: tuple[Window, ...]
    importance: dict[str, float]
    """By how much the metric worsens on the hold-out when a column is shuffled."""


def flights_by_month() -> Replayed:
    """March to December 2013 after January and February."""
    return _flights("flights", "M", "%Y-%m")


def flights_by_week() -> Replayed:
    """The same by weeks from Monday to Sunday."""
    return _flights("flights by week", "W", "%G-W%V")


def _flights(name: str, period: str, named: str) -> Replayed:
    table = flights.flights()
    table[TIME] = table[flights.EVENT_TIME].dt.tz_localize(UTC)
    trained = table["month"].isin(flights.TRAIN_MONTHS)
    spec = load_spec_file(MODELS / "flights" / "model.yaml")
    return _replayed(name, period, spec, table[trained], table[~trained], lambda rows: rows[TIME].dt.strftime(named))


def income_by_delivery() -> Replayed:
    """Four deliveries a year, 2016 to 2018, after 2015: three of them with another mix of people."""
    return _income("income by delivery", "Q", lambda rows: rows["_part"])


def income_by_year() -> Replayed:
    """The same by year, where nothing moves."""
    return _income("income by year", "Y", lambda rows: rows[income.YEAR].astype(str))


def _income(name: str, period: str, named: Callable[[pd.DataFrame], pd.Series]) -> Replayed:
    table = income.people()
    place = table.groupby(income.YEAR).cumcount() / table.groupby(income.YEAR)[income.ID].transform("size")
    part = (place * income.PARTS).astype(int) + 1
    table["_part"] = table[income.YEAR].astype(str) + "-part" + part.astype(str)
    table[TIME] = _within_quarter(table[income.YEAR], place * income.PARTS)
    trained = table[income.YEAR] == income.TRAIN_YEAR
    spec = load_spec_file(MODELS / "income" / "model.yaml")
    return _replayed(name, period, spec, table[trained].sample(frac=1.0, random_state=0), table[~trained], named)


def _within_quarter(year: pd.Series, place: pd.Series) -> pd.Series:
    """A time in the quarter that a delivery stands for: the survey knows the year only."""
    quarter = place.astype(int)
    first = pd.to_datetime(year.astype(str) + "-" + (quarter * 3 + 1).astype(str).str.zfill(2) + "-01", utc=True)
    return (first + pd.to_timedelta((place - quarter) * 89, unit="D")).dt.floor("s")


def traffic_by_month() -> Replayed:
    """October 2013 to September 2018 after a year; nine months lie in the source's gap."""
    table = traffic.hours()
    table[TIME] = table[traffic.EVENT_TIME].dt.tz_localize(UTC)
    trained = table[traffic.EVENT_TIME] < pd.Timestamp(traffic.FIRST_DROP)
    spec = load_spec_file(MODELS / "traffic" / "model.yaml")
    return _replayed(
        "traffic", "M", spec, table[trained], table[~trained], lambda rows: rows[TIME].dt.strftime("%Y-%m")
    )


ALL: dict[str, Callable[[], Replayed]] = {
    "flights": flights_by_month,
    "flights-weeks": flights_by_week,
    "income-deliveries": income_by_delivery,
    "income-years": income_by_year,
    "traffic": traffic_by_month,
}


def chosen(names: Sequence[str], default: Sequence[str]) -> Iterator[Replayed]:
    """The sets of these names, of the default ones when none is named. Ends the program at a name that is none."""
    if unknown := [name for name in names if name not in ALL]:
        raise SystemExit(f"there is no set {', '.join(unknown)}; there are {', '.join(ALL)}")
    return (ALL[name]() for name in names or default)


def _replayed(
    name: str,
    period: str,
    spec: Spec,
    trained: pd.DataFrame,
    served: pd.DataFrame,
    named: Callable[[pd.DataFrame], pd.Series],
) -> Replayed:
    cut = int(len(trained) * (1 - HOLDOUT))
    reference, holdout = trained.iloc[:cut], trained.iloc[cut:]
    score = fitted(spec, reference)
    windows = tuple(_windows(served, named(served), score))
    evaluated = Window("holdout", holdout.assign(**{SCORE: score(holdout)}))
    importance = _importance(spec, holdout, score)
    return Replayed(name, period, spec, _scored_by_others(spec, reference), evaluated, windows, importance)


def _importance(spec: Spec, rows: pd.DataFrame, score: Callable[[pd.DataFrame], pd.Series]) -> dict[str, float]:
    """Permutation importance, in the metric's own unit; 0 where shuffling did no harm."""
    known = rows[rows[spec.data.label].notna()]
    label, metric = known[spec.data.label].to_numpy(float), spec.monitoring.quality.metric
    kind = Kind(spec.problem, spec.evaluation.primary, quantile=spec.evaluation.quantile)
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    whole = kind.measure(label, score(known).to_numpy())[metric]
    found = {}
    for name in spec.data.features:
        shuffled = known.assign(**{name: known[name].sample(frac=1.0, random_state=3).to_numpy()})
        found[name] = max(0.0, sign * (whole - kind.measure(label, score(shuffled).to_numpy())[metric]))
    return found


def _scored_by_others(spec: Spec, rows: pd.DataFrame) -> pd.DataFrame:
    """Each fold, a stretch of rows, scored by a model of the other folds."""
    edges = [len(rows) * fold // FOLDS for fold in range(FOLDS + 1)]
    parts = []
    for start, end in itertools.pairwise(edges):
        others = pd.concat([rows.iloc[:start], rows.iloc[end:]])
        parts.append(fitted(spec, others)(rows.iloc[start:end]))
    return rows.assign(**{SCORE: pd.concat(parts)})


def _windows(rows: pd.DataFrame, names: pd.Series, score: Callable[[pd.DataFrame], pd.Series]) -> Iterator[Window]:
    for name, part in rows.groupby(names, sort=True):
        yield Window(str(name), part.assign(**{SCORE: score(part)}))


def fitted(spec: Spec, rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.Series]:
    """A fitted model as a function from rows to scores: the probability of a 1, or the number itself."""
    texts = [name for name in spec.data.features if spec.data.columns[name].type is ColumnType.STRING]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = make_column_transformer((codes, texts), remainder="passthrough")
    rows = rows[rows[spec.data.label].notna()]
    kind = HistGradientBoostingRegressor if spec.problem == "regression" else HistGradientBoostingClassifier
    trees = kind(learning_rate=0.1, max_iter=100, max_leaf_nodes=31, min_samples_leaf=50, random_state=7)
    pipeline = make_pipeline(columns, trees).fit(_features(spec, rows), rows[spec.data.label].astype(float))

    def score(part: pd.DataFrame) -> pd.Series:
        features = _features(spec, part)
        found = pipeline.predict(features) if spec.problem == "regression" else pipeline.predict_proba(features)[:, 1]
        return pd.Series(found, index=part.index)

    return score


def _features(spec: Spec, rows: pd.DataFrame) -> pd.DataFrame:
    """The contract's features, and of the event time hour and weekday."""
    times = {"_hour": rows[TIME].dt.hour, "_weekday": rows[TIME].dt.weekday}
    columns = [name for name in spec.data.features if name != spec.data.event_time]
    return rows[columns].assign(**(times if spec.data.event_time else {}))
