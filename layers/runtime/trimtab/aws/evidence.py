"""Where the judge's evidence lies on AWS."""

from trimtab.aws.captured_answers import CapturedTraffic
from trimtab.aws.late_losses import WindowLosses
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.ports import ObjectStore
from trimtab.rollout.judge.sources import Sources
from trimtab.spec import Spec


def connect(objects: ObjectStore, captures_uri: str, spec: Spec) -> Sources:
    """Metrics, captured traffic where the spec has it captured, and late truth from monitoring's windows.

    ``captures_uri`` is the model's folder in the captures bucket.
    """
    is_captured = spec.rollout.capture_percent > 0 and spec.rollout.endpoint.kind != "serverless"
    captures = CapturedTraffic(objects, f"{captures_uri}/capture", spec.data) if is_captured else None
    return Sources(CloudWatchMeasurements.connect(), captures, WindowLosses(objects, f"{captures_uri}/windows"))
