"""What AWS asks for what Trimtab uses, in us-east-1. A dated table that is kept by hand, not a live price.

Dated as the instances are (:data:`trimtab.spec.prices.AS_OF`). Free tiers and discounts are left out; other regions
cost up to a half more. Source: the pricing pages of each service.
"""

from enum import Enum


class Price(Enum):
    """USD for one unit, and what the unit is."""

    ALARM_METRIC = (0.10, "metric of an alarm and month")
    COMPOSITE_ALARM = (0.50, "composite alarm and month")
    DASHBOARD = (3.00, "dashboard and month")
    METRIC = (0.30, "custom metric and month, by the hours in which it has data")
    LOG_INGESTED = (0.50, "GB of log ingested")
    FUNCTION_REQUEST = (0.20e-6, "call of a function")
    FUNCTION_TIME = (16.6667e-6, "GB and second of a function (x86)")
    TRANSITION = (25e-6, "transition of a Standard state machine")
    SCHEDULE = (1e-6, "call of EventBridge Scheduler")
    TRACE = (5e-6, "trace recorded by X-Ray")
    TABLE_WRITE = (0.625e-6, "write to the table, on demand")
    TABLE_READ = (0.125e-6, "read of the table, on demand")
    STORED = (0.023, "GB in S3 and month")
    OBJECT_WRITTEN = (5e-6, "object written to S3")
    OBJECT_READ = (0.4e-6, "object read from S3")
    ENDPOINT_DATA = (0.016, "GB into or out of an endpoint")
    SERVERLESS_TIME = (20e-6, "GB and second of a serverless endpoint")

    @property
    def usd(self) -> float:
        """Of one unit."""
        return self.value[0]

    @property
    def unit(self) -> str:
        """What is counted."""
        return self.value[1]
