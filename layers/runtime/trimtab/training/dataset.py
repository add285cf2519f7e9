"""Reads accepted drops by their version, makes a dataset of them and stores it under its digest."""

import io
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.contracts import Champion, Dataset
from trimtab.data.profile import profile_table
from trimtab.data.read import format_of, read_table
from trimtab.datasets.build import Built, build
from trimtab.datasets.parts import Part, parts_of
from trimtab.datasets.sources import Source, accepted
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger, ObjectStore
from trimtab.spec import Column, Spec

BUILT = "dataset.built"
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

        A retry of the same run gives the first attempt's answer.
        """
        if found := decided(self.ledger, BUILT, run):
            return Dataset.model_validate(found)
        built = build(accepted(self.ledger.entries("drop.accepted")), self._read, self.spec)
        if isinstance(built, str):
            return Dataset(ready=False, reason=built)
        if not force and self._judged_before(built.manifest.digest):
            return Dataset(ready=False, reason=f"nothing new since dataset {built.manifest.digest[:12]} was trained on")
        dataset = self._store(built)
        self.ledger.append(BUILT, run, dataset.to_json() | {"summary": _summary(dataset)}, at, ACTOR)
        return dataset

    def _judged_before(self, digest: str) -> bool:
        last = self.ledger.state(LAST_RUN) or {}
        return (last.get("dataset"), last.get("code_uri")) == (digest, self.code_uri)

    def _read(self, source: Source, columns: list[str]) -> pa.Table:
        """The columns of exactly the bytes that were accepted."""
        tables = [self._read_part(part) for part in parts_of(source, self.objects)]
        table = pa.concat_tables(tables, promote_options="default")
        return table.select([name for name in columns if name in table.column_names])

    def _read_part(self, part: Part) -> pa.Table:
        with self.objects.open(part.uri, part.version) as stream:
            return read_table(stream, format_of(part.uri, self.spec.data.format), self.spec.data)

    def _store(self, built: Built) -> Dataset:
        """Train and hold-out part, baseline profile and, last, the manifest that vouches for them."""
        digest, split = built.manifest.digest, built.split
        at = f"{self.datasets_uri}/{digest}"
        train = split.train.select([name for name in split.train.column_names if name not in self.spec.data.protected])
        self.objects.write(f"{at}/train/part.parquet", parquet(train))
        self.objects.write(f"{at}/holdout/part.parquet", parquet(split.holdout))
        profile = profile_table(split.train, self._features(), self.spec.data.id)
        self.objects.write(f"{at}/baseline.json", profile.dumps(), "application/json")
        self.objects.write(f"{at}/manifest.json", built.manifest.body, "application/json")
        champion = self.ledger.state("champion")
        return Dataset(
            ready=True,
            reason=f"{split.train.num_rows:,} rows to learn from, {split.holdout.num_rows:,} later ones to judge on",
            dataset=digest,
            manifest_uri=f"{at}/manifest.json",
            train_uri=f"{at}/train/",
            holdout_uri=f"{at}/holdout/",
            baseline_uri=f"{at}/baseline.json",
            rows_train=split.train.num_rows,
            rows_holdout=split.holdout.num_rows,
            champion=Champion.model_validate(champion) if champion else None,
        )

    def _features(self) -> dict[str, Column]:
        return {name: self.spec.data.columns[name] for name in self.spec.data.features}


def parquet(table: pa.Table) -> bytes:
    """The table as the bytes of a Parquet file."""
    packed = io.BytesIO()
    pq.write_table(table, packed, compression="zstd")
    return packed.getvalue()


def _summary(dataset: Dataset) -> str:
    return f"dataset {dataset.dataset[:12]}: {dataset.reason}"
