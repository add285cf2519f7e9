"""`trimtab logs MODEL RUN`: what a run's jobs wrote, in order, with the run's own end."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from cli.errors import CommandError
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import Stage
from trimtab.ledger.kinds import TRAINING_LEASED, TRAINING_RELEASED
from trimtab.ports import Ledger

RunArgument = Annotated[str, typer.Argument(help="Name of the run, or its end; `trimtab history` lists them.")]
Told = dict[str, Any]
_MARK = len("-r1")
"""Characters at the end of a run's name that a later attempt's jobs have in common only with each other."""
_GROUPS = ("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs")


def logs(model: ModelArgument, run: RunArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """Print the logs of the jobs of RUN: training, attempts after a redrive, and evaluation."""
    where = Stage(stage)
    found = told(where.client("logs"), where.ledger(model), run)
    if as_json:
        print(json.dumps(list(found)))
        return
    for each in found:
        print(f"{each['stream']}  {each['message']}" if each["stream"] else each["message"])


def told(client: Any, ledger: Ledger, run: str) -> Iterator[Told]:
    """What the run's jobs wrote, each line with its stream and time, and how each attempt ended, without a stream.

    Raises CommandError unless exactly one run of the ledger has that name or end.
    """
    name = _whole_name(ledger, run)
    for group in _GROUPS:
        for event in _events(client, group, name[:-_MARK]):
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            yield {"at": at.isoformat(), "stream": event["logStreamName"], "message": event["message"]}
    for entry in ledger.entries(TRAINING_RELEASED):
        if entry.subject.startswith(name):
            yield {"at": entry.at.isoformat(), "stream": None, "message": entry.data["summary"]}


def _whole_name(ledger: Ledger, run: str) -> str:
    known = [entry.subject for entry in ledger.entries(TRAINING_LEASED)]
    found = [name for name in known if name == run or name.endswith(run)]
    if len(found) != 1:
        newest = ", ".join(known[-3:]) or "none yet"
        count = f"{len(found)} runs of {ledger.model} end" if found else f"no run of {ledger.model} ends"
        raise CommandError(f"{count} in {run}; the newest are: {newest}")
    return found[0]


def _events(client: Any, group: str, run: str) -> Iterator[dict[str, Any]]:
    """The lines of all streams of the run in a log group, by time; none when the group does not exist yet."""
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNamePrefix=run)
    try:
        for page in pages:
            yield from page["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
