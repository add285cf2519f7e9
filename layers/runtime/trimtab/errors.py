"""Every error that Trimtab raises itself.

    TrimtabError
    ├── SpecError               model.yaml is wrong; the author mends it
    ├── DataError               a file cannot be read or breaks its contract; the file is quarantined
    ├── SettingsError           a function was deployed without a setting it needs
    ├── SignatureMismatch       what was approved is not what was registered
    ├── EndpointFailed          SageMaker gave an endpoint up
    ├── PlanError               a rollout that SageMaker or the spec would refuse
    ├── TrainingFailed          a run failed; its execution ends, and a redrive resumes it
    ├── SearchFailed            too many trials of a search failed
    ├── ServiceRefused          a service would not keep a copy of what is recorded elsewhere
    ├── NotDelivered            a receiver of notifications did not take one; Lambda sends it again, then it is kept
    ├── EvidenceUnreadable      a source of evidence on a rollout did not answer; the judge says so and looks again
    ├── LeaseLost               another execution has taken over; this one must not act any more
    ├── ApprovalWithdrawn       the package is not Approved any more; its promotion ends
    └── TransientError          may be retried; the only classes a state machine retries by name
        ├── ApproverUnknown     the audit trail does not show yet who approved
        ├── TrailNotRead        the audit trail has not been read back far enough yet
        ├── EndpointNotReady    an endpoint is still being made
        ├── RolloutInProgress   traffic is still being shifted
        ├── FeatureStoreBusy    the feature store takes no more records for the moment
        └── LedgerConflict      another writer was faster; read again and decide anew
            └── DecisionOvertaken   what was read when it was decided is no longer all

The class name is the error name in a state machine, so renaming one is a change of contract.
"""

from typing import ClassVar


class TrimtabError(Exception):
    """An error with a message that says what is wrong and what to do next."""

    retryable: ClassVar[bool] = False


class SpecError(TrimtabError):
    """Raised when a model.yaml cannot be understood; carries file and line in its message."""


class DataError(TrimtabError):
    """Raised when a file cannot be read as what it claims to be. Deterministic: never retried.

    ``rule`` is what a finding calls the reason.
    """

    def __init__(self, message: str, *, rule: str = "readable") -> None:
        super().__init__(message)
        self.rule = rule


class SettingsError(TrimtabError):
    """Raised when an environment variable that a function needs is absent or malformed."""


class SignatureMismatch(TrimtabError):
    """Raised when a package's signature does not belong to its artifact, evaluation or data."""


class EndpointFailed(TrimtabError):
    """Raised when an endpoint ended in Failed; the message carries SageMaker's reason."""


class PlanError(TrimtabError):
    """Raised when a rollout cannot be planned within SageMaker's published limits."""


class TrainingFailed(TrimtabError):
    """Raised to end the execution of a run that failed; the message says why, and how to resume it."""


class SearchFailed(TrimtabError):
    """Raised when more trials of a search failed than the spec tolerates, or none gave a value."""


class ServiceRefused(TrimtabError):
    """Raised when a service refuses a copy (card, lineage, tracked run) of what ledger and registry hold already."""


class NotDelivered(TrimtabError):
    """Raised when a receiver did not take a message; the message names neither its address nor a key."""


class KeyUnusable(TrimtabError):
    """Raised when an object's key is disabled or going to be deleted: a person has to enable it."""


class EvidenceUnreadable(TrimtabError):
    """Raised when metrics or captured traffic cannot be read; no fault of a fleet until it has lasted too long."""


class LeaseLost(TrimtabError):
    """Raised when an execution goes on after its lease has passed to another."""


class ApprovalWithdrawn(TrimtabError):
    """Raised by a promotion's step that finds its package not Approved any more."""


class TransientError(TrimtabError):
    """Base of the errors that pass by waiting. State machines retry these by class name."""

    retryable: ClassVar[bool] = True


class ApproverUnknown(TransientError):
    """Raised while CloudTrail, which is some minutes late, does not show who approved a package."""


class TrailNotRead(TransientError):
    """Raised when CloudTrail throttles, or has more events than one reading may take; the next goes on from there.

    It is not ApproverUnknown: what has been read in part never makes a promotion believe the registry.
    """


class EndpointNotReady(TransientError):
    """Raised while an endpoint is not yet InService."""


class RolloutInProgress(TransientError):
    """Raised while UpdateEndpoint is still moving traffic."""


class FeatureStoreBusy(TransientError):
    """Raised when the feature store refuses records for now, after the client's own retries."""


class LedgerConflict(TransientError):
    """Raised when a conditional write lost against another writer after all local retries."""


class DecisionOvertaken(LedgerConflict):
    """Raised when what was decided no longer follows from the ledger: somebody else has decided meanwhile."""


def transient_names() -> list[str]:
    """Class names that a state machine may retry, the base class included."""
    return [TransientError.__name__, *sorted(cls.__name__ for cls in TransientError.__subclasses__())]
