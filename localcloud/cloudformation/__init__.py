"""CloudFormation: an engine of our own, because moto's neither updates in order nor rolls back.

Every resource is made by the AWS API of this same server, with the role that the deployment is given.
"""

from typing import TYPE_CHECKING

from localcloud import api
from localcloud.cloud import Cloud
from localcloud.cloudformation.backend import Backend
from localcloud.cloudformation.callbacks import PATH
from localcloud.cloudformation.deployment import end_interrupted
from localcloud.cloudformation.service import CloudFormation

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def install(cloud: Cloud) -> None:
    """Nothing to patch: the service is wholly in the middleware."""


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """CloudFormation is answered by the engine."""
    backend = Backend(cloud)
    cloud.durable.on_restart(lambda: _end_interrupted(backend))
    app = backend.callbacks.middleware(app)
    cloud.unsigned_paths.add(PATH)
    return api.middleware(
        app, signing_name="cloudformation", model_name="cloudformation", operations=CloudFormation(backend).operations
    )


def _end_interrupted(backend: Backend) -> None:
    for stacks in list(backend.regions.values()):
        for stack in stacks.all():
            end_interrupted(backend, stack)
