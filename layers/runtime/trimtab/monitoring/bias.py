"""How the decisions of production differ between groups of people, with the measures and limits of the bias gate.

Shares of favourable decisions need no truth, so they are counted when a window is collected; shares among those whose
outcome was favourable when truth has come. What is kept of a window is counts by group: they add up, so that windows
which are too small by themselves are judged together.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trimtab.evaluation.bias import MISSING, Decisions, Group, decisions, favourable, groups_of, judge_groups
from trimtab.evaluation.proportions import Share
from trimtab.measures import MULTICLASS, REGRESSION
from trimtab.monitoring.answered import probabilities
from trimtab.monitoring.records import LABEL, SCORE
from trimtab.monitoring.usable import usable
from trimtab.spec import Spec

FILE = "bias.json"
RATES = ("selection_rate", "tpr", "fpr")
DECIDED, DESERVED = ("four_fifths", "demographic_parity"), ("equal_opportunity", "equalised_odds")
"""Measures of who is favoured, which need no truth, and of who is among those whose outcome was the same."""
MOST = 100.0
"""An excess is never said to be larger: a ratio may be zero."""
Json = dict[str, Any]
Counts = dict[str, dict[str, list[int]]]
"""[hits, rows] by group and by rate."""


@dataclass(frozen=True)
class Tally:
    """Counts by attribute of one or more windows of a version."""

    rows: int = 0
    counts: Mapping[str, Counts] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    """Attributes that cannot be counted, each with the reason."""
    windows: tuple[str, ...] = ()

    def added(self, other: "Tally") -> "Tally":
        """Both together; an attribute that one of them could not count is judged by the other's rows."""
        counts = {name: _added(self.counts.get(name, {}), other.counts.get(name, {})) for name in self._names(other)}
        problems = {name: why for name, why in {**other.problems, **self.problems}.items() if name not in counts}
        return Tally(self.rows + other.rows, counts, problems, (*other.windows, *self.windows))

    def _names(self, other: "Tally") -> list[str]:
        return list(dict.fromkeys([*self.counts, *other.counts]))

    def to_json(self) -> Json:
        return {
            "rows": self.rows,
            "counts": dict(self.counts),
            "problems": dict(self.problems),
            "windows": list(self.windows),
        }

    @classmethod
    def from_json(cls, document: Json) -> "Tally":
        """The tally that ``to_json`` wrote."""
        return cls(document["rows"], document["counts"], document["problems"], tuple(document["windows"]))


def _added(one: Counts, other: Counts) -> Counts:
    return {
        group: {
            rate: [a + b for a, b in zip(_count(one, group, rate), _count(other, group, rate), strict=True)]
            for rate in RATES
        }
        for group in dict.fromkeys([*one, *other])
    }


def _count(counts: Counts, group: str, rate: str) -> list[int]:
    return counts.get(group, {}).get(rate, [0, 0])


def tally(window: str, records: pa.Table, threshold: float, spec: Spec) -> Tally:
    """Counts of one version's records in one window; its truth counts where it is known, unusable answers do not."""
    if not spec.protected:
        return Tally(records.num_rows, windows=(window,))
    records = usable(records, spec)
    made = _decisions(records, threshold, spec)
    counts: dict[str, Counts] = {}
    problems: dict[str, str] = {}
    for name, own in attributes_of(spec).items():
        found = made if isinstance(made, str) else _groups(records, name, own)
        if isinstance(found, str) or isinstance(made, str):
            problems[name] = str(found)
        else:
            counts[name] = {group: _counted(members, *made) for group, members in found.items()}
    return Tally(records.num_rows, counts, problems, (window,))


def _groups(records: pa.Table, name: str, own: Json) -> dict[str, NDArray[np.bool_]] | str:
    """Members by group, or why there are none."""
    if name not in records.column_names:
        return "the requests do not hold it"
    column = records.column(name)
    if column.null_count == len(column):
        return "no request holds it"
    return groups_of(np.asarray(column.to_numpy()), own.get("bands"))


def _counted(
    members: NDArray[np.bool_], favoured: NDArray[np.bool_], known: NDArray[np.bool_], deserving: NDArray[np.bool_]
) -> dict[str, list[int]]:
    every = Group.of("", members, Decisions(favoured, deserving))
    labelled = Group.of("", members & known, Decisions(favoured, deserving))
    shares = {"selection_rate": every.selection_rate, "tpr": labelled.tpr, "fpr": labelled.fpr}
    return {rate: [share.hits, share.n] for rate, share in shares.items()}


def _decisions(
    records: pa.Table, threshold: float, spec: Spec
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]] | str:
    """Favoured, truth known, deserving, shape (n,) each; or why nothing is known of them."""
    rule = _rule(spec)
    if spec.problem == MULTICLASS and not records.num_rows:
        return "no answer names a probability of each class"
    favoured = favourable(spec.problem, rule, _decided(records, threshold, spec))
    if isinstance(favoured, str):
        return favoured
    nobody = np.zeros(records.num_rows, dtype=bool)
    if LABEL not in records.column_names:
        return favoured, nobody, nobody
    column = records.column(LABEL)
    known, label = np.asarray(column.is_valid()), np.asarray(column.to_numpy())
    made = decisions(spec.problem, rule, label, _decided(records, threshold, spec))
    return favoured, known if isinstance(made, Decisions) else nobody, getattr(made, "deserving", nobody) & known


def _decided(records: pa.Table, threshold: float, spec: Spec) -> NDArray[Any]:
    """What the model decided for each record: 0 or 1, a class, or a number."""
    if spec.problem == MULTICLASS:
        scores, classes = probabilities(records)
        return np.asarray(np.asarray(classes, dtype=object)[np.argmax(scores, axis=1)])
    score = np.asarray(records.column(SCORE).to_numpy(), dtype=np.float64)
    return score if spec.problem == REGRESSION else np.asarray(score >= threshold, dtype=np.int64)


def attributes_of(spec: Spec) -> dict[str, Json]:
    """The rules of all protected attributes, by role or by name."""
    named = spec.evaluation.gates.bias.attributes
    return {name: named[name].model_dump() if name in named else {} for name in spec.protected}


def _rule(spec: Spec) -> Json:
    return spec.evaluation.gates.bias.model_dump()


@dataclass(frozen=True)
class Finding:
    """One group that is proven to be treated otherwise than the limit allows."""

    attribute: str
    measure: str
    group: str
    reference: str
    value: float
    low: float
    high: float
    limit: float
    accepted: str
    """Why people live with it; empty where nobody has said so."""

    @property
    def excess(self) -> float:
        """How many times its limit it is, above 1 and at most 100; of a ratio, how many times too small."""
        if self.measure == "four_fifths":
            return min(MOST, self.limit / max(self.value, self.limit / MOST))
        return min(MOST, abs(self.value) / self.limit)

    def to_json(self) -> Json:
        return dict(vars(self))


@dataclass(frozen=True)
class Bias:
    """What one or more windows together show."""

    tally: Tally
    attributes: Mapping[str, Json]
    """As the evaluation's report has them: groups, pairs, thin groups, or the problem."""
    findings: tuple[Finding, ...]
    compared: frozenset[str]
    """Measures that have a limit, and groups which are large enough to be held against it."""

    def excess(self, measures: Iterable[str]) -> float | None:
        """The largest of the findings of ``measures`` that nobody has accepted, in multiples of its limit: above 1.

        0 when none is proven, and None when no groups could be compared.
        """
        if not self.compared.intersection(measures):
            return None
        mine = (found for found in self.findings if found.measure in measures and not found.accepted)
        return max((found.excess for found in mine), default=0.0)

    def summary(self) -> Json:
        """What the ledger keeps."""
        return {
            "bias": [found.to_json() for found in self.findings],
            "bias_excess": self.excess(DECIDED),
            "bias_excess_truth": self.excess(DESERVED),
            "bias_rows": self.tally.rows,
            "bias_windows": len(self.tally.windows),
        }

    def to_json(self) -> Json:
        """All of it, for bias.json."""
        return {**self.summary(), "windows": list(self.tally.windows), "attributes": dict(self.attributes)}


def judge(counted: Tally, spec: Spec) -> Bias:
    """The groups of every protected attribute, compared."""
    rule, rules = _rule(spec), attributes_of(spec)
    found = {name: _attribute(counted, name, own, rule) for name, own in rules.items()}
    findings = tuple(each for name in found for each in _findings(name, found[name], spec))
    limits = _limits(spec)
    pairs = (pair for each in found.values() for pair in each["pairs"] if math.isfinite(pair["value"]))
    compared = {measure for pair in pairs for measure, limit in [limits[pair["compared"]]] if limit is not None}
    return Bias(counted, found, findings, frozenset(compared))


def _limits(spec: Spec) -> dict[str, tuple[str, float | None]]:
    """Measure and limit by what of two groups is compared."""
    rule = spec.evaluation.gates.bias
    return {
        "ratio": ("four_fifths", rule.four_fifths),
        "selection_rate": ("demographic_parity", rule.demographic_parity),
        "tpr": ("equal_opportunity", rule.equal_opportunity),
        "fpr": ("equalised_odds", rule.equalised_odds),
    }


def pooled(newest: Tally, earlier: Iterable[Tally], spec: Spec) -> Tally:
    """``newest`` and as many earlier windows, newest first, as make up the rows that the spec asks for."""
    watch, found = spec.monitoring.bias, newest
    for each in earlier:
        if found.rows >= watch.pool_rows or len(found.windows) >= watch.pool_windows:
            break
        found = found.added(each)
    return found


def _attribute(counted: Tally, name: str, own: Json, rule: Json) -> Json:
    if name in counted.problems:
        return {"problem": counted.problems[name], "reference": None, "groups": [], "thin": [], "pairs": []}
    groups = [_group(group, rates) for group, rates in sorted(counted.counts.get(name, {}).items(), key=_in_order)]
    return judge_groups(groups, own, rule)


def _in_order(item: tuple[str, Any]) -> tuple[bool, str]:
    return item[0] == MISSING, item[0]


def _group(name: str, rates: Mapping[str, list[int]]) -> Group:
    selection, tpr, fpr = (Share(*rates[rate]) for rate in RATES)
    return Group(name, selection, tpr, fpr)


def _findings(name: str, found: Json, spec: Spec) -> Iterable[Finding]:
    """Pairs whose whole interval lies beyond a limit; a reference may itself be the one that is slighted."""
    limits = _limits(spec)
    for pair in found["pairs"]:
        measure, limit = limits[pair["compared"]]
        beyond = _beyond_ratio if measure == "four_fifths" else _beyond_difference
        if limit is not None and beyond(pair, limit):
            accepted = _accepted(name, measure, spec)
            group, reference, value, low, high = _slighted(pair, found["reference"], measure)
            yield Finding(name, measure, group, reference, value, low, high, limit, accepted)


def _beyond_ratio(pair: Json, limit: float) -> bool:
    return bool(math.isfinite(pair["value"]) and (pair["hi"] < limit or pair["lo"] > 1 / limit))


def _beyond_difference(pair: Json, limit: float) -> bool:
    return bool(math.isfinite(pair["value"]) and (pair["hi"] < -limit or pair["lo"] > limit))


def _slighted(pair: Json, reference: str, measure: str) -> tuple[str, str, float, float, float]:
    """The pair with the slighted group first, so that a ratio is below 1."""
    if measure == "four_fifths" and pair["value"] > 1:
        return reference, pair["group"], 1 / pair["value"], 1 / pair["hi"], 1 / pair["lo"]
    return pair["group"], reference, pair["value"], pair["lo"], pair["hi"]


def _accepted(attribute: str, measure: str, spec: Spec) -> str:
    """Why people live with a finding; empty when nobody has said so."""
    risks = spec.evaluation.gates.bias.accepted_risks
    mine = [risk for risk in risks if risk.attribute == attribute and risk.measure in (None, measure)]
    return mine[0].reason if mine else ""
