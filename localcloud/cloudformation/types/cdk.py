"""Types that make nothing: they only carry information in the template."""

from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words


def _create(handling: Handling) -> Made:
    return Made(handling.physical_id or handling.generated_name(100))


def _delete(_handling: Handling) -> None:
    """There is nothing to delete."""


TYPES = [
    ResourceType("AWS::CDK::Metadata", properties=words("Analytics"), create=_create, update=_create, delete=_delete),
]
