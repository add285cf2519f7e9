"""How a model's decisions differ between groups of people: what the bias gate is decided on.

Measures as in Fairlearn's user guide: demographic parity (shares of favourable decisions), the four-fifths ratio of
the same shares (29 CFR 1607.4 D), equal opportunity (shares found among favourable outcomes; Hardt et al. 2016) and
equalised odds (those and the shares among the other outcomes). Groups are compared with one reference group, and the
intervals of an attribute hold together (Bonferroni over its pairs and their three kinds of rate).
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trimtab.evaluation.proportions import Share, bonferroni, difference, ratio, wilson
from trimtab.measures import band_names, group_name

MISSING: Final = "missing"
MOST_GROUPS: Final = 30
"""More values than this are no groups; a number then needs bands."""
RATES: Final = ("selection_rate", "tpr", "fpr")
Json = dict[str, Any]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Decisions:
    """Who got the favourable decision and who deserved it, shape (n,) each."""

    favoured: Flags
    deserving: Flags


@dataclass(frozen=True)
class Group:
    """One group's shares."""

    name: str
    selection_rate: Share
    tpr: Share
    fpr: Share

    @classmethod
    def of(cls, name: str, members: Flags, decisions: Decisions) -> "Group":
        """The rows where ``members`` holds, shape (n,)."""
        favoured, deserving = decisions.favoured[members], decisions.deserving[members]
        return cls(
            name,
            Share(int(favoured.sum()), len(favoured)),
            Share(int((favoured & deserving).sum()), int(deserving.sum())),
            Share(int((favoured & ~deserving).sum()), int((~deserving).sum())),
        )

    @property
    def n(self) -> int:
        return self.selection_rate.n

    def rate(self, name: str) -> Share:
        """One of RATES."""
        share: Share = getattr(self, name)
        return share


def decisions(problem: str, rule: Mapping[str, Any], label: NDArray[Any], decided: NDArray[Any]) -> Decisions | str:
    """Favourable decisions and outcomes, or in words why the rule does not tell them.

    ``decided`` holds what the model decided for each row (0 or 1, a class, or a number), ``label`` what came true.
    """
    favoured, deserving = (favourable(problem, rule, values) for values in (decided, label))
    if isinstance(favoured, str) or isinstance(deserving, str):
        return str(favoured)
    if problem == "multiclass" and not deserving.any():
        wanted = rule["favourable"]
        return f"no row has the class '{wanted}': name the favourable one in evaluation.gates.bias.favourable"
    return Decisions(favoured, deserving)


def favourable(problem: str, rule: Mapping[str, Any], values: NDArray[Any]) -> Flags | str:
    """Which decisions or outcomes are the ones that people want, shape (n,), or why the rule does not tell them."""
    if problem != "regression":
        return _equals(np.asarray(values), rule["favourable"])
    edge = rule["favourable_above"]
    if edge is None:
        return "say which numbers are favourable: evaluation.gates.bias.favourable_above"
    return np.asarray(values >= edge)


def _equals(values: NDArray[Any], wanted: Any) -> Flags:
    codes = pa.array(values, from_pandas=True).dictionary_encode()
    chosen = [code for code, value in enumerate(codes.dictionary.to_pylist()) if text_of(value) == text_of(wanted)]
    return np.isin(np.asarray(codes.indices.fill_null(-1)), chosen)


def measure_bias(
    attributes: Mapping[str, Mapping[str, Any]],
    rule: Mapping[str, Any],
    columns: Mapping[str, NDArray[Any]],
    made: Decisions | str,
) -> Json:
    """What the gate needs of each attribute, by name; an attribute that cannot be judged says why in ``problem``.

    ``attributes`` are the spec's rules of attributes, ``rule`` its bias section, ``columns`` the hold-out's columns
    (shape (n,) each).
    """
    return {name: _attribute(own, rule, columns.get(name), made) for name, own in attributes.items()}


def _attribute(own: Mapping[str, Any], rule: Mapping[str, Any], column: Any, made: Decisions | str) -> Json:
    if column is None or isinstance(made, str):
        return _unjudged(made if isinstance(made, str) else "the hold-out has no such column")
    cut = groups_of(np.asarray(column), own.get("bands"))
    if isinstance(cut, str):
        return _unjudged(cut)
    return judge_groups([Group.of(name, members, made) for name, members in cut.items()], own, rule)


def judge_groups(groups: list[Group], own: Mapping[str, Any], rule: Mapping[str, Any]) -> Json:
    """How the groups of one attribute compare; ``problem`` says why they cannot be judged.

    ``own`` is the attribute's rule, ``rule`` the spec's bias section.
    """
    named = {group.name: group for group in groups if group.name != MISSING}
    enough = [group for group in named.values() if group.n >= rule["min_group_rows"]]
    reference = _reference(own.get("reference"), named, enough)
    if isinstance(reference, str):
        return _unjudged(reference) | {"groups": [_described(group, rule, enough) for group in groups]}
    pairs = list(_pairs(enough, reference, rule))
    return {
        "problem": None if len(enough) > 1 else f"fewer than two groups have {rule['min_group_rows']} rows",
        "reference": reference.name,
        "groups": [_described(group, rule, enough) for group in groups],
        "thin": [group.name for group in named.values() if group not in enough],
        "pairs": pairs,
        "overall": _overall(enough, rule),
    }


def _unjudged(problem: str) -> Json:
    return {"problem": problem, "reference": None, "groups": [], "thin": [], "pairs": [], "overall": {}}


def groups_of(column: NDArray[Any], bands: Any = None) -> dict[str, Flags] | str:
    """Members of each group by its name, in the order of the values, or in words why there are none.

    Rows without a value are the group ``missing``.
    """
    values = pa.array(column, from_pandas=True)
    known = np.asarray(values.is_valid())
    if bands:
        found = dict(_bands(np.where(known, column, np.nan).astype(np.float64), list(bands)))
    else:
        coded = values.dictionary_encode()
        levels, codes = coded.dictionary.to_pylist(), np.asarray(coded.indices.fill_null(-1))
        if len(levels) > MOST_GROUPS:
            return f"{len(levels)} values are no groups: give bands in evaluation.gates.bias.attributes"
        found = {text_of(levels[code]): codes == code for code in sorted(range(len(levels)), key=levels.__getitem__)}
    return found if known.all() else found | {MISSING: ~known}


def _bands(numbers: NDArray[np.float64], edges: list[float]) -> Iterator[tuple[str, Flags]]:
    limits = itertools.pairwise([-math.inf, *edges, math.inf])
    for name, (low, high) in zip(band_names(edges), limits, strict=True):
        yield name, (numbers >= low) & (numbers < high)


def text_of(value: Any) -> str:
    """``group_name``, of NumPy's values too."""
    return group_name(value.item() if isinstance(value, np.generic) else value)


def _reference(asked: Any, named: Mapping[str, Group], enough: list[Group]) -> Group | str:
    if asked is None:
        return max(enough, key=lambda group: group.n) if enough else "no group has enough rows"
    found = named.get(text_of(asked))
    if found is None:
        return f"the reference group '{asked}' does not occur; there are: {', '.join(named) or 'none'}"
    return found if found in enough else f"the reference group '{asked}' has only {found.n} rows"


def _pairs(groups: list[Group], reference: Group, rule: Mapping[str, Any]) -> Iterator[Json]:
    """Each group against the reference: ratio and difference of shares of favourable decisions, TPR and FPR."""
    others = [group for group in groups if group is not reference]
    confidence = bonferroni(rule["confidence"], len(others) * len(RATES))
    for group in others:
        one, other = group.selection_rate, reference.selection_rate
        yield _pair(group, "ratio", ratio(one, other, confidence), min(one.n, other.n))
        for rate in RATES:
            one, other = group.rate(rate), reference.rate(rate)
            if min(one.n, other.n) >= (0 if rate == "selection_rate" else rule["min_group_outcomes"]):
                yield _pair(group, rate, difference(one, other, confidence), min(one.n, other.n))


def _pair(group: Group, compared: str, found: tuple[float, float, float], n: int) -> Json:
    value, low, high = found
    return {"group": group.name, "compared": compared, "value": value, "lo": low, "hi": high, "n": n}


def _described(group: Group, rule: Mapping[str, Any], enough: list[Group]) -> Json:
    """The group as people read it, each rate with its own interval."""
    found: Json = {"group": group.name, "n": group.n, "judged": group in enough}
    for name in RATES:
        share = group.rate(name)
        found[name] = {"value": share.value, "n": share.n, "interval": list(wilson(share, rule["confidence"]))}
    return found


def _overall(groups: list[Group], rule: Mapping[str, Any]) -> Json:
    """Fairlearn's aggregates over the groups with enough rows; NaN where no two can be compared."""
    selected = [group.selection_rate.value for group in groups] or [math.nan]
    least, most = min(selected), max(selected)
    spans = {name: _span(groups, name, rule["min_group_outcomes"]) for name in ("tpr", "fpr")}
    return {
        "demographic_parity_difference": most - least,
        "demographic_parity_ratio": least / most if most else math.nan,
        "equal_opportunity_difference": spans["tpr"],
        "equalized_odds_difference": max(spans.values()) if not math.isnan(sum(spans.values())) else math.nan,
    }


def _span(groups: list[Group], rate: str, least: int) -> float:
    values = [share.value for group in groups if (share := group.rate(rate)).n >= least]
    return max(values) - min(values) if len(values) > 1 else math.nan
