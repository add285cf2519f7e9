"""What CloudWatch sends to a topic, field by field as AWS documents it, and how it describes alarms."""

import json
from datetime import datetime, timedelta
from typing import Any

from trimtab.monitoring.alarms import AlarmSeen

REGION, ACCOUNT = "eu-central-1", "123456789012"


def arn_of(name: str) -> str:
    """Of an alarm."""
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def changed(name: str, description: str, at: datetime, state: str = "ALARM", **more: Any) -> str:
    """The message of a change of state."""
    return json.dumps(
        {
            "AlarmName": name,
            "AlarmDescription": description,
            "AWSAccountId": ACCOUNT,
            "AlarmConfigurationUpdatedTimestamp": "2025-12-01T00:00:00.000+0000",
            "NewStateValue": state,
            "NewStateReason": "",
            "StateChangeTime": f"{at:%Y-%m-%dT%H:%M:%S}.000+0000",
            "Region": "EU (Frankfurt)",
            "AlarmArn": arn_of(name),
            "OldStateValue": "ALARM" if state == "OK" else "OK",
            "OKActions": [],
            "AlarmActions": [],
            "InsufficientDataActions": [],
        }
        | more
    )


def page(at: datetime, *children: str, state: str = "ALARM", model: str = "tiny") -> str:
    """The message of the composite alarm on measurements."""
    rule = " OR ".join(f'ALARM("{arn_of(name)}")' for name in children)
    what = f"{model}: what is measured is beyond its limits. What to do: docs/runbooks/page.md"
    reason = f"{arn_of(children[0])} transitioned to {state}"
    return changed("tiny-Page", what, at, state, AlarmRule=f"({rule})", NewStateReason=reason)


def crossed(value: float, limit: float) -> str:
    """CloudWatch's reason for ringing."""
    return (
        f"Threshold Crossed: 1 out of the last 1 datapoints [{value} (31/12/25 12:00:00)] was greater than the "
        f"threshold ({limit}) (minimum 1 datapoint for OK -> ALARM transition)."
    )


def drifted(at: datetime, value: float = 0.41, model: str = "tiny") -> AlarmSeen:
    """The alarm on drift, which has rung for an hour."""
    said = f"{model}: columns have drifted. What to do: docs/runbooks/drift-and-quality.md"
    return AlarmSeen("tiny-Drift", "ALARM", said, crossed(value, 0.25), at - timedelta(hours=1), 0.25, "PsiMax")
