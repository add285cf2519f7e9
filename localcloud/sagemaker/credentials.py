"""The keys of a container's role, as the SDKs ask for them at the address in the container's environment."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from localcloud.sagemaker.api import Regions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def answer(regions: Regions, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Keys that live for at least another minute; 404 for a path that no container was given."""
    path = environ["PATH_INFO"]
    found = [(region, region.credential_paths[path]) for region in regions.known() if path in region.credential_paths]
    if not found:
        return _json(start_response, "404 Not Found", {"message": "No container has these credentials."})
    region, (role_arn, source_arn) = found[0]
    try:
        keys = region.credentials(role_arn, source_arn)
    except ClientError as error:
        return _json(start_response, "403 Forbidden", {"message": str(error)})
    given = {
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret_key,
        "Token": keys.token,
        "Expiration": datetime.fromtimestamp(keys.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "RoleArn": role_arn,
    }
    return _json(start_response, "200 OK", given)


def _json(start_response: "StartResponse", status: str, value: dict[str, str | None]) -> list[bytes]:
    body = json.dumps(value).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
