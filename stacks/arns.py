"""ARNs of things whose names are known before they exist, in whatever partition, region and account is deployed to."""

from aws_cdk import Aws


def arn(service: str, resource: str) -> str:
    """ARN of ``resource`` of ``service`` in the stack's own region and account."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
