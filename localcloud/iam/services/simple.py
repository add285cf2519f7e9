"""Services whose operations act on the one resource that a parameter names."""

from collections.abc import Iterator

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

# service: (parameter, resource part of the ARN), the first that is given counts
_RESOURCES: dict[str, tuple[tuple[str, str], ...]] = {
    "application-autoscaling": (("ResourceId", "scalable-target/{}"), ("ResourceARN", "{}")),
    "ecr": (("repositoryName", "repository/{}"), ("resourceArn", "{}")),
    "lambda": (
        ("FunctionName", "function:{}"),
        ("LayerName", "layer:{}"),
        ("EventSourceMappingUUID", "event-source-mapping:{}"),
        ("UUID", "event-source-mapping:{}"),
        ("Resource", "{}"),
    ),
    "scheduler": (("GroupName", "schedule/{}"), ("Name", "schedule/{}"), ("ResourceArn", "{}")),
    "secretsmanager": (("SecretId", "secret:{}"), ("Name", "secret:{}")),
    "sns": (
        ("TopicArn", "{}"),
        ("TargetArn", "{}"),
        ("SubscriptionArn", "{}"),
        ("ResourceArn", "{}"),
        ("Name", "{}"),
    ),
    "sqs": (("QueueUrl", "{}"), ("QueueName", "{}")),
    "states": (
        ("stateMachineArn", "{}"),
        ("executionArn", "{}"),
        ("activityArn", "{}"),
        ("resourceArn", "{}"),
        ("name", "stateMachine:{}"),
    ),
    "cloudformation": (("StackName", "stack/{}/*"), ("ChangeSetName", "{}")),
}
# operations whose action has another name
_ACTIONS = {
    ("lambda", "Invoke"): "lambda:InvokeFunction",
    ("lambda", "InvokeAsync"): "lambda:InvokeFunction",
    ("lambda", "GetLayerVersionByArn"): "lambda:GetLayerVersion",
    ("sns", "PublishBatch"): "sns:Publish",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("sqs", "DeleteMessageBatch"): "sqs:DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "sqs:ChangeMessageVisibility",
}


def accesses(call: Call) -> Iterator[Access]:
    """One access; "*" when the operation names no resource."""
    action = _ACTIONS.get((call.service, call.operation), call.action)
    yield Access(action, _resource(call), _context(call))


def _resource(call: Call) -> str:
    if call.service == "scheduler" and "Group" not in call.operation:
        return call.arn(f"schedule/{call.text('GroupName') or 'default'}/{call.text('Name')}")
    if call.service == "scheduler" and call.text("Name"):
        return call.arn(f"schedule-group/{call.text('Name')}")
    for name, template in _RESOURCES.get(call.service, ()):
        given = call.text(name)
        if not given:
            continue
        if given.startswith("arn:"):
            return given
        own = call.arn(template.format(given.rpartition("/")[2] if call.service == "sqs" else given))
        registry = call.text("registryId") if call.service == "ecr" else ""  # images of other accounts, AWS's too
        return own.replace(f":{call.account}:", f":{registry}:", 1) if registry else own
    return _any_arn(call)


def _any_arn(call: Call) -> str:
    given = (str(value) for name, value in call.parameters.items() if name.lower().endswith("arn"))
    return next((value for value in given if value.startswith("arn:")), "*")


def _context(call: Call) -> dict[str, tuple[str, ...]]:
    if call.service == "application-autoscaling":
        named = {"service-namespace": "ServiceNamespace", "scalable-dimension": "ScalableDimension"}
        return {f"{call.service}:{key}": (call.text(name),) for key, name in named.items() if call.text(name)}
    if call.service == "sns" and call.operation == "Subscribe":
        return {"sns:protocol": (call.text("Protocol"),), "sns:endpoint": (call.text("Endpoint"),)}
    if call.service == "lambda" and call.text("Principal"):
        return {"lambda:principal": (call.text("Principal"),)}
    return {}


def identity_accesses(call: Call) -> Iterator[Access]:
    """IAM's and STS's resources are global and have paths."""
    path = call.text("Path") or "/"
    for name, kind in (("RoleName", "role"), ("UserName", "user"), ("GroupName", "group"), ("PolicyName", "policy")):
        if not call.text(name) or (name == "PolicyName" and call.operation != "CreatePolicy"):
            continue
        found = _path_of_role(call) if name == "RoleName" and call.operation != "CreateRole" else path
        yield Access(call.action, f"arn:aws:iam::{call.account}:{kind}{found}{call.text(name)}", _policy(call))
        return
    yield Access(call.action, call.text("PolicyArn") or call.text("RoleArn") or "*", _policy(call))


def _policy(call: Call) -> dict[str, tuple[str, ...]]:
    keys = {"PolicyArn": "iam:policyarn", "PermissionsBoundary": "iam:permissionsboundary"}
    return {key: (call.text(name),) for name, key in keys.items() if call.text(name)}


def _path_of_role(call: Call) -> str:
    from moto.iam.models import iam_backends

    roles = list(iam_backends[call.account]["aws"].roles.values())
    named = (one for one in roles if one.name == call.text("RoleName"))
    return next((str(one.path) for one in named), "/")


def parameter_accesses(call: Call) -> Iterator[Access]:
    """SSM parameters, one access for each name."""
    names = call.parameters.get("Names") or [call.text("Name") or call.text("Path")]
    for name in names:
        resource = call.arn(f"parameter/{name.lstrip('/')}") if name else "*"
        yield Access(call.action, name if name.startswith("arn:") else resource)
