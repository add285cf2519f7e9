"""Model cards are moto's; but an update keeps what it does not name, which moto forgets."""

from localcloud.sagemaker.api import PassOnError
from localcloud.sagemaker.errors import ValidationError
from localcloud.sagemaker.service import Operation, Record, Region, Request


def update(region: Region, request: Request) -> Record:
    """The card has a new version with either another content or another status.

    AWS says that every update makes a version; whether one of the status alone does is not proven.
    """
    from moto.sagemaker.models import sagemaker_backends

    backend = sagemaker_backends[region.cloud.account][region.name]
    name = request["ModelCardName"].rpartition("/")[2]
    if "Content" in request and "ModelCardStatus" in request:
        raise ValidationError("The content and the status of a model card cannot be updated in one call.")
    if name not in backend.model_cards:
        raise PassOnError
    latest = backend.model_cards[name][-1]
    content = request.get("Content", latest.content)
    status = request.get("ModelCardStatus", latest.model_card_status)
    return {"ModelCardArn": backend.update_model_card(name, content, status)}


OPERATIONS: dict[str, Operation] = {"UpdateModelCard": update}
