"""What the local cloud carries out, as Markdown tables made from its code.

`python -m localcloud.coverage` prints the page that docs/local-cloud-coverage.md keeps.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from localcloud.cloudformation.resource_type import CUSTOM, ResourceType, all_types
from localcloud.cloudformation.service import OPERATIONS as OPERATIONS_OF_STACKS
from localcloud.cloudformation.templates import CARRIED_OUT
from localcloud.coverage_of_services import rows_of_services
from localcloud.images.environments import recipes
from localcloud.lambda_.checks import NOT_SUPPORTED
from localcloud.lambda_.runtimes import STANDS_IN, supported_runtimes
from localcloud.patches import Patch
from localcloud.sagemaker import OPERATIONS, refusals, runtimes
from localcloud.server import Options, build, make_cloud
from localcloud.stepfunctions.definition import INTEGRATIONS

Row = Sequence[str]
Section = tuple[str, str, Row, Iterable[Row]]

_HEAD = (
    "# What the local cloud carries out\n\nMade from the code by `python -m localcloud.coverage`; not edited by hand.\n"
)
_NO_PORT = 0


def page(patches: Iterable[Patch]) -> str:
    """The whole page; the same code gives the same text."""
    made = list(patches)
    sections = (_section_of_services(made), *_sections_of_stacks(), *_sections(made))
    return "\n".join([_HEAD, *(_section(*section) for section in sections)])


def patches_of_a_start() -> list[Patch]:
    """Every change that a starting local cloud makes to moto in this process; it serves nothing and has ended."""
    with tempfile.TemporaryDirectory(prefix="localcloud-") as scratch:
        cloud = make_cloud(Options(_NO_PORT, Path(scratch)), _NO_PORT)
        try:
            build(cloud)
        finally:
            cloud.stopping.set()
            cloud.clock.wake()
            cloud.processes.stop_all()
    return cloud.patches.made


def _section_of_services(patches: Iterable[Patch]) -> Section:
    return (
        "Services and operations",
        "What is not moto's of CloudFormation and SageMaker has tables of its own below. Operations in **bold** are "
        "changed or added, the others are moto's. An operation that is not listed, one that would only be recorded, "
        "and every other service are refused with a 400 that names them.",
        ("service", "operations", "would only be recorded"),
        list(rows_of_services(patches)),
    )


def _sections_of_stacks() -> Iterator[Section]:
    yield (
        "CloudFormation: resource types",
        "A resource of any other type fails the deployment, and so does a property that is not listed. "
        "A property without effect is accepted, because nothing on a laptop depends on it. A change of a property in "
        "**bold** makes a new resource; of one in *italics* it fails; all others change the resource in place.",
        ("type", "properties carried out", "without effect", "Fn::GetAtt"),
        [_resource_row(one) for _, one in sorted(all_types().items())],
    )
    yield (
        "CloudFormation: templates",
        "Anything else fails the deployment before something is made. Refused are nested stacks, macros and other "
        "transforms, creation and update policies, snapshots, imports, stack policies, drift detection and StackSets.",
        ("part", "carried out"),
        [(part, _names(f"`{name}`" for name in names)) for part, names in CARRIED_OUT.items()],
    )
    yield (
        "CloudFormation: operations",
        "Any other operation is refused, and so is a parameter that would be recorded and then ignored.",
        ("operation",),
        [(f"`{name}`",) for name in sorted(OPERATIONS_OF_STACKS)],
    )


def _sections(patches: Iterable[Patch]) -> Iterator[Section]:
    yield (
        "Step Functions",
        "Optimized integrations. A state machine with any other is refused when it is created. Besides these it takes "
        "a Lambda function's ARN and every `aws-sdk:` action that botocore knows (plain and `waitForTaskToken`). "
        "What the service itself refuses, such as SageMaker's operations below, fails when the state runs.",
        ("integration", "patterns"),
        [_integration_row(service, action) for service in INTEGRATIONS for action in INTEGRATIONS[service]],
    )
    yield (
        "SageMaker",
        "Operations that are really carried out, and operations that are refused because moto would only record them. "
        "`Search` is refused for what the local cloud keeps itself.",
        ("operation", ""),
        [
            (f"`{name}`", "refused" if name in refusals.OPERATIONS else "carried out")
            for name in sorted(OPERATIONS | runtimes.OPERATIONS)
        ],
    )
    yield (
        "SageMaker images",
        "Container images that a local environment stands for. Any other image is refused.",
        ("repository:tag", "Python", "packages"),
        [(f"`{one.image}`", one.python, f"`localcloud/images/{one.lock.name}`") for one in recipes()],
    )
    yield (
        "Lambda",
        f"Runtimes: {_names(f'`{name}`' for name in supported_runtimes())}; "
        + ", ".join(f"`{name}` runs as `{base}`" for name, base in STANDS_IN.items())
        + ". Refused when a function is created:",
        ("field", "what it is"),
        [(f"`{name}`", meaning) for name, meaning in sorted(NOT_SUPPORTED.items())],
    )
    yield (
        "What is changed in moto",
        "Each change is made when the local cloud starts. It does not start when moto no longer has what is replaced.",
        ("module", "attributes", "reason"),
        list(_patch_rows(patches)),
    )


def _resource_row(one: ResourceType) -> Row:
    name = f"{CUSTOM}, Custom::*" if one.name == CUSTOM else one.name
    carried_out = "any" if one.open_ended else ", ".join(_property(one, name) for name in sorted(one.properties))
    return f"`{name}`", carried_out, _names(one.without_effect), "any" if one.open_ended else _names(one.attributes)


def _property(one: ResourceType, name: str) -> str:
    if name in one.replaced_by:
        return f"**{name}**"
    return f"*{name}*" if name in one.unchangeable else name


def _integration_row(service: str, action: str) -> Row:
    return f"`{service}:{action}`", ", ".join(name or "plain" for name in sorted(INTEGRATIONS[service][action]))


def _patch_rows(patches: Iterable[Patch]) -> Iterator[Row]:
    """One row for the attributes of a module that were changed for one reason."""
    attributes: dict[tuple[str, str], set[str]] = {}
    for one in patches:
        module, _, attribute = one.target.partition(":")
        added = " (added)" if one.kind == "added" else ""
        attributes.setdefault((module, one.reason), set()).add(f"`{attribute}`{added}")
    for (module, reason), names in sorted(attributes.items()):
        yield f"`{module}`", _names(names), reason


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _section(title: str, words: str, headings: Row, rows: Iterable[Row]) -> str:
    lines = [_line(headings), _line(["---"] * len(headings)), *(_line(row) for row in rows)]
    return f"## {title}\n\n{words}\n\n" + "\n".join(lines) + "\n"


def _line(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page(patches_of_a_start()))
