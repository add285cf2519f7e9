"""Turns the parameters of a create, update or change-set request into the inputs of a deployment."""

from urllib.parse import unquote, urlparse

from botocore.exceptions import ClientError

from localcloud.api import ApiError, Request
from localcloud.cloudformation.backend import Backend
from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.parameters import resolve_parameters
from localcloud.cloudformation.resource_type import words
from localcloud.cloudformation.stack import Inputs, Stack
from localcloud.cloudformation.templates import LONGEST_BODY, Template, parse, validate

_IAM_NAMES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
}
# Not refused: ImportExistingResources, which the CDK's bootstrap always asks for; a resource that exists fails then.
_REFUSED = words(
    "NotificationARNs ResourceTypes ResourcesToImport RetainExceptOnCreate StackPolicyBody "
    "StackPolicyDuringUpdateBody StackPolicyDuringUpdateURL StackPolicyURL TimeoutInMinutes"
)
_ONLY = {
    "ChangeSetType": ("CREATE", "UPDATE"),
    "DeploymentMode": (),
    "OnFailure": ("DO_NOTHING", "ROLLBACK"),
    "OnStackFailure": ("ROLLBACK",),
}


def inputs_of(backend: Backend, request: Request, stack: Stack) -> Inputs:
    """What the request asks for, checked; raises ValidationError when it cannot be carried out."""
    given = request.parameters
    for name in sorted(_REFUSED):
        if given.get(name):
            raise ValidationError(f"The local cloud does not do {name}")
    for name, allowed in _ONLY.items():
        if given.get(name) not in (*allowed, None):
            raise ValidationError(f"The local cloud does not do {name} {given[name]}")
    if (given.get("RollbackConfiguration") or {}).get("RollbackTriggers"):
        raise ValidationError("The local cloud does not do RollbackTriggers")
    if (given.get("DeploymentConfig") or {}).get("Mode", "STANDARD") != "STANDARD":
        raise ValidationError("The local cloud does only standard deployments")
    template = template_of(backend, request, stack)
    validate(template)
    capabilities = given.get("Capabilities") or []
    _require_capabilities(template, capabilities)
    parameters = resolve_parameters(
        template.section("Parameters"),
        given.get("Parameters") or [],
        stack.inputs.parameters,
        backend.read_ssm(request.region),
    )
    return Inputs(
        template,
        parameters,
        given.get("Tags", stack.inputs.tags),
        capabilities,
        given.get("RoleARN") or stack.inputs.role_arn,
    )


def template_of(backend: Backend, request: Request, stack: Stack | None) -> Template:
    """The template that a request gives, as text, by its place in S3, or as the one before."""
    given = request.parameters
    if given.get("UsePreviousTemplate") and stack is not None:
        return stack.inputs.template
    if given.get("TemplateBody"):
        return parse(given["TemplateBody"], LONGEST_BODY)
    if given.get("TemplateURL"):
        return parse(_download(backend, request.region, given["TemplateURL"]))
    raise ValidationError("Either Template URL or Template Body must be specified.")


def _download(backend: Backend, region: str, url: str) -> str:
    bucket, key = bucket_and_key(url)
    try:
        answer = backend.cloud.clients.admin("s3", region).get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise ValidationError(f"S3 error: {error.response['Error']['Message']} ({url})") from error
    return bytes(answer["Body"].read()).decode()


def bucket_and_key(url: str) -> tuple[str, str]:
    """The bucket and key that an S3 URL names, in either of its two styles."""
    parsed = urlparse(url)
    host, path = parsed.netloc, unquote(parsed.path.lstrip("/"))
    bucket, separator, _ = host.partition(".s3")
    if separator and host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and not host.startswith("s3"):
        return bucket, path
    first, _, rest = path.partition("/")
    return first, rest


def _require_capabilities(template: Template, given: list[str]) -> None:
    needed = ""
    for definition in template.resources.values():
        if definition["Type"] in _IAM_NAMES:
            named = _IAM_NAMES[definition["Type"]] in (definition.get("Properties") or {})
            needed = "CAPABILITY_NAMED_IAM" if named else needed or "CAPABILITY_IAM"
    accepted = {needed, "CAPABILITY_NAMED_IAM"}
    if needed and not accepted & set(given):
        raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
