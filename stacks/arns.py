"""Where a stack will be deployed, and ARNs of things whose names are known before they exist.

The values are CloudFormation's pseudo parameters: a template names no partition, region or account.
"""

from aws_cdk import Aws

# Read once: every look at an attribute of Aws is a call into the CDK's own process.
PARTITION, REGION, ACCOUNT, URL_SUFFIX = Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID, Aws.URL_SUFFIX


def arn(service: str, resource: str) -> str:
    """ARN of ``resource`` of ``service`` in the stack's own region and account."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"
