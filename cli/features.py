"""`trimtab features`: a model's records in the feature store, as of a time and by id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import CommandError
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import Stage

if TYPE_CHECKING:
    import pyarrow as pa

    from trimtab.spec import Spec

app = typer.Typer(no_args_is_help=True)
GROUP, SCORING = "FeatureGroup", "ScoreRecords"


@app.command()
def read(
    model: ModelArgument,
    at: Annotated[Path, typer.Option("--at", help="Parquet file with ids and times, named as in the contract.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    written_until: Annotated[
        datetime | None, typer.Option("--written-until", help="Leave out what was stored later (UTC).")
    ] = None,
    spec: Annotated[Path | None, typer.Option("--spec", help="The model.yaml, if it is not that of models/.")] = None,
    stage: StageOption = "dev",
) -> None:
    """Write the features of each id as they were at its time: a point-in-time training set.

    Each row of AT gets the newest record that is of its time or before. Other columns of AT, such as labels, stay.
    """
    where = Stage(stage)
    contract = _contract(model, spec, where)
    asked, limit = _questions(at, contract), written_until.replace(tzinfo=UTC) if written_until else None
    found = _as_of(where, model, contract, asked, limit)
    import pyarrow.parquet as pq

    pq.write_table(found, out, compression="zstd")
    known = len(found) - found.column("record_time").null_count
    print(f"{len(found):,} rows, {known:,} with a record of their time or before: {out}")


@app.command()
def score(
    model: ModelArgument,
    ids: Annotated[list[str], typer.Argument(help="Ids of rows that the store holds.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Score rows by id: their newest records are read from the online store and sent to the endpoint."""
    where = Stage(stage)
    event = {"model": model, "at": datetime.now(UTC).isoformat(), "ids": ids}
    answer = where.client("lambda").invoke(
        FunctionName=_output(where, model, SCORING), Payload=json.dumps(event).encode()
    )
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CommandError(str(said.get("errorMessage", said)))
    if as_json:
        print(json.dumps(said))
        return
    for each in said["answers"]:
        print(json.dumps(each))
    if said["missing"]:
        print(f"not stored: {', '.join(said['missing'])}")


def _output(stage: Stage, model: str, name: str) -> str:
    """Output of the model's stack. Raises CommandError for a model without a feature store."""
    try:
        return stage.model(model)[name]
    except KeyError as error:
        raise CommandError(f"{model} has no feature store; set features.store: true and deploy it") from error


def _contract(model: str, path: Path | None, stage: Stage) -> Spec:
    """The spec of the model. Raises CommandError when it is not the one that is deployed."""
    from cli.data import find_model
    from trimtab.spec.stored import feature_group

    spec = find_model(str(path or model))
    deployed = _output(stage, model, GROUP)
    if feature_group(stage.names(model).prefix, spec) != deployed:
        raise CommandError(f"{deployed} holds other columns than model.yaml says: deploy the model, or give --spec")
    return spec


def _questions(path: Path, spec: Spec) -> pa.Table:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    absent = [name for name in (spec.data.id, str(spec.data.event_time)) if name not in table.column_names]
    if absent:
        raise CommandError(f"{path} has no column {' and no column '.join(absent)}: ids and times to ask about")
    return table


def _as_of(stage: Stage, model: str, spec: Spec, asked: pa.Table, limit: datetime | None) -> Any:
    """The questions' columns, the record's event time as ``record_time``, and the features."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from trimtab.feature_store.as_of import as_of, read_records

    ids, times = asked.column(spec.data.id), asked.column(str(spec.data.event_time)).cast(pa.timestamp("us", "UTC"))
    described = stage.client("sagemaker").describe_feature_group(FeatureGroupName=_output(stage, model, GROUP))
    place = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    records = read_records(stage.objects, place, spec, pc.max(times).as_py())
    found = as_of(records, ids, times, spec, written_until=limit)
    asked = asked.drop_columns([name for name in spec.data.features if name in asked.column_names])
    asked = asked.append_column("record_time", found.column(str(spec.data.event_time)))
    for name in spec.data.features:
        asked = asked.append_column(name, found.column(name))
    return asked
