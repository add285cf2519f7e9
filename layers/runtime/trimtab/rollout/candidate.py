"""What a candidate's registration says and signs; check_approval reads it back word for word."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trimtab.contracts import Judgement
from trimtab.ports import Signer
from trimtab.rollout.approval import SIGNATURE, SUBMITTED_BY, manifest_digest

MAX_VALUE = 256
"""Longest value of a package's metadata property (SageMaker's API reference); an empty one is refused."""
ENVIRONMENT = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
    "OMP_NUM_THREADS": "1",
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
}
"""Container environment of every served model. Requests are many and small, so each is scored by one thread. The
container installs the code folder with pip, and has no network: the last two let that succeed; "0" is how pip reads
"no isolation" from this variable, "1" would leave it on."""


@dataclass(frozen=True)
class Candidate:
    """A run that passed its gates, with the digests of all that it was made of."""

    group: str
    run: str
    dataset: str
    artifact_sha256: str
    evaluation_sha256: str
    code_sha256: str
    submitted_by: str
    recorded: Mapping[str, str] = field(default_factory=dict)
    """What a version with a record says besides: its record's digest, image, spec and policy."""

    def properties(self, signer: Signer) -> dict[str, str]:
        """The package's metadata, signed: who changes a digest afterwards makes the signature void."""
        digests = {
            "run": self.run,
            "dataset": self.dataset,
            "artifact_sha256": self.artifact_sha256,
            "evaluation_sha256": self.evaluation_sha256,
            "code_sha256": self.code_sha256,
            SUBMITTED_BY: self.submitted_by[:MAX_VALUE],
        } | {name: value[:MAX_VALUE] for name, value in self.recorded.items() if value}
        return digests | {SIGNATURE: signer.sign(manifest_digest(self.group, digests))}


def describe(judgement: Judgement, metrics: Mapping[str, float | None]) -> str:
    """A line for people who open the package in the registry."""
    measured = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items() if value is not None)
    passed = sum(gate.outcome == "pass" for gate in judgement.gates)
    return f"{passed} of {len(judgement.gates)} gates passed; hold-out: {measured}"
