"""A feature store does not change what a model learns from, nor what its transformations are called."""

from pathlib import Path

import pandas as pd

from tests.fixtures.models.tiny import data
from tests.fixtures.tiny import SPEC
from trimtab.authoring.contract import Contract
from trimtab.authoring.transformations import learn
from trimtab.features import FittedFeatures
from trimtab.spec import FeaturesSpec, Spec

RULE = {"columns": "load", "steps": ["log"]}


def learned(features: FeaturesSpec | None, folder: Path) -> tuple[FittedFeatures | None, pd.DataFrame]:
    spec: Spec = SPEC.model_copy(update={"features": features})
    said = spec.model_dump(mode="json")
    return learn(said, Contract.of_spec(said), data.month(1, rows=50), folder)


def test_a_store_alone_leaves_the_columns_as_they_are(tmp_path: Path) -> None:
    fitted, table = learned(FeaturesSpec(store=True), tmp_path)
    assert fitted is None
    pd.testing.assert_frame_equal(table, learned(None, tmp_path)[1])


def test_the_digest_of_declared_features_is_the_same_with_a_store(tmp_path: Path) -> None:
    without, _ = learned(FeaturesSpec.model_validate({"rules": [RULE]}), tmp_path)
    beside, _ = learned(FeaturesSpec.model_validate({"rules": [RULE], "store": True}), tmp_path)
    assert without is not None
    assert beside is not None
    assert without.digest == beside.digest
