"""`trimtab rollout status`, `watch` and `abort`: a rollout seen from outside, and ended by a person."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.options import JsonOption, ModelArgument, StageOption
from cli.packages import set_status
from cli.stage import CommandError, Stage
from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.looking import NEWEST
from trimtab.rollout.progress import Progress, newest

if TYPE_CHECKING:
    from trimtab.rollout.fleet_numbers import Did, Minute
    from trimtab.rollout.judge.verdict import Check

VersionOption = Annotated[int, typer.Option("--version", help="Version; the one promoted last when absent.", min=0)]
EXITS = {"Serving": 0, "Shadowed": 0, "RolledBack": 3, "Refused": 4, "Failed": 5}
"""Exit status of `watch` by the promotion's outcome."""
_RECENT = 5
"""Minutes whose numbers are shown."""


@dataclass(frozen=True)
class Sight:
    """What can be seen of a rollout at one moment."""

    progress: Progress
    minutes: tuple[Minute, ...]
    """The last few with a request; none of a first version, or when CloudWatch did not answer."""


@dataclass(frozen=True)
class Watched:
    """One model's newest rollout. Reading the ledger, the endpoint, one object and metrics is all it takes."""

    stage: Stage
    model: str
    version: int

    def progress(self) -> Progress:
        """Raises CommandError when nothing was ever promoted."""
        from trimtab.aws.endpoints import SageMakerEndpoints  # boto3, which most commands do without

        told = newest(self.stage.ledger(self.model).entries(), self.version)
        if told is None:
            what = f"version {self.version} of {self.model}" if self.version else f"any version of {self.model}"
            raise CommandError(f"no promotion of {what} was let in: approve one with `trimtab approve`")
        live = SageMakerEndpoints(self.stage.client("sagemaker"), None).describe(self.stage.names(self.model).endpoint)
        return Progress(told, live, self._judgement(told.promotion.tag))

    def sight(self) -> Sight:
        """Also what both fleets did in the last minutes."""
        progress = self.progress()
        return Sight(progress, self._minutes(progress))

    def _judgement(self, tag: str) -> Judgement | None:
        uri = f"s3://{self.stage.data['ArtifactsBucket']}/{self.model}/rollouts/{tag}/{NEWEST}"
        try:
            return Judgement.from_json(json.loads(self.stage.objects.read(uri)))
        except FileNotFoundError:
            return None

    def _minutes(self, progress: Progress) -> tuple[Minute, ...]:
        from trimtab.aws.measurements import CloudWatchMeasurements
        from trimtab.rollout.fleet_numbers import minutes_of

        plan = progress.told.plan
        if plan is None:
            return ()
        measurements = CloudWatchMeasurements(self.stage.client("cloudwatch"))
        try:
            return tuple(minutes_of(plan, measurements, plan.deadline)[-_RECENT:])
        except EvidenceUnreadable:
            return ()  # numbers are missing in the picture, the rest of it is true all the same


def status(
    model: ModelArgument, version: VersionOption = 0, stage: StageOption = "dev", as_json: JsonOption = False
) -> None:
    """Print where the newest rollout of MODEL is: shares of the requests, both fleets, verdicts, what comes next."""
    seen = Watched(Stage(stage), model, version).sight()
    if as_json:
        print(json.dumps(as_data(seen)))
    else:
        Console().print(picture(seen))


def watch(
    model: ModelArgument,
    version: VersionOption = 0,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=1)] = 5,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Follow the newest rollout of MODEL to its end. Exit status: 0 serves, 3 rolled back, 4 refused, 5 failed."""
    watched, console = Watched(Stage(stage), model, version), Console()
    if console.is_terminal and not as_json:
        outcome = _redraw(watched, console, every)
    else:
        outcome = _lines(watched, every, as_json=as_json)
    raise typer.Exit(EXITS.get(outcome, 1))


def _redraw(watched: Watched, console: Console, every: float) -> str:
    """The outcome, once there is one; until then the picture is drawn anew in its place."""
    seen = watched.sight()
    with Live(picture(seen), console=console, auto_refresh=False) as live:
        while not seen.progress.told.outcome:
            time.sleep(every)
            seen = watched.sight()
            live.update(picture(seen), refresh=True)
    return seen.progress.told.outcome


def _lines(watched: Watched, every: float, *, as_json: bool) -> str:
    """The outcome; a line for every change until then, for logs and pipes."""
    said = ""
    while True:
        progress = watched.progress()
        line = json.dumps(progress.to_json()) if as_json else in_a_line(progress)
        if line != said:
            print(line, flush=True)
            said = line
        if progress.told.outcome:
            return progress.told.outcome
        time.sleep(every)


def abort(
    model: ModelArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the version and in the ledger.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """End the rollout of MODEL that is under way: its version is Rejected, and traffic goes back."""
    if not reason.strip():
        raise CommandError("say with --reason why it is ended")
    where = Stage(stage)
    told = newest(where.ledger(model).entries())
    if told is None or told.outcome:
        raise CommandError(f"nothing of {model} is being rolled out; what serves is changed by `trimtab rollback`")
    promotion = told.promotion
    set_status(where, promotion.package_arn, "Rejected", reason)
    said = {"model": model, "version": promotion.version, "promotion": promotion.id, "status": "Rejected"}
    ended = f"version {promotion.version} of {model} is Rejected; its rollout ends: trimtab rollout watch {model}"
    print(json.dumps(said | {"reason": reason}) if as_json else ended)


def as_data(seen: Sight) -> dict[str, object]:
    """For programs."""
    minutes = [
        {"at": minute.at.isoformat(), "new": vars(minute.new), "old": vars(minute.old)} for minute in seen.minutes
    ]
    return seen.progress.to_json() | {"minutes": minutes}


def in_a_line(progress: Progress) -> str:
    """A moment of a rollout in one line."""
    told = progress.to_json()
    shares = ", ".join(f"{config} {share:.0%}" for config, share in told["shares"].items()) or "nothing serves"
    verdict = f"; {progress.judgement.outcome}: {progress.judgement.message}" if progress.judgement else ""
    what = told["reason"] if told["outcome"] else f"next: {told['next']}"
    step = f"step {told['step']}/{len(told['steps'])}"
    return f"version {told['version']} {told['phase']}, {step}: {shares}{verdict}; {what}"


def picture(seen: Sight) -> Group:
    """A moment of a rollout as people watch it."""
    told, progress = seen.progress.to_json(), seen.progress
    step = f"step {told['step']} of {len(told['steps'])}" if told["steps"] else "no steps"
    by = f", approved by {', '.join(told['approved_by'])}" if told["approved_by"] else ""
    lines = [
        f"{told['model']} version {told['version']}: {told['phase']}, {told['strategy'] or 'first version'}, {step}{by}"
    ]
    lines += [f"  {share:>4.0%}  {config}" for config, share in told["shares"].items()]
    parts: list[str | Table] = ["\n".join(lines)]
    if seen.minutes:
        parts.append(_fleet_table(seen.minutes))
    if progress.judgement:
        parts += [f"look {progress.judgement.look}: {progress.judgement.outcome}: {progress.judgement.message}"]
        parts += [_check_table(progress.judgement.checks), *_agreement(progress.judgement)]
    said = [*parts, *_ending(progress)]
    return Group(*(Text(part) if isinstance(part, str) else part for part in said))


def _ending(progress: Progress) -> list[str]:
    told = progress.to_json()
    if told["outcome"]:
        return [f"ended: {told['outcome']}: {told['reason']}"]
    about = (
        f"ends about {progress.ends_about:%Y-%m-%d %H:%M} UTC" if progress.ends_about else "traffic does not move yet"
    )
    latest = f", at the latest {progress.told.plan.deadline:%Y-%m-%d %H:%M} UTC" if progress.told.plan else ""
    back = [f"going back: {'; '.join(told['going_back'])}"] if told["going_back"] else []
    return [*back, f"next: {told['next']}", f"{about}{latest}"]


def _fleet_table(minutes: tuple[Minute, ...]) -> Table:
    shown = Table("minute (UTC)", "new: requests", "errors", "latency", "old: requests", "errors", "latency", box=None)
    for minute in minutes:
        shown.add_row(f"{minute.at:%H:%M}", *_cells(minute.new), *_cells(minute.old))
    return shown


def _agreement(judgement: Judgement) -> list[str]:
    """Both versions' answers to the same records, where there are any."""
    pairs = judgement.pairs
    if pairs is None:
        return []
    correlation = "–" if pairs.correlation is None else f"{pairs.correlation:.3f}"
    widest = pairs.widest[0]
    return [
        f"{pairs.count} records were answered by both: rank correlation {correlation}, mean absolute difference "
        f"{pairs.mean_absolute:.4g}; the widest at {widest.record}: {widest.new:.4g} after {widest.old:.4g}"
    ]


def _cells(did: Did) -> tuple[str, str, str]:
    latency = "–" if did.latency_ms is None else f"{did.latency_ms:.1f} ms"
    return str(did.requests), str(did.errors), latency


def _check_table(checks: tuple[Check, ...]) -> Table:
    shown = Table("rule", "verdict", "value", "95 % interval", "limit", "new", "old", box=None)
    for check in checks:
        interval = f"{check.interval[0]:.4g} to {check.interval[1]:.4g}" if check.interval else "–"
        value, limit = (f"{each:.4g} {check.unit}" if each is not None else "–" for each in (check.value, check.limit))
        verdict = f"{check.outcome} (dry run)" if check.dry_run else check.outcome
        shown.add_row(check.rule, verdict, value, interval, limit, str(check.n_new), str(check.n_old))
    return shown
