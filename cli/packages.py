"""`trimtab models`, `approve`, `reject`: versions in the registry and their approval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.gates import print_gates, show_version
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage
from trimtab.ports import Package
from trimtab.rollout.approval import SUBMITTED_BY, is_approved
from trimtab.rollout.votes import SKIP, Caller

if TYPE_CHECKING:
    from trimtab.aws.registry import SageMakerRegistry
    from trimtab.aws.signing import KmsSigner

app = typer.Typer(no_args_is_help=True)
app.command("gates")(print_gates)
app.command("show")(show_version)
VersionArgument = Annotated[int, typer.Argument(help="Version in the registry.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the version.")]
SkipStagingOption = Annotated[bool, typer.Option("--skip-staging", help="Emergency: no staging tests.")]
SkipGatesOption = Annotated[bool, typer.Option("--skip-gates", help="Emergency: nobody is asked while it rolls out.")]
AgainOption = Annotated[bool, typer.Option("--again", help="Also when it is Approved already.")]


@app.command("list")
def list_models(model: ModelArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """List MODEL's versions, newest first."""
    where = Stage(stage)
    found = packages_of(where, model)
    if as_json:
        rows = [{"version": p.version, "status": p.status, "arn": p.arn, "description": p.description} for p in found]
        print(json.dumps(rows))
        return
    shown = Table("version", "status", "registered", "in words", box=None)
    for package in found:
        shown.add_row(str(package.version), package.status, f"{package.created:%Y-%m-%d %H:%M}", package.description)
    Console().print(shown)


@app.command("register")
def register_artifact(
    model: ModelArgument,
    artifact: Annotated[Path, typer.Argument(help="model.tar.gz that was built elsewhere.")],
    like: Annotated[int, typer.Option("--like", help="Version it must not be worse than, on that one's data.")],
    stage: StageOption = "dev",
) -> None:
    """Register an artifact that was not trained by Trimtab: evaluated, judged, and pending when it passed."""
    print(register(Stage(stage), model, artifact, like).arn)


@app.command("approve")
def approve(
    model: ModelArgument,
    version: VersionArgument,
    reason: ReasonOption = "",
    skip_staging: SkipStagingOption = False,
    skip_gates: SkipGatesOption = False,
    again: AgainOption = False,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Approve VERSION of MODEL: staging, tests and the rollout begin. The same act as in the SageMaker console."""
    skips = [name for name, is_skipped in (("staging", skip_staging), ("gates", skip_gates)) if is_skipped]
    if skips and not reason.strip():
        raise CommandError("what is skipped in an emergency needs a --reason; it is kept, and people are told")
    where = Stage(stage)
    package = find(where, model, version)
    _ensure_not_own(where, package)
    if is_approved(package):
        if not again:
            raise CommandError(
                f"version {version} of {model} is Approved already; `trimtab history {model}` says what came of it. "
                "To have it promoted once more: --again"
            )
        set_status(where, package.arn, "PendingManualApproval", "to be approved again")
    set_status(where, package.arn, "Approved", reason, skips)
    _say(package, model, "Approved", reason, as_json)


@app.command("reject")
def reject(
    model: ModelArgument,
    version: VersionArgument,
    reason: ReasonOption = "",
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Reject VERSION of MODEL; a rollout of it goes back."""
    where = Stage(stage)
    package = find(where, model, version)
    set_status(where, package.arn, "Rejected", reason)
    _say(package, model, "Rejected", reason, as_json)


def _ensure_not_own(stage: Stage, package: Package) -> None:
    """Said at once, in place of a promotion that is refused for it."""
    me = Caller(stage.client("sts").get_caller_identity()["Arn"])
    submitter = package.properties.get(SUBMITTED_BY, "")
    if me.is_same_as(Caller(submitter)):
        raise CommandError(f"{me.person} submitted version {package.version}: another person has to approve it")


def _say(package: Package, model: str, status: str, reason: str, as_json: bool) -> None:
    if as_json:
        said = {"model": model, "version": package.version, "arn": package.arn, "status": status, "reason": reason}
        print(json.dumps(said))
    else:
        print(f"version {package.version} of {model} is {status}; what comes of it: trimtab history {model}")


def set_status(stage: Stage, package_arn: str, status: str, reason: str, skips: Sequence[str] = ()) -> None:
    """The package's status is ``status``, with the reason where one was given, and what an emergency skips."""
    from botocore.exceptions import ClientError  # only with a registry at hand is it needed

    said: dict[str, Any] = {"ApprovalDescription": reason} if reason else {}
    if skips:
        said["CustomerMetadataProperties"] = {SKIP: ",".join(skips)}
    try:
        stage.client("sagemaker").update_model_package(ModelPackageArn=package_arn, ModelApprovalStatus=status, **said)
    except ClientError as error:
        if "AccessDenied" not in error.response["Error"]["Code"]:
            raise
        policy = "EmergencyApproverPolicy" if skips else "ApproverPolicy"
        raise CommandError(
            f"you may not turn it to {status}: that takes the policy {policy} of the model's stack. {error}"
        ) from error


def find(stage: Stage, model: str, version: int) -> Package:
    """The package of ``version``. Raises CommandError that names the versions there are."""
    packages = packages_of(stage, model)
    found = next((package for package in packages if package.version == version), None)
    if found is None:
        known = ", ".join(str(package.version) for package in packages) or "none"
        raise CommandError(f"{model} has no version {version}; there are: {known}")
    return found


def packages_of(stage: Stage, model: str) -> list[Package]:
    """The model's versions, newest first. Raises CommandError for a model that the stage does not have."""
    from botocore.exceptions import ClientError  # only with a registry at hand is it needed

    try:
        return list(_registry(stage).packages(stage.names(model).package_group))
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise CommandError(f"no model is called {model} in stage {stage.name}") from error


def register(stage: Stage, model: str, artifact: Path, like: int) -> Package:
    """A pending version with ``artifact``, evaluated and judged on the data of version ``like``, and against it."""
    from cli.external import External  # the gates and their page, which other commands do without

    external = External(stage, model, artifact, find(stage, model, like))
    return external.register(_registry(stage), _signer(stage))


def _registry(stage: Stage) -> SageMakerRegistry:
    from trimtab.aws.registry import SageMakerRegistry  # boto3, which most commands do without

    return SageMakerRegistry(stage.client("sagemaker"))


def _signer(stage: Stage) -> KmsSigner:
    from trimtab.aws.signing import KmsSigner  # boto3 too

    return KmsSigner(stage.client("kms"), stage.data["SigningKey"])
