"""Reads accepted drops by their version, makes a dataset of them and stores it under its digest."""

import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.contracts import Champion, Dataset
from trimtab.data.profile import profile_table
from trimtab.datasets.build import Built, build
from trimtab.datasets.known_truth import STATE as KNOWN_TRUTH
from trimtab.datasets.known_truth import KnownTruth, news, read_known, store
from trimtab.datasets.reading import DropReader
from trimtab.datasets.recipe import Recipe
from trimtab.datasets.sources import TRUTH, Source, accepted
from trimtab.datasets.truth import Truth
from trimtab.ledger.kinds import DATASET_BUILT, DROP_ACCEPTED
from trimtab.ledger.lookup import decided
from trimtab.monitoring.drift.baseline import SEASONS
from trimtab.monitoring.drift.seasons import Seasons
from trimtab.ports import Ledger, ObjectStore
from trimtab.spec import Column, Spec

LAST_RUN = "last_run"
ACTOR = "build_dataset"


@dataclass(frozen=True)
class DatasetBuilder:
    """Makes datasets of one model."""

    spec: Spec
    ledger: Ledger
    objects: ObjectStore
    datasets_uri: str
    code_uri: str

    def build(self, run: str, at: datetime, *, force: bool) -> Dataset:
        """The dataset of all that was accepted so far; not ready when there is too little or nothing new.

        A retry of the same run gives the first attempt's answer, but for the champion: a run that is resumed is
        compared with the model that serves by then.
        """
        if found := decided(self.ledger, DATASET_BUILT, run):
            return Dataset.model_validate({**found, "champion": self.ledger.state("champion")})
        sources = accepted(self.ledger.entries(DROP_ACCEPTED), at)
        known = self._known_truth(sources)
        newer = news(sources, known)
        built = build(newer, DropReader(self.objects, self.spec.data).read, self.spec, known)
        if isinstance(built, str):
            return Dataset(ready=False, reason=built)
        if not force and self._judged_before(built.manifest.digest):
            return Dataset(ready=False, reason=f"nothing new since dataset {built.manifest.digest[:12]} was trained on")
        dataset = self._store(built)
        state = self._kept_truth(built.truth) if any(source.kind == TRUTH for source in newer) else {}
        said = dataset.to_json() | {"summary": _summary(dataset, built)}
        self.ledger.append(DATASET_BUILT, run, said, at, ACTOR, state=state)
        return dataset

    def _known_truth(self, sources: list[Source]) -> Truth | None:
        """The truth that an earlier build has read; None when it has to be read again."""
        known = KnownTruth.of_state(self.ledger.state(KNOWN_TRUTH))
        return read_known(self.objects, known, Recipe.of_spec(self.spec), sources)

    def _kept_truth(self, truth: Truth) -> dict[str, dict[str, Any]]:
        """State of the ledger that tells the next build where the truth is that this one has read."""
        uri = f"{self.datasets_uri}/known_truth.parquet"
        return {KNOWN_TRUTH: store(self.objects, uri, truth, Recipe.of_spec(self.spec)).to_json()}

    def _judged_before(self, digest: str) -> bool:
        last = self.ledger.state(LAST_RUN) or {}
        return (last.get("dataset"), last.get("code_uri")) == (digest, self.code_uri)

    def _store(self, built: Built) -> Dataset:
        """Train and hold-out part, the latter's features, baseline profile and, last, the manifest that vouches for it.

        Who has only the features cannot know the labels: the training job scores them once its model is made.
        """
        digest, split = built.manifest.digest, built.split
        at = f"{self.datasets_uri}/{digest}"
        train = split.train.select([name for name in split.train.column_names if name not in self.spec.data.protected])
        self.objects.write(f"{at}/train/part.parquet", parquet(train))
        self.objects.write(f"{at}/holdout/part.parquet", parquet(split.holdout))
        asked = [name for name in split.holdout.column_names if name in self._asked()]
        self.objects.write(f"{at}/holdout_features/part.parquet", parquet(split.holdout.select(asked)))
        self.objects.write(f"{at}/leakage.json", _json(built.leakage.to_json()), "application/json")
        profile = profile_table(split.train, self._features(), self.spec.data.id)
        self.objects.write(f"{at}/baseline.json", profile.dumps(), "application/json")
        if self.spec.monitoring.reference == "same_period":
            seasons = Seasons.of(split.train, self.spec)
            self.objects.write(f"{at}/{SEASONS}", seasons.dumps(), "application/json")
        self.objects.write(f"{at}/manifest.json", built.manifest.body, "application/json")
        champion = self.ledger.state("champion")
        return Dataset(
            ready=True,
            reason=f"{split.train.num_rows:,} rows to learn from, {split.holdout.num_rows:,} later ones to judge on",
            dataset=digest,
            manifest_uri=f"{at}/manifest.json",
            train_uri=f"{at}/train/",
            holdout_uri=f"{at}/holdout/",
            holdout_features_uri=f"{at}/holdout_features/",
            baseline_uri=f"{at}/baseline.json",
            rows_train=split.train.num_rows,
            rows_holdout=split.holdout.num_rows,
            champion=Champion.model_validate(champion) if champion else None,
        )

    def _asked(self) -> set[str]:
        """Columns that a request to the model may hold."""
        data = self.spec.data
        return {data.id, *([data.event_time] if data.event_time else []), *data.features}

    def _features(self) -> dict[str, Column]:
        return {name: self.spec.data.columns[name] for name in self.spec.data.features}


def parquet(table: pa.Table) -> bytes:
    """The table as the bytes of a Parquet file."""
    packed = io.BytesIO()
    pq.write_table(table, packed, compression="zstd")
    return packed.getvalue()


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def _summary(dataset: Dataset, built: Built) -> str:
    """One sentence, and what people should know of the rows."""
    said = [f"dataset {dataset.dataset[:12]}: {dataset.reason}", *built.leakage.warnings]
    if built.contradictions:
        said.append(f"{built.contradictions:,} rows have two labels in one truth file and are not learned from")
    return "; ".join(said)
