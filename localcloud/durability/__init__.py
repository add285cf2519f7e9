"""State that outlives the process: what was answered is there again after kill -9, and what ran has failed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from localcloud.cloud import Cloud


def install(cloud: "Cloud") -> None:
    """The state of moto's backends is kept; services register their own with `cloud.durable.keep`."""
    from localcloud.durability import (
        backends,
        dynamodb_items,
        executions,
        log_events,
        s3_objects,
        sessions,
        sqs_messages,
    )

    cloud.durable.codec.refer("cloud", cloud)
    cloud.durable.codec.refer("clock", cloud.clock)
    for module in (backends, s3_objects, dynamodb_items, sqs_messages, log_events, executions, sessions):
        module.install(cloud)


def middleware(cloud: "Cloud", app: "WSGIApplication") -> "WSGIApplication":
    """Requests that write are answered when their changes are kept."""
    from localcloud.durability.requests import middleware as wait_for_the_store

    return wait_for_the_store(cloud, app)
