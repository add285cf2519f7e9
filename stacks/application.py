"""The app's stacks, put together."""

from collections.abc import Sequence

from aws_cdk import App, Tags

from stacks.control_stack import ControlStack
from stacks.data_stack import DataStack
from stacks.model_source import ModelSource, find_models
from stacks.model_stack import ModelStack
from stacks.observability_stack import ObservabilityStack
from stacks.stage import Stage
from trimtab.errors import SpecError
from trimtab.names import model_stack_name, stack_name


def build(app: App, *, stage: Stage, models: Sequence[str] = (), architecture: str = "x86_64") -> None:
    """``app`` holds all stacks of ``stage``; ``models`` are names or folders, all of models/ when there are none."""
    sources = find_models(models)
    for source in sources:
        _check_age(source, stage)
    data = DataStack(app, stack_name(stage.name, "data"), stage=stage)
    control = ControlStack(app, stack_name(stage.name, "control"), stage=stage, data=data, architecture=architecture)
    for source in sources:
        ModelStack(
            app,
            model_stack_name(stage.name, source.spec.name),
            stage=stage,
            model=source,
            data=data,
            control=control,
            architecture=architecture,
        )
    ObservabilityStack(app, stack_name(stage.name, "observability"), control=control, models=sources)
    Tags.of(app).add("application", "trimtab")
    Tags.of(app).add("stage", stage.name)


def _check_age(source: ModelSource, stage: Stage) -> None:
    """Raises SpecError when windows are gone before their truth has come."""
    truth, kept = source.spec.monitoring.windows.truth_days, stage.captures_days
    if truth > kept:
        raise SpecError(
            f"{source.spec.name}: monitoring.windows.truth_days is {truth}, and stage {stage.name} keeps captured "
            f"traffic for {kept} days; lower it, or deploy with -c captures_days={truth}, or more"
        )
