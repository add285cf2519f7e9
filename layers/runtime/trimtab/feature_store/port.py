"""What is asked of a feature store. trimtab.aws and the fake in the tests both keep these promises."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class FeatureStore(Protocol):
    """Records of a feature group, each the texts of its features by name."""

    def put(self, group: str, records: Sequence[Mapping[str, str]]) -> None:
        """Every record is in the group's stores; online only the one of the latest event time is kept of an id.

        Raises FeatureStoreBusy when the service asks to come back later; some records may be written then.
        """
        ...

    def get(self, group: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """The online store's record by id; ids that it does not hold are absent."""
        ...
