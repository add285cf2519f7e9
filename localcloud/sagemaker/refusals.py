"""Operations that moto records as if they had run, though nothing would: the local cloud refuses them."""

from collections.abc import Callable
from typing import NoReturn

from localcloud.sagemaker.api import PassOnError
from localcloud.sagemaker.errors import UnsupportedError
from localcloud.sagemaker.service import Answer, Operation, Region, Request

_RECORDED_ONLY = (
    "CreateAutoMLJobV2", "CreateCompilationJob",
    "CreateNotebookInstance", "CreateNotebookInstanceLifecycleConfig", "StartNotebookInstance", "CreatePipeline",
    "StartPipelineExecution", "CreateCluster", "CreateDomain",
    "CreateModelBiasJobDefinition", "CreateDataQualityJobDefinition", "CreateModelExplainabilityJobDefinition",
    "CreateModelQualityJobDefinition",
)  # fmt: skip
_OURS = frozenset(
    {
        "TrainingJob", "Endpoint", "ModelPackage", "ModelPackageGroup", "Model", "Experiment", "ExperimentTrial",
        "ExperimentTrialComponent", "FeatureGroup", "FeatureMetadata",
    }
)  # fmt: skip


def _refusal(name: str) -> Callable[[Region, Request], NoReturn]:
    def refuse(_region: Region, _request: Request) -> NoReturn:
        raise UnsupportedError(f"{name}: it would be recorded, but nothing would run")

    return refuse


def search(_region: Region, request: Request) -> Answer:
    """Search over what moto keeps goes on to moto; over what the local cloud keeps it is refused."""
    if request["Resource"] in _OURS:
        raise UnsupportedError(f"Search over {request['Resource']}: use the List operations")
    raise PassOnError


OPERATIONS: dict[str, Operation] = {"Search": search, **{name: _refusal(name) for name in _RECORDED_ONLY}}
