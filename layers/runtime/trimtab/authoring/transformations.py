"""Where declared features meet the training job."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.authoring.contract import Contract

if TYPE_CHECKING:
    import pandas as pd

    from trimtab.features import FittedFeatures


def learn(
    spec: Mapping[str, Any], contract: Contract, table: "pd.DataFrame", code: Path
) -> "tuple[FittedFeatures | None, pd.DataFrame]":
    """What ``fit`` sees of the rows in ``table``, and the transformations learned from these rows and no others.

    None and the columns as they are for a model that declares no features. ``code`` is the author's folder.
    """
    definition = {name: value for name, value in (spec.get("features") or {}).items() if name != "store"}
    if not definition.get("rules"):
        return None, contract.conform(table)
    from trimtab.features import Training, learn_features
    from trimtab.features.author import Author

    times = None if contract.event_time is None else table[contract.event_time].to_numpy()
    training = Training.of(table[contract.label].to_numpy(), spec["problem"], times, int(spec["training"]["seed"]))
    types = {feature.name: feature.type for feature in contract.features}
    return learn_features(definition, types, contract.arrays(table), training, Author.of_folder(code))
