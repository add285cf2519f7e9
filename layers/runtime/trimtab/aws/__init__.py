"""Adapters: one file per service, and the only place that knows boto3 and its errors."""
