"""When a column counts as moved: by its own rule or the general one, by effect and by evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

from trimtab.data.drift.compare import TESTS, ColumnDrift, Judgement
from trimtab.data.drift.correction import holm

if TYPE_CHECKING:
    from trimtab.spec import MonitoringSpec

ALPHA: Final = 0.01
"""Chance that any of the columns that are judged together is called moved although none has."""
PSI_LIMIT: Final = 0.25
"""Above this a shift is usually called large (Siddiqi 2006)."""
KS_LIMIT: Final = 0.15
"""The same where PSI sees nothing: about the share of a column of two values that has to move for a PSI of 0.25."""


@dataclass(frozen=True)
class Rule:
    """A statistic and the largest value of it that is no drift."""

    statistic: str
    limit: float


@dataclass(frozen=True)
class DriftRules:
    """What counts as drift of each column.

    Both are asked: an effect over the rule's limit, and evidence that it is more than chance. With a million rows a
    trifle is certain, with fifty a large PSI is chance. The evidence is that of the test which belongs to the rule's
    statistic, corrected for all columns judged (Holm): the chance of one false alarm among them is below ``ALPHA``.
    """

    psi_limit: float = PSI_LIMIT
    own: Mapping[str, Rule] = field(default_factory=dict)
    """Rules of single columns, in place of the limit on PSI."""
    columns: tuple[str, ...] | None = None
    """Columns whose drift counts; all when None."""

    @classmethod
    def of(cls, watch: MonitoringSpec) -> Self:
        """The rules that a model.yaml asks for."""
        own = {name: Rule(rule.statistic, rule.limit) for name, rule in watch.drift.items()}
        return cls(watch.psi_limit, own, watch.columns)

    def judge(self, drifts: Iterable[ColumnDrift]) -> list[ColumnDrift]:
        """The drifts in their order, each with its judgement; without one where the column does not count."""
        judged = [(drift, self._judgement(drift)) for drift in drifts]
        adjusted = holm([math.nan if found is None else found.p_value for _, found in judged])
        return [
            replace(drift, judgement=found and replace(found, p_value=p, moved=_has_moved(found, p)))
            for (drift, found), p in zip(judged, adjusted, strict=True)
        ]

    def _judgement(self, drift: ColumnDrift) -> Judgement | None:
        """By the column's rule, the evidence not yet corrected; None where there is nothing to measure."""
        if self.columns is not None and drift.column not in self.columns:
            return None
        rule = self.own.get(drift.column) or self._general(drift)
        effect, p_value = getattr(drift, rule.statistic), drift.p_values.get(TESTS[rule.statistic])
        if effect is None or p_value is None:
            return None
        return Judgement(rule.statistic, effect, rule.limit, p_value)

    def _general(self, drift: ColumnDrift) -> Rule:
        """The limit on PSI; on KS, in proportion, where one value makes up nine tenths of the reference's numbers.

        Then all ten quantile bins are one, and whatever the numbers do, PSI is 0.
        """
        if drift.ks is not None and sum(count > 0 for count in drift.bins.reference[:-1]) == 1:
            return Rule("ks", KS_LIMIT * self.psi_limit / PSI_LIMIT)
        return Rule("psi", self.psi_limit)


def _has_moved(found: Judgement, p_value: float) -> bool:
    return abs(found.effect) > found.limit and p_value <= ALPHA
