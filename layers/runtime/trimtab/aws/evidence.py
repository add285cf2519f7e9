"""Where the judge's evidence lies on AWS."""

from trimtab.aws.captured_answers import CapturedTraffic
from trimtab.aws.late_losses import WindowLosses
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.aws.synthetic_requests import SyntheticRequests
from trimtab.ports import ObjectStore
from trimtab.rollout.judge.sources import Sources
from trimtab.spec import Spec


def connect(objects: ObjectStore, captures_uri: str, spec: Spec) -> Sources:
    """Metrics, captured traffic and requests of our own where the spec has them, late truth from monitoring's windows.

    ``captures_uri`` is the model's folder in the captures bucket.
    """
    is_captured = spec.rollout.capture_percent > 0 and spec.rollout.endpoint.kind != "serverless"
    captures = CapturedTraffic(objects, f"{captures_uri}/capture", spec.data) if is_captured else None
    truths = WindowLosses(objects, f"{captures_uri}/windows")
    is_asked = spec.rollout.judge.synthetic != "never" and spec.rollout.endpoint.kind != "async"
    requests = SyntheticRequests.connect() if is_asked else None
    return Sources(CloudWatchMeasurements.connect(), captures, truths, requests)
