"""Where runs are told to, besides the ledger and the registry."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from trimtab.spec.base import Section, mistakes, nearest
from trimtab.spec.stages import STAGES

_MANAGED = ("arn:aws:sagemaker:", "arn:aws-us-gov:sagemaker:")


class TrackingSpec(Section):
    """Experiment trackers that every run is told to. None by default; none of them can make a run fail."""

    mlflow: str | dict[str, str] | None = None
    """Tracking server: a URL, or the ARN of a SageMaker managed one; or one of these for each stage by its name."""
    experiment: str | None = Field(default=None, min_length=1)
    """Name of the experiment; that of the package group when absent."""
    wandb: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,128}$")
    """Project of Weights & Biases: every run is written as an offline run, for ``wandb sync``."""

    @field_validator("mlflow")
    @classmethod
    def _is_an_address(cls, given: str | dict[str, str] | None) -> str | dict[str, str] | None:
        unknown = [name for name in (given if isinstance(given, dict) else ()) if name not in STAGES]
        mistakes(
            ((name,), f"there is no stage '{name}': {', '.join(STAGES)}{nearest(name, STAGES)}") for name in unknown
        )
        for uri in given.values() if isinstance(given, dict) else [given] if given else []:
            if not uri.startswith(("http://", "https://", *_MANAGED)):
                raise ValueError(f"'{uri}' is neither a URL (https://…) nor the ARN of a managed tracking server")
            if urlsplit(uri).password is not None:
                mistakes([((), "an address with a password would stand in templates and logs: leave it out")])
        return given

    def mlflow_uri(self, stage: str) -> str | None:
        """Address of the tracking server in ``stage``, None when runs are not told to one there."""
        return self.mlflow.get(stage) if isinstance(self.mlflow, dict) else self.mlflow

    def is_on(self, stage: str) -> bool:
        """Whether any tracker is told of runs in ``stage``."""
        return bool(self.mlflow_uri(stage) or self.wandb)
