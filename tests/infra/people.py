"""Managed policies for people, as IAM would judge whoever holds one."""

from typing import Any

from localcloud.iam.decision import Principal, decide
from localcloud.iam.policies import Access, Identity
from tests.infra.conftest import Assembly

ACCOUNT = "123456789012"
HERE = f"us-east-1:{ACCOUNT}"
TABLE, BUCKET, KEY = "arn:table", "arn:bucket", "arn:key"
"""Stand for every table, bucket and key: the folder or the rows tell them apart."""
_PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "Key": KEY,
    "Ledger": TABLE,
    "Bucket": BUCKET,
}


def machine(model: str, name: str) -> str:
    """ARN of a state machine of the model."""
    return f"arn:aws:states:{HERE}:stateMachine:trimtab-dev-{model}-{name}"


def policy(assembly: Assembly, model: str, start: str) -> dict[str, Any]:
    """The document of the one managed policy of the model whose logical id begins so."""
    machines = {name: machine(model, name.removesuffix("Machine").lower()) for name in _machines(assembly, model)}
    (found,) = [
        each.properties["PolicyDocument"]
        for each in assembly.resources("AWS::IAM::ManagedPolicy")
        if each.stack == f"trimtab-dev-model-{model}" and each.id.startswith(start)
    ]
    plain: dict[str, Any] = _plain(found, machines | _PARAMETERS)
    return plain


def _machines(assembly: Assembly, model: str) -> list[str]:
    """What logical ids of the model's machines contain: ReleaseMachine, RollbackMachine, and so on."""
    stack = f"trimtab-dev-model-{model}"
    found = [each for each in assembly.resources("AWS::StepFunctions::StateMachine") if each.stack == stack]
    return [each.properties["StateMachineName"].rpartition("-")[2].capitalize() + "Machine" for each in found]


def may(document: dict[str, Any], action: str, resource: str, context: dict[str, tuple[str, ...]]) -> bool:
    """Whether a person who holds nothing else may do it."""
    person = Principal(f"arn:aws:iam::{ACCOUNT}:user/eva", Identity(frozenset()), (document,))
    return decide(person, Access(action, resource, context), None) is None


def _plain(value: Any, known: dict[str, str]) -> Any:
    """Template values with those of an account in place of references."""
    if isinstance(value, list):
        return [_plain(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(_plain(part, known) for part in parts)
    if "Fn::GetAtt" in value:
        return next((found for part, found in known.items() if part in value["Fn::GetAtt"][0]), value)
    if referred := value.get("Ref") or value.get("Fn::GetStackOutput", {}).get("OutputName"):
        return next(found for part, found in known.items() if part in referred)
    return {key: _plain(each, known) for key, each in value.items()}
