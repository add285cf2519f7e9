"""Who calls, as the registry remembers it."""

from localcloud.sagemaker.service import Record, Region


def user_context(region: Region) -> Record:
    """The UserContext of the present request's caller: the identity that STS would name."""
    from moto.sts.models import sts_backends

    backend = sts_backends[region.cloud.account]["aws"]
    principal_id, arn, _account = backend.get_caller_identity(region.caller_key, region.name)
    return {"IamIdentity": {"Arn": arn, "PrincipalId": principal_id}}
