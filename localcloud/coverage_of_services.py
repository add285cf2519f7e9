"""Which operations of which services there are, as rows for the page of `localcloud.coverage`."""

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from localcloud.patches import Patch
from localcloud.sagemaker import OPERATIONS as OURS
from localcloud.served import NO_PARTS, NO_PARTS_OF_OBJECTS, RECORDED_ONLY, SERVICES

# botocore's name of a service: moto's, where they differ
_PACKAGES: Final = {"lambda": "awslambda", "sagemaker-runtime": "sagemakerruntime", "sagemaker-metrics": "sagemaker"}
# services that moto has no part in here; they have tables of their own on the page
_TOLD_ELSEWHERE: Final = {
    "application-autoscaling", "cloudformation", "cloudtrail", "sagemaker-metrics", "sagemaker-featurestore-runtime",
}  # fmt: skip
_OTHER_HOSTS: Final = {"ListDirectoryBuckets", "WriteGetObjectResponse"}  # are sent to hosts that are not there


def rows_of_services(patches: Iterable[Patch]) -> Iterator[Sequence[str]]:
    """For each service: its operations (**changed** from moto's or added in bold), and those that are refused."""
    changed = {(_package(one), one.target.replace(":", ".").rpartition(".")[2]) for one in patches}
    for signing_name, models in SERVICES.items():
        for model in models:
            if model not in _TOLD_ELSEWHERE:
                refused = RECORDED_ONLY.get(signing_name, frozenset())
                yield _row(model, refused, changed)


def _row(model_name: str, refused: frozenset[str], changed: set[tuple[str, str]]) -> Sequence[str]:
    from botocore import xform_name

    package = _PACKAGES.get(model_name, model_name)
    operations = _operations(model_name, package)
    refused &= set(operations)
    done = [name for name in operations if name not in refused and not (model_name == "sagemaker" and name in OURS)]
    shown = (f"**{name}**" if (package, xform_name(name)) in changed else name for name in done)
    return f"`{model_name}`", ", ".join(shown), ", ".join(sorted(refused))


def _operations(model_name: str, package: str) -> list[str]:
    """The operations that moto, with what was changed in it, has a function for."""
    from botocore import xform_name
    from moto.core.utils import get_service_model

    model = get_service_model(model_name)
    if model_name == "s3":
        return [name for name in model.operation_names if not _is_unknown_part(model, name)]
    responses = _response_classes(package)
    paths = [re.compile(path.replace("{0}", "")) for path in importlib.import_module(f"moto.{package}.urls").url_paths]
    found = [name for name in model.operation_names if any(hasattr(one, xform_name(name)) for one in responses)]
    uris = {name: model.operation_model(name).http["requestUri"] for name in model.operation_names}
    return found or [name for name, uri in uris.items() if any(path.fullmatch(uri) for path in paths)]


def _is_unknown_part(model: Any, name: str) -> bool:
    path, _, query = model.operation_model(name).http["requestUri"].partition("?")
    parts = NO_PARTS_OF_OBJECTS if "Key" in path else NO_PARTS
    return query.partition("&")[0] in parts or name in _OTHER_HOSTS


def _response_classes(package: str) -> list[type]:
    module = importlib.import_module(f"moto.{package}.responses")
    return [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]


def _package(patch: Patch) -> str:
    return patch.target.split(".")[1]
