"""The names of things: S3 URIs and SageMaker ARNs."""


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix, maybe empty) of `s3://bucket/key`."""
    scheme, separator, rest = uri.partition("://")
    if scheme != "s3" or not separator or not rest:
        raise ValueError(f"{uri!r} is not an S3 URI: it must look like s3://bucket/prefix")
    bucket, _, key = rest.partition("/")
    return bucket, key


def join_s3_uri(base: str, *parts: str) -> str:
    """`base` and `parts` with exactly one slash between them."""
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts)])


def arn(region: str, account: str, kind: str, name: str) -> str:
    """A SageMaker ARN; SageMaker writes the name in lower case."""
    return f"arn:aws:sagemaker:{region}:{account}:{kind}/{name.lower()}"
