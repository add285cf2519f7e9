"""How AWS's scikit-learn container serves a model: it calls ``model_fn`` once and ``transform_fn`` for each request.

A refused request must be a 400. Both of the container's servers turn any other exception into a 500:
the single-model server (Flask) lets only a returned response through, the multi-model server
(sagemaker-inference) only its own exception. Source: serving.py and handler_service.py of
aws/sagemaker-scikit-learn-container, transformer.py of sagemaker-containers and sagemaker-inference.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.authoring.contract import Contract
from trimtab.authoring.predictors import Predictor, load
from trimtab.authoring.records import (
    JSON_LINES,
    Record,
    RequestRefused,
    check_media_types,
    read_records,
    to_arrays,
    to_table,
    write_answers,
)
from trimtab.features import FittedFeatures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

VERSION_VARIABLE = "TRIMTAB_VERSION"
"""Set where the registry's version of the model is known, that is at an endpoint."""


@dataclass(frozen=True)
class Served:
    """A loaded model and the contract it was trained under."""

    predictor: Predictor
    contract: Contract
    version: int | None = None
    """Version in the registry, named in every answer: captured traffic says by it which version answered."""
    features: FittedFeatures | None = None
    """Declared features, fitted; None for a model without."""

    def answer(self, body: bytes | str) -> str:
        """The answers to a body of records. Raises RequestRefused."""
        records = read_records(body, self.contract)
        return write_answers(records, self.scores(records), self.contract, self.version)

    def scores(self, records: Sequence[Record]) -> "np.ndarray[Any, Any]":
        """What the model makes of checked records; an ONNX model needs no table."""
        if self.predictor.wants_table:
            return self.predictor.scores(self.table(records))
        if self.features is not None:
            return self.predictor.scores(self.features.arrays(to_arrays(records, self.contract)))
        return self.predictor.scores({name: [record[name] for record in records] for name in self.contract.names})

    def table(self, records: Sequence[Record]) -> "pd.DataFrame":
        """What the model sees of the records: the columns of its contract, transformed as its features declare."""
        if self.features is None:
            return to_table(records, self.contract)
        return self.features.transform(to_arrays(records, self.contract))


def model_fn(model_dir: str) -> Served:
    """The model in ``model_dir``, ready to serve. Raises ModelRefused for files that are not loaded."""
    folder = Path(model_dir)
    version = os.environ.get(VERSION_VARIABLE)
    contract, features = Contract.read(folder), FittedFeatures.read(folder)
    return Served(
        load(folder, contract.problem, contract.trusted_types), contract, int(version) if version else None, features
    )


def transform_fn(model: Served, body: bytes | str, content_type: str, accept: str) -> Any:
    """The answer and its media type, or a refusal in the terms of the server that asks."""
    try:
        check_media_types(content_type, accept)
        return model.answer(body), JSON_LINES
    except RequestRefused as refused:
        return refuse(refused)


def refuse(refused: RequestRefused) -> Any:
    """A WSGI response with the refusal's status. Raises the toolkit's error under the multi-model server."""
    body = json.dumps({"error": refused.message})
    if "sagemaker_inference.transformer" in sys.modules:
        from sagemaker_inference.errors import BaseInferenceToolkitError

        raise BaseInferenceToolkitError(refused.status, body, refused.message)
    from werkzeug.wrappers import Response

    return Response(body, status=refused.status, mimetype="application/json")
