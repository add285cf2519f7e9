"""DynamoDB: what moto does otherwise than AWS. Streams end here: nothing reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.cloud import Cloud

_TOKEN = "ClientRequestToken"
_KEPT_SECONDS = 600
_HANDLER = "moto.dynamodb.responses:DynamoHandler"


@dataclass(frozen=True)
class _Done:
    """A transaction that succeeded: what was asked for, the answer, and until when its token counts."""

    request: dict[str, Any]
    answer: Any
    until: float


def install(cloud: Cloud) -> None:
    """A transaction that is sent again with its client token, within ten virtual minutes, does not act again."""

    def write(response: Any) -> Any:
        token = response.body.get(_TOKEN)
        return _once(cloud, response, token, original) if token else original(response)

    def update(response: Any) -> Any:
        return _without_keys(response, original_update)

    original = cloud.patches.replace(f"{_HANDLER}.transact_write_items", write, "does not look at client tokens")
    original_update = cloud.patches.replace(f"{_HANDLER}.update_item", update, "returns the key as updated")


def _once(cloud: Cloud, response: Any, token: str, write: Callable[[Any], Any]) -> Any:
    from moto.dynamodb.exceptions import DynamodbException

    now, request = cloud.clock.now(), {name: value for name, value in response.body.items() if name != _TOKEN}
    done: dict[str, _Done] = response.dynamodb_backend.__dict__.setdefault("client_tokens", {})
    for old in [key for key, one in done.items() if one.until <= now]:
        del done[old]
    if token not in done:
        done[token] = _Done(request, write(response), now + _KEPT_SECONDS)
    elif done[token].request != request:
        message = "The provided client token was used with other parameters before."
        raise DynamodbException("IdempotentParameterMismatchException", message)
    return done[token].answer


def _without_keys(response: Any, update: Callable[[Any], Any]) -> Any:
    """A key is never updated, also when its item is new."""
    answer = update(response)
    if response.body.get("ReturnValues") == "UPDATED_NEW":
        for name in response.body["Key"]:
            answer.result.get("Attributes", {}).pop(name, None)
    return answer
