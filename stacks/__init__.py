"""The CDK app: what Trimtab is made of on AWS. Deployed by plain ``cdk`` commands."""
