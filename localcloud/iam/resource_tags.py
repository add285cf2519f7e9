"""aws:ResourceTag: the tags of the resource that an access is about, looked up when a policy asks for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_PREFIX = "aws:resourcetag/"
_ARN_PARTS = 6
TagsOf = Callable[[str], dict[str, str]]


class TaggedContext(dict[str, Sequence[str]]):
    """Condition keys; those of the resource's tags appear with the first question for one."""

    def __init__(self, keys: Mapping[str, Sequence[str]], resource: str, tags_of: TagsOf) -> None:
        super().__init__(keys)
        self._resource = resource
        self._tags_of: TagsOf | None = tags_of

    def get(self, key: str, default: Any = None) -> Any:
        """The values of a condition key; a service's own ResourceTag is the same as aws:ResourceTag."""
        _service, own, name = key.partition(":resourcetag/")
        if own and self._tags_of is not None:
            tags = self._tags_of(self._resource)
            self._tags_of = None
            self.update({f"{_PREFIX}{tag.lower()}": (value,) for tag, value in tags.items()})
        return super().get(f"{_PREFIX}{name}" if own else key, default)


class ResourceTags:
    """Tags by ARN: of what moto keeps, and of the services that say so in `others`."""

    def __init__(self, account: str) -> None:
        self._account = account
        self.others: dict[str, TagsOf] = {}

    def of(self, arn: str) -> dict[str, str]:
        """The tags of a resource, none when it is not there."""
        parts = arn.split(":")
        if len(parts) < _ARN_PARTS:
            return {}
        if parts[2] in self.others:
            return self.others[parts[2]](arn)
        return self._roles(arn) if parts[2] == "iam" else self._motos(arn, parts[3])

    def _motos(self, arn: str, region: str) -> dict[str, str]:
        from moto.core.resource_tagging import iter_taggable_backends

        backends = (one for one in iter_taggable_backends(self._account, region or "us-east-1") if one.owns_arn(arn))
        tagged = (resource for backend in backends for resource in backend.iter_tagged_resources())
        return next((dict(one.tags) for one in tagged if arn in (one.arn, f"{one.arn}:*")), {})

    def _roles(self, arn: str) -> dict[str, str]:
        from moto.iam.models import iam_backends

        roles = iam_backends[self._account]["aws"].roles.values()
        found = next((role for role in list(roles) if role.arn == arn), None)
        tags = [] if found is None else found.tags or []
        return {tag["Key"]: tag["Value"] for tag in (tags.values() if isinstance(tags, dict) else tags)}
