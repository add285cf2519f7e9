"""SQS: messages are stamped and delayed in virtual time; a message that somebody works on is hidden in real time."""

import time
from typing import Any

from localcloud.cloud import Cloud

_MESSAGE = "moto.sqs.models:Message"


def install(cloud: Cloud) -> None:
    """Delays pass with the virtual clock, and a jump of it gives no message to a second worker."""
    clock = cloud.clock
    cloud.patches.replace(
        "moto.sqs.models:unix_time_millis",
        lambda: clock.now() * 1000,
        "takes real time, and twenty microseconds for every message of a queue at each receive",
    )

    def change_visibility(message: Any, visibility_timeout: int) -> None:
        message.visible_at = (time.time() + int(visibility_timeout)) * 1000

    reason = "measures work by the same time as waiting"
    cloud.patches.replace(f"{_MESSAGE}.change_visibility", change_visibility, reason)
    cloud.patches.replace(
        f"{_MESSAGE}.visible", property(lambda message: time.time() * 1000 > message.visible_at), reason
    )
