"""What is deployed in a stage: outputs of its stacks, and the library's ports over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.errors import CommandError as CommandError
from trimtab.aws.ledger_table import LedgerTable
from trimtab.aws.objects import S3ObjectStore
from trimtab.names import ModelNames, model_stack_name, stack_name

if TYPE_CHECKING:
    import boto3


def _session() -> boto3.Session:
    import boto3  # imported by who talks to AWS: a fifth of a second

    return boto3.Session()


@dataclass(frozen=True)
class Stage:
    """One deployed stage in the account (or local cloud) of the caller's credentials."""

    name: str = "dev"
    session: boto3.Session = field(default_factory=_session)
    """Whose credentials act; the environment's by default."""

    def client(self, service: str) -> Any:
        """A boto3 client; AWS_ENDPOINT_URL leads it to the local cloud."""
        return self.session.client(service)

    @cached_property
    def data(self) -> dict[str, str]:
        """Outputs of the data stack."""
        return self._outputs(stack_name(self.name, "data"))

    @cached_property
    def control(self) -> dict[str, str]:
        """Outputs of the control stack."""
        return self._outputs(stack_name(self.name, "control"))

    def model(self, model: str) -> dict[str, str]:
        """Outputs of the model's stack."""
        return self._outputs(model_stack_name(self.name, model))

    def names(self, model: str) -> ModelNames:
        return ModelNames(self.name, model)

    def ledger(self, model: str) -> LedgerTable:
        return LedgerTable(self.client("dynamodb"), self.data["LedgerTable"], model)

    @cached_property
    def objects(self) -> S3ObjectStore:
        return S3ObjectStore(self.client("s3"))

    def _outputs(self, stack: str) -> dict[str, str]:
        try:
            found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise CommandError(f"{stack} is not deployed here; deploy it with: cdk deploy {stack}") from error
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def status_of(stage: Stage, execution: str) -> str:
    """Of the execution with this ARN, without its input and output: these are encrypted, and who may start a machine
    need not read them."""
    states = stage.client("stepfunctions")
    return str(states.describe_execution(executionArn=execution, includedData="METADATA_ONLY")["status"])
