"""Which AWS services the local cloud serves. It refuses all others, and what moto would record though nothing acts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from localcloud.iam.calls import path_style
from localcloud.wire import named_operation, signature
from localcloud.words import words

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# the name that requests are signed for: botocore's names of the services
SERVICES: Final = {
    "application-autoscaling": ("application-autoscaling",),
    "cloudformation": ("cloudformation",),
    "cloudtrail": ("cloudtrail",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "ecr": ("ecr",),
    "events": ("events",),
    "iam": ("iam",),
    "kms": ("kms",),
    "lambda": ("lambda",),
    "logs": ("logs",),
    "monitoring": ("cloudwatch",),
    "s3": ("s3",),
    "sagemaker": (
        "sagemaker",
        "sagemaker-runtime",
        "sagemaker-metrics",
        "sagemaker-featurestore-runtime",
    ),
    "scheduler": ("scheduler",),
    "secretsmanager": ("secretsmanager",),
    "sns": ("sns",),
    "sqs": ("sqs",),
    "ssm": ("ssm",),
    "states": ("stepfunctions",),
    "sts": ("sts",),
    "xray": ("xray",),
}


# those of SageMaker are in localcloud.sagemaker.refusals
RECORDED_ONLY: Final = {
    "dynamodb": words("ExportTableToPointInTime ImportTable"),
    "ecr": words("PutReplicationConfiguration StartImageScan"),
    "events": words(
        "CreateApiDestination CreateArchive CreateConnection CreatePartnerEventSource PutPartnerEvents StartReplay"
    ),
    "iam": words("CreateOpenIDConnectProvider CreateSAMLProvider"),
    "lambda": words("CreateFunctionUrlConfig UpdateFunctionUrlConfig"),
    "logs": words(
        "CreateDelivery CreateExportTask PutDestination PutMetricFilter PutSubscriptionFilter StartLiveTail StartQuery"
    ),
    "monitoring": words("PutInsightRule"),
    "secretsmanager": words("ReplicateSecretToRegions RotateSecret"),
    "sns": words("CreatePlatformApplication CreatePlatformEndpoint"),
    "ssm": words("CreateDocument CreateMaintenanceWindow CreatePatchBaseline SendCommand"),
    "states": words("CreateActivity UpdateMapRun"),
    "sts": words("AssumeRoleWithSAML AssumeRoleWithWebIdentity GetFederationToken GetSessionToken"),
}
# parts of buckets and objects (`?name`) that moto does not know, which takes the rest of the request, or only records
NO_PARTS: Final = words(
    "abac accelerate analytics annotation intelligent-tiering inventory metadataAnnotationTable metadataConfiguration "
    "metadataInventoryTable metadataJournalTable metadataTable metrics renameObject replication requestPayment restore "
    "select session torrent website"
)


NO_PARTS_OF_OBJECTS: Final = NO_PARTS | {"encryption"}
_FUNCTION_URLS: Final = {"POST": "CreateFunctionUrlConfig", "PUT": "UpdateFunctionUrlConfig"}


def middleware(app: "WSGIApplication") -> "WSGIApplication":
    """Only requests for what is served get through; raises NotImplementedError for every other."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        signed = signature(environ)
        if signed is not None:
            _check(environ, signed.service)
        return app(environ, start_response)

    return run


def _check(environ: "WSGIEnvironment", service: str) -> None:
    if service not in SERVICES:
        raise NotImplementedError(f"it serves {', '.join(sorted(SERVICES))}")
    if service == "s3":
        parts = NO_PARTS_OF_OBJECTS if "/" in path_style(environ).strip("/") else NO_PARTS
        unknown = parts.intersection(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        if unknown:
            raise NotImplementedError(f"S3 has no {', '.join(sorted(unknown))} here")
    elif _operation(environ) in RECORDED_ONLY.get(service, ()):
        raise NotImplementedError("it would be recorded, but nothing would act on it")


def _operation(environ: "WSGIEnvironment") -> str | None:
    if str(environ.get("PATH_INFO", "")).endswith("/url"):  # of a function; Lambda's paths name no operation
        return _FUNCTION_URLS.get(environ["REQUEST_METHOD"])
    return named_operation(environ)
