"""How a Lambda function begins: its event parsed, its settings read, its ports filled with AWS."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from aws_lambda_powertools import Logger, Tracer
from pydantic import ValidationError

from trimtab.aws.event_bus import DefaultEventBus
from trimtab.aws.ledger_table import LedgerTable
from trimtab.aws.notifier import TopicNotifier
from trimtab.aws.objects import S3ObjectStore
from trimtab.aws.session import client
from trimtab.contracts import TEMPORARY, Event, Settings
from trimtab.errors import SettingsError
from trimtab.names import ModelNames
from trimtab.ports import EventBus, Ledger, MetricsSink, Notifier, ObjectStore
from trimtab.spec import Spec, load_spec_file
from trimtab.telemetry import MODEL_DIMENSION, NAMESPACE, Metric

E = TypeVar("E", bound=Event)
Body = Callable[[E, "Runtime"], dict[str, Any]]


@dataclass(frozen=True)
class Runtime:
    """Everything a handler may touch. Tests give fakes in its place."""

    settings: Settings
    model: str
    objects: ObjectStore
    ledger: Ledger
    notifier: Notifier
    metrics: MetricsSink
    events: EventBus
    logger: Logger

    @cached_property
    def spec(self) -> Spec:
        """The model's spec, read once per execution environment."""
        return _spec(self.settings.spec_path)

    @cached_property
    def names(self) -> ModelNames:
        return ModelNames(self.settings.stage, self.model)

    def artifact(self, *parts: str) -> str:
        """URI below the model's folder in the artifacts bucket."""
        return "/".join((f"s3://{self.settings.artifacts_bucket}/{self.model}", *parts))

    def temporary(self, *parts: str) -> str:
        """URI below the model's folder of what is deleted after some weeks."""
        return "/".join((f"s3://{self.settings.artifacts_bucket}/{TEMPORARY}/{self.model}", *parts))

    def capture(self, *parts: str) -> str:
        """URI below the model's folder in the captures bucket."""
        return "/".join((f"s3://{self.settings.captures_bucket}/{self.model}", *parts))


_specs: dict[str, Spec] = {}


def _spec(path: str) -> Spec:
    from pathlib import Path

    if path not in _specs:
        _specs[path] = load_spec_file(Path(path))
    return _specs[path]


class EmfMetrics:
    """Writes measurements to the log in CloudWatch's embedded metric format.

    Powertools' own writer adds the dimension ``service`` to every metric, which no alarm of ours names.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def put(self, metric: Metric, value: float, **dimensions: str) -> None:
        named = {MODEL_DIMENSION: self._model, **dimensions}
        described = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(named)],
            "Metrics": [{"Name": metric.value, "Unit": "None"}],
        }
        emf = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [described]}
        print(json.dumps({"_aws": emf, **named, metric.value: value}), flush=True)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The function's settings. Raises SettingsError that names what is missing."""
    found = {
        field: environment[variable]
        for field in Settings.model_fields
        if (variable := Settings.variable(field)) in environment
    }
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        missing = ", ".join(Settings.variable(str(detail["loc"][0])) for detail in error.errors())
        raise SettingsError(f"the function was deployed without {missing}; deploy its stack again") from error


def aws_runtime(model: str, logger: Logger) -> Runtime:
    """A runtime on AWS for ``model``."""
    settings = read_settings(os.environ)
    return Runtime(
        settings=settings,
        model=model,
        objects=S3ObjectStore(client("s3")),
        ledger=LedgerTable(client("dynamodb"), settings.ledger_table, model),
        notifier=TopicNotifier(client("sns"), settings.topic_arn, model),
        metrics=EmfMetrics(model),
        events=DefaultEventBus(client("events")),
        logger=logger,
    )


class Handler(Generic[E]):
    """A Lambda handler. ``call`` runs its body with a given runtime."""

    def __init__(self, model: type[E], body: Body[E]) -> None:
        self._model, self._body = model, body
        self._logger = Logger()
        self._tracer = Tracer()
        self.__doc__ = body.__doc__
        self.__name__ = body.__name__
        self.__module__ = body.__module__

    def __call__(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        parsed = self._model.model_validate(event)
        self._logger.append_keys(model=parsed.model, execution=parsed.execution)

        @self._tracer.capture_lambda_handler
        def handler(_event: object, _context: object) -> dict[str, Any]:
            return self._run(parsed)

        return cast(dict[str, Any], handler(event, context))

    def _run(self, event: E) -> dict[str, Any]:
        result = self.call(event, aws_runtime(event.model, self._logger))
        self._logger.info("done", extra={"outcome": result.get("outcome") or result.get("verdict")})
        return result

    def call(self, event: E, runtime: Runtime) -> dict[str, Any]:
        """The handler's result for ``event`` in ``runtime``."""
        return self._body(event, runtime)


def entrypoint(model: type[E]) -> Callable[[Body[E]], Handler[E]]:
    """Make a Lambda handler of ``body(event, runtime)``; the raw event is validated as ``model``."""
    return lambda body: Handler(model, body)
