"""SageMaker's Feature Store behind the FeatureStore port of trimtab.feature_store."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import FeatureStoreBusy

AT_ONCE: Final = 8
"""Requests under way at a time: PutRecord takes one record, and a client keeps ten connections."""
_BUSY: Final = frozenset({"ThrottlingException", "ServiceUnavailable", "InternalFailure", "TooManyRequestsException"})
_IDS: Final = 100
"""Ids that one BatchGetRecord may name."""


class SageMakerFeatureStore:
    """Feature groups of this account."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    @classmethod
    def connect(cls) -> "SageMakerFeatureStore":
        """With this process's client."""
        return cls(client("sagemaker-featurestore-runtime"))

    def put(self, group: str, records: Sequence[Mapping[str, str]]) -> None:
        """Records of one id are written in their order; those of several ids side by side."""
        shares: list[list[Mapping[str, str]]] = [[] for _ in range(AT_ONCE)]
        for record in records:
            shares[hash(next(iter(record.values()))) % AT_ONCE].append(record)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda share: self._put_each(group, share), shares))

    def get(self, group: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(ids), _IDS):
            asked = {
                "FeatureGroupName": group,
                "RecordIdentifiersValueAsString": list(ids[start : start + _IDS]),
            }
            found |= self._answered([asked])
        return found

    def _answered(self, asked: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
        try:
            answer = self._runtime.batch_get_record(Identifiers=asked)
        except ClientError as error:
            raise _busy_or(error) from error
        if problems := [*answer["Errors"], *answer["UnprocessedIdentifiers"]]:
            raise FeatureStoreBusy(f"the feature store did not answer for all ids: {problems[0]}")
        return {
            each["RecordIdentifierValueAsString"]: {
                value["FeatureName"]: value["ValueAsString"] for value in each["Record"]
            }
            for each in answer["Records"]
        }

    def _put_each(self, group: str, records: Sequence[Mapping[str, str]]) -> None:
        for record in records:
            values = [{"FeatureName": name, "ValueAsString": text} for name, text in record.items()]
            try:
                self._runtime.put_record(FeatureGroupName=group, Record=values)
            except ClientError as error:
                raise _busy_or(error) from error


def _busy_or(error: ClientError) -> Exception:
    if error.response["Error"]["Code"] in _BUSY:
        return FeatureStoreBusy(f"the feature store is busy: {error}")
    return cast(Exception, error)
