"""The whole of a model.yaml."""

import json
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from trimtab.measures import BINARY, IN_UNIT_OF_LABEL, PRIMARY
from trimtab.spec.approval import ApprovalSpec
from trimtab.spec.base import Section, mistakes
from trimtab.spec.batch import BatchSpec
from trimtab.spec.card import CardSpec
from trimtab.spec.data import DataSpec
from trimtab.spec.datasets import DatasetsSpec
from trimtab.spec.edge import EdgeSpec
from trimtab.spec.evaluation import EvaluationSpec, no_metric
from trimtab.spec.features import FeaturesSpec
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.spec.named_columns import misnamed, misused
from trimtab.spec.prices import AS_OF
from trimtab.spec.retraining import RetrainingSpec
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.serving import ServingSpec
from trimtab.spec.stored import unfit_to_store
from trimtab.spec.tracking import TrackingSpec
from trimtab.spec.training import TrainingSpec


class Spec(Section):
    """What a model author writes. Only name, data and the training entry point have no default."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,17}$")
    """Lower-case letters, digits and hyphens, at most 18 characters: names of SageMaker's jobs have 63 in all."""
    owner: str = "unowned"
    problem: Literal["binary", "multiclass", "regression"] = "binary"
    """A label of 0 and 1, one of several classes, or a number."""
    data: DataSpec
    features: FeaturesSpec | None = None
    """Without it, the author's code gets the columns as they are."""
    datasets: DatasetsSpec = DatasetsSpec()
    training: TrainingSpec
    serving: ServingSpec = ServingSpec()
    edge: EdgeSpec | None = None
    """Without it, versions have no form for devices."""
    evaluation: EvaluationSpec = EvaluationSpec()
    approval: ApprovalSpec = ApprovalSpec()
    rollout: RolloutSpec = RolloutSpec()
    batch: BatchSpec | None = None
    """Without it, records are scored by requests alone."""
    monitoring: MonitoringSpec = MonitoringSpec()
    retraining: RetrainingSpec = RetrainingSpec()
    card: CardSpec = CardSpec()
    tracking: TrackingSpec = TrackingSpec()

    @model_validator(mode="before")
    @classmethod
    def _metrics_follow_the_problem(cls, document: Any) -> Any:
        """The primary metric and the one watched in production are the problem's own unless the author names one."""
        metric = PRIMARY.get(document.get("problem", BINARY)) if isinstance(document, dict) else None
        return document if metric is None else _filled(document, metric)

    @model_validator(mode="after")
    def _evaluation_fits_the_problem(self) -> Self:
        found = self.evaluation.mistakes(self.problem, timed=self.data.event_time is not None)
        mistakes((("evaluation", *place), message) for place, message in found)
        named = [(("monitoring", "quality", "metric"), self.monitoring.quality.metric)]
        if self.training.tuning and self.training.tuning.objective:
            named.append((("training", "tuning", "objective"), self.training.tuning.objective))
        mistakes((place, wrong) for place, name in named if (wrong := no_metric(name, self.problem)))
        return self

    @model_validator(mode="after")
    def _devices_run_onnx(self) -> Self:
        if self.edge is not None and self.serving.format == "skops":
            mistakes([(("edge",), "devices run ONNX, and serving.format is skops: leave the section out")])
        return self

    @model_validator(mode="after")
    def _a_budget_in_money_has_a_price(self) -> Self:
        kind, rule = self.training.instance_type, self.retraining
        if rule.monthly_cost_usd is not None and rule.price(kind) is None:
            why = f"no price of {kind} is known (table of {AS_OF}): give retraining.price_per_hour_usd"
            mistakes([(("retraining", "monthly_cost_usd"), why)])
        return self

    @model_validator(mode="after")
    def _features_fit_the_columns(self) -> Self:
        usable = frozenset({*self.data.features, *((self.data.event_time,) if self.data.event_time else ())})
        found = self.features.mistakes(self.data.columns, usable) if self.features else ()
        mistakes((("features", *place), message) for place, message in found)
        mistakes((("features", "store"), message) for message in (unfit_to_store(self) if self.stores else ()))
        return self

    @model_validator(mode="after")
    def _columns_named_elsewhere_exist(self) -> Self:
        mistakes(misnamed(self))
        mistakes(misused(self))
        return self

    @model_validator(mode="after")
    def _drift_rules_can_be_measured(self) -> Self:
        rules = self.monitoring.drift.items()
        wrong = [(name, why) for name, rule in rules if (why := rule.misfit(name, self.data.columns[name]))]
        unwatched = [
            (name, f"the drift of '{name}' is not measured: it is no feature, or not under monitoring.columns")
            for name in self.monitoring.drift
            if name not in self.monitored
        ]
        mistakes((("monitoring", "drift", name), why) for name, why in (*unwatched, *wrong))
        if self.monitoring.reference == "same_period" and self.data.event_time is None:
            mistakes([(("monitoring", "reference"), "rows without data.event_time have no period: use training")])
        return self

    @property
    def stores(self) -> bool:
        """Whether accepted rows are written to a feature store."""
        return self.features is not None and self.features.store

    @property
    def is_measured(self) -> bool:
        """Whether anything of production can be measured: captured traffic, or rows of batches."""
        return self.rollout.capture_percent > 0 or (self.batch is not None and self.batch.monitored_rows > 0)

    @property
    def protected(self) -> tuple[str, ...]:
        """Attributes that the bias gate judges, by role or by name."""
        return tuple(dict.fromkeys([*self.data.protected, *self.evaluation.gates.bias.attributes]))

    @property
    def monitored(self) -> tuple[str, ...]:
        """Columns whose drift is measured."""
        return self.monitoring.columns or self.data.features

    def canonical_json(self) -> str:
        """The spec with all defaults, the same bytes for the same meaning."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _filled(document: dict[str, Any], metric: str) -> dict[str, Any]:
    """The document with ``metric`` where it names none; what is no mapping is left for validation to refuse."""
    evaluation, monitoring = document.get("evaluation", {}), document.get("monitoring", {})
    if isinstance(evaluation, dict):
        document = document | {"evaluation": {"primary": metric} | evaluation}
    quality = monitoring.get("quality", {}) if isinstance(monitoring, dict) else None
    if isinstance(quality, dict):
        document = document | {"monitoring": monitoring | {"quality": _drops_in({"metric": metric} | quality)}}
    return document


def _drops_in(quality: dict[str, Any]) -> dict[str, Any]:
    """The rule with what drops are measured in: no default limit makes sense in the unit of a label."""
    is_share = quality["metric"] in IN_UNIT_OF_LABEL and "max_drop" not in quality
    return {"drop_in": "share" if is_share else "metric"} | quality
