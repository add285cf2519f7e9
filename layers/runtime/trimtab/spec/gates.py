"""The policy by which a candidate may be offered for approval: what each gate asks."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section, mistakes

Parity = Literal["four_fifths", "demographic_parity", "equal_opportunity", "equalised_odds"]


class AttributeRule(Section):
    """How the values of a protected attribute make groups."""

    reference: str | int | bool | None = None
    """Group that the others are compared with; the largest when absent. A band is named as in the report."""
    bands: tuple[float, ...] | None = Field(default=None, min_length=1)
    """Edges of a number's groups: 25, 65 make "below 25", "25 to below 65" and "65 and more"."""

    @model_validator(mode="after")
    def _bands_ascend(self) -> Self:
        if self.bands is not None and list(self.bands) != sorted(set(self.bands)):
            mistakes([(("bands",), "edges must ascend, each once")])
        return self


class AcceptedRisk(Section):
    """A finding of the bias gate that people have decided to live with; recorded with every judgement."""

    attribute: str
    measure: Parity | None = None
    """All of the attribute's when absent."""
    reason: str = Field(min_length=20)
    """Why, for whoever has to answer for it."""


class BiasRule(Section):
    """How far the model's decisions may differ between groups of people."""

    attributes: dict[str, AttributeRule] = Field(default_factory=dict)
    """Columns that tell groups; every column with the role ``protected`` is one without being named."""
    favourable: str | int | bool = 1
    """The outcome that people want: a label of 0 or 1, or a class."""
    favourable_above: float | None = None
    """Regression: predictions and labels from here on are the favourable outcome."""
    four_fifths: float | None = Field(default=0.8, gt=0, le=1)
    """Smallest ratio of two groups' shares of favourable decisions; null only reports."""
    demographic_parity: float | None = Field(default=None, gt=0, le=1)
    """Largest difference of the same shares; null only reports, since four_fifths judges them."""
    equal_opportunity: float | None = Field(default=0.1, gt=0, le=1)
    """Largest difference of the shares found among those whose outcome was favourable; null only reports."""
    equalised_odds: float | None = Field(default=0.1, gt=0, le=1)
    """The same limit for those found among the others too, whichever differs more; null only reports."""
    min_group_rows: int = Field(default=100, ge=20)
    """Smaller groups are named and not judged."""
    min_group_outcomes: int = Field(default=30, ge=10)
    """Fewest rows of either outcome in a group for the rates among them to be judged."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of all intervals of one attribute together (Bonferroni)."""
    accepted_risks: tuple[AcceptedRisk, ...] = ()


class CalibrationRule(Section):
    """How far predicted and observed may lie apart."""

    max_error: float | None = Field(default=0.15, gt=0, le=1)
    """Largest expected calibration error: a probability, or for regression a share of the label's standard deviation.
    null only reports."""


class SliceRule(Section):
    """When a part of the rows counts as collapsed, in the primary metric."""

    max_drop: float | None = Field(default=0.25, gt=0)
    """Largest loss of a declared slice against the whole, as a share of the whole's value; of metrics between 0 and 1.
    null judges no slice."""
    max_loss_to_champion: float | None = Field(default=0.1, gt=0)
    """Largest loss of a slice against the champion on the same rows, as a share of the champion's value."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """A slice that was found by looking is judged only with a corrected p-value below this."""


class CostRule(Section):
    """What predictions may cost."""

    monthly_predictions: int | None = Field(default=None, ge=1)
    """Expected load. Without it, cost is that of instances which never idle."""
    max_per_1000_usd: float | None = Field(default=None, gt=0)
    """Largest cost of 1,000 predictions; null only reports."""
    price_per_hour_usd: float | None = Field(default=None, gt=0)
    """Your price of the rollout's instance type, in place of the dated table's."""


class GatesSpec(Section):
    """One policy; its digest is recorded with every judgement and registration."""

    version: str = Field(default="1", max_length=40)
    """What people call this policy."""
    max_latency_ms: float | None = Field(default=500, gt=0)
    """Largest 99th percentile of single-row requests in the evaluation job; null only reports."""
    pickles: Literal["refuse", "accept"] = "refuse"
    """What an artifact does whose own inference.py reads pickles: they run code wherever the model is loaded."""
    own_inference: str | None = Field(default=None, min_length=20)
    """Why an inference.py of one's own may answer otherwise than the trained model, or answer what cannot be compared
    with it. Without a reason such a model is not judged."""
    external_margin: float = Field(default=0.005, gt=0)
    """How much worse than the version it replaces an artifact may be that was built elsewhere (``models register``)."""
    bias: BiasRule = BiasRule()
    calibration: CalibrationRule = CalibrationRule()
    slices: SliceRule = SliceRule()
    cost: CostRule = CostRule()
