"""What an hour of a training instance costs, for budgets in money. A dated table, not a live price."""

AS_OF = "2025-06-01"
"""Date of the table, which is kept by hand; whoever needs today's price gives it in model.yaml."""
CURRENCY = "USD"
PER_HOUR = {
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.m5.12xlarge": 2.765,
    "ml.m5.24xlarge": 5.53,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.c5.4xlarge": 0.816,
    "ml.c5.9xlarge": 1.836,
    "ml.c5.18xlarge": 3.672,
    "ml.g4dn.xlarge": 0.736,
}
"""On-demand list prices of training in us-east-1, USD per instance and hour. Other regions cost up to a half more."""


def price_per_hour(instance_type: str) -> float | None:
    """List price of one instance; None for one that the table does not hold."""
    return PER_HOUR.get(instance_type)
