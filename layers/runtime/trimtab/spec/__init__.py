"""model.yaml as typed models: the one definition that synth, functions, jobs, CLI and editors share."""

from trimtab.column_types import ColumnType
from trimtab.spec.approval import ApprovalSpec
from trimtab.spec.card import CardSpec
from trimtab.spec.columns import Column
from trimtab.spec.data import DataSpec, EventWindow, QualityLimits, RowCheck, TextOptions
from trimtab.spec.datasets import DatasetsSpec, LeakageRule
from trimtab.spec.edge import EdgeSpec
from trimtab.spec.evaluation import ChampionRule, EvaluationSpec, MetricRule
from trimtab.spec.expression import Expression
from trimtab.spec.features import FeaturesSpec
from trimtab.spec.gates import AttributeRule, BiasRule, GatesSpec
from trimtab.spec.load import load_spec_file, parse_spec
from trimtab.spec.model import Spec
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.spec.performance import QualityRule
from trimtab.spec.retraining import RetrainingSpec
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.schema import json_schema
from trimtab.spec.tracking import TrackingSpec
from trimtab.spec.training import TrainingSpec

__all__ = [
    "ApprovalSpec",
    "AttributeRule",
    "BiasRule",
    "CardSpec",
    "ChampionRule",
    "Column",
    "ColumnType",
    "DataSpec",
    "DatasetsSpec",
    "EdgeSpec",
    "EvaluationSpec",
    "EventWindow",
    "Expression",
    "FeaturesSpec",
    "GatesSpec",
    "LeakageRule",
    "MetricRule",
    "MonitoringSpec",
    "QualityLimits",
    "QualityRule",
    "RetrainingSpec",
    "RolloutSpec",
    "RowCheck",
    "Spec",
    "TextOptions",
    "TrackingSpec",
    "TrainingSpec",
    "json_schema",
    "load_spec_file",
    "parse_spec",
]
