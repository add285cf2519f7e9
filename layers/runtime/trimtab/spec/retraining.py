"""The section that says when a model is trained again."""

from typing import Final, Literal, Self, get_args

from pydantic import Field, model_validator

from trimtab.spec.base import Section
from trimtab.spec.prices import price_per_hour

AlarmKind = Literal["drift", "prediction", "quality", "estimate", "slice", "bias", "schema", "change", "forecast"]
"""What an alarm on measured production is about."""
ServiceKind = Literal["errors", "saturation", "latency", "latency_anomaly", "error_anomaly"]
"""What an alarm on the endpoint is about; no training mends it."""
Kind = Literal[AlarmKind, ServiceKind]
Action = Literal["retrain", "rollback", "tell"]
KINDS: Final[tuple[AlarmKind, ...]] = get_args(AlarmKind)
_TRIGGERED: Final[dict[AlarmKind, str]] = {
    "drift": "drift",
    "prediction": "drift",
    "quality": "quality",
    "change": "change",
}
"""The word of ``triggers`` by which a kind may ask for a training. The others tell: a slice, a group or a foretold day
is a person's to judge, an estimate is none of the truth, and training on a broken schema would make it worse."""


class BackoffSpec(Section):
    """How the cooldown grows while trainings end without a better version."""

    factor: float = Field(default=2.0, ge=1, le=10)
    """The cooldown is multiplied by this for every training that was refused or failed in a row, after the first."""
    max_hours: int = Field(default=336, ge=1, le=2160)
    """It grows no further than this; a longer ``cooldown_hours`` stays."""


class VolumeSpec(Section):
    """How much has to come since the newest dataset to be worth a training without any alarm."""

    rows: int | None = Field(default=None, ge=1)
    """Rows of accepted files with labels, truth included."""
    drops: int | None = Field(default=None, ge=1)
    """Such files."""

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if self.rows is None and self.drops is None:
            raise ValueError("give rows, drops or both: either is enough for a training")
        return self


class RetrainingSpec(Section):
    """When a model is trained again, and what holds it back."""

    triggers: tuple[Literal["first_data", "drift", "quality", "change", "truth"], ...] = (
        "first_data",
        "drift",
        "quality",
        "change",
    )
    """``truth`` asks again while an alarm rings and new truth has come."""
    actions: dict[Kind, Action] = Field(default_factory=dict)
    """What an alarm of a kind allows, in place of what follows from ``triggers``: retrain, or only tell. ``rollback``
    goes back while the version is watched (``rollout.after.watch_hours``), and tells after that. Alarms on the endpoint
    tell, or go back; ``errors`` follows ``rollout.after.action`` where it is not named."""
    schedule: str | None = Field(default=None, pattern=r"^(rate|cron)\(.+\)$")
    """Asks for a training at these times, whatever rings; the policy decides as always."""
    volume: VolumeSpec | None = None
    """Asks for one when so much has come; looked at when truth comes and after every monitoring run."""
    cooldown_hours: int = Field(default=6, ge=0)
    daily_budget: int = Field(default=4, ge=1)
    """Trainings in any 24 hours."""
    monthly_budget: int = Field(default=30, ge=1)
    """Trainings in any 30 days."""
    monthly_cost_usd: float | None = Field(default=None, gt=0)
    """USD in any 30 days, by the billable seconds of the runs and the dated price table; no limit when absent."""
    price_per_hour_usd: float | None = Field(default=None, gt=0)
    """Your price of the training instance, in place of the dated table's."""
    backoff: BackoffSpec = BackoffSpec()
    give_up_after: int | None = Field(default=5, ge=1, le=100)
    """So many trainings refused or failed in a row, and none is started by itself any more until a person resumes:
    ``trimtab retraining resume``. null never gives up."""

    @model_validator(mode="after")
    def _trains_for_no_endpoint(self) -> Self:
        for kind in get_args(ServiceKind):
            if self.named_action(kind) == "retrain":
                raise ValueError(f"actions: {kind} is about the endpoint, which no training mends: rollback or tell")
        return self

    def named_action(self, kind: str) -> Action | None:
        """What ``actions`` says of a kind; None where it does not name it."""
        return next((action for named, action in self.actions.items() if named == kind), None)

    def price(self, instance_type: str) -> float | None:
        """USD of an hour of one training instance; None when neither you nor the dated table say."""
        return self.price_per_hour_usd or price_per_hour(instance_type)

    def action(self, kind: AlarmKind) -> Action:
        """What an alarm of ``kind`` allows."""
        if kind in self.actions:
            return self.actions[kind]
        return "retrain" if _TRIGGERED.get(kind) in self.triggers else "tell"
