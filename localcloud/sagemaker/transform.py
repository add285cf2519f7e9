"""Batch transform: every object below a prefix goes through the model's own container, and comes back as `.out`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localcloud.sagemaker import jobs
from localcloud.sagemaker.connections import InstanceGoneError, ModelAnswer, request_head
from localcloud.sagemaker.errors import JobFailedError, UnsupportedError, ValidationError
from localcloud.sagemaker.fleet import Owner, Variant
from localcloud.sagemaker.instance import HealthCheckError
from localcloud.sagemaker.jobs import Job
from localcloud.sagemaker.models import find_model
from localcloud.sagemaker.quotas import TRANSFORM, Usage, quota
from localcloud.sagemaker.service import Region, Request
from localcloud.sagemaker.transfer import Transfer
from localcloud.sagemaker.transform_data import Records, assemble, batches, select, split
from localcloud.sagemaker.uris import join_s3_uri

_MEGABYTE = 1024 * 1024
_DEFAULT_PAYLOAD_MB = 6
_DEFAULT_TIMEOUT_SECONDS = 600
_MOST_MB = 100
_PROCESSES = 2
_ANY = "application/octet-stream"


class TransformJob(Job):
    """One batch transform job."""

    kind = "TransformJob"
    segment = "transform-job"
    event = "SageMaker Transform Job State Change"
    members = frozenset(
        {
            "TransformJobName", "ModelName", "MaxConcurrentTransforms", "ModelClientConfig", "MaxPayloadInMB",
            "BatchStrategy", "Environment", "TransformInput", "TransformOutput", "TransformResources",
            "DataProcessing", "Tags", "ExperimentConfig",
        }
    )  # fmt: skip
    summary = (
        "TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime", "LastModifiedTime",
        "TransformJobStatus", "FailureReason",
    )  # fmt: skip

    @classmethod
    def check(cls, region: Region, request: Request) -> None:
        """Only what can run here is accepted."""
        given, output = request["TransformInput"], request["TransformOutput"]
        find_model(region, request["ModelName"])
        if given["DataSource"]["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise UnsupportedError("batch transform of anything but S3Prefix and ManifestFile")
        if given.get("SplitType", "None") not in ("None", "Line") or given.get("CompressionType", "None") != "None":
            raise UnsupportedError("batch transform with RecordIO, TFRecord or compressed input")
        together = int(request.get("MaxPayloadInMB", 0)) * int(request.get("MaxConcurrentTransforms", 0))
        if together > _MOST_MB:  # the limit is the API reference's, the words are not AWS's
            raise ValidationError(
                f"MaxConcurrentTransforms times MaxPayloadInMB is {together} MB and cannot exceed {_MOST_MB} MB."
            )
        joins = request.get("DataProcessing", {}).get("JoinSource", "None") == "Input"
        if joins and given.get("SplitType", "None") == "Line" and output.get("AssembleWith", "None") != "Line":
            raise ValidationError("AssembleWith must be Line when JoinSource is Input and SplitType is Line.")

    @classmethod
    def usage_of(cls, request: Request) -> Usage:
        """The job's instances."""
        resources = request["TransformResources"]
        return Usage({quota(resources["InstanceType"], TRANSFORM): int(resources["InstanceCount"])})

    def run(self) -> None:
        """The job has gone through every object; the first that fails ends it."""
        variant = self._variant()
        transfer = Transfer(self.region, variant.serving.role_arn, self.arn)
        try:
            variant.scale(self.record["TransformResources"]["InstanceCount"])
            self.record["TransformStartTime"] = self.region.now()
            places = list(transfer.places(self.record["TransformInput"]["DataSource"]["S3DataSource"]))
            if not places:
                raise JobFailedError("ClientError: No S3 objects found for the transform job's input.")
            for bucket, key, place in places:
                if not self.stopped_as:
                    self._transform(transfer, variant, f"s3://{bucket}/{key}", place)
        except HealthCheckError as error:
            raise JobFailedError(f"AlgorithmError: {error}") from error
        finally:
            variant.close()
        self.change("Stopped" if self.stopped_as else "Completed")

    def _variant(self) -> Variant:
        owner = Owner(self.arn, "/aws/sagemaker/TransformJobs", self.name, self._container_environment())
        config = {"VariantName": "AllTraffic", "ModelName": self.record["ModelName"], "InitialVariantWeight": 1.0}
        return Variant(self.region, config, owner, _PROCESSES)

    def _container_environment(self) -> dict[str, str]:
        return {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(self._max_payload_mb),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(self._concurrency),
            "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD" if self._several else "SINGLE_RECORD",
            **self.record.get("Environment", {}),
        }

    @property
    def _max_payload_mb(self) -> int:
        return int(self.record.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MB))

    @property
    def _concurrency(self) -> int:
        return int(self.record.get("MaxConcurrentTransforms", 0)) or 1

    @property
    def _several(self) -> bool:
        return bool(self.record.get("BatchStrategy", "MultiRecord") == "MultiRecord")

    def _transform(self, transfer: Transfer, variant: Variant, uri: str, place: str) -> None:
        """The answers for one object are in S3."""
        source, output = self.record["TransformInput"], self.record["TransformOutput"]
        by_line = source.get("SplitType", "None") == "Line"
        records = split(transfer.read(uri), by_line)
        sent = [self._filtered(record) for record in records]
        limit = (self._max_payload_mb or _MOST_MB) * _MEGABYTE
        requests = [b"\n".join(batch) for batch in batches(sent, limit, by_line and self._several)]
        with ThreadPoolExecutor(self._concurrency) as pool:
            answers = list(pool.map(lambda body: self._ask(variant, body), requests))
        if self.stopped_as:
            return
        lines = output.get("AssembleWith", "None") == "Line"
        content = self._associated(records, answers, by_line) if self._processing else answers
        target = join_s3_uri(output["S3OutputPath"], f"{place}.out")
        transfer.upload(target, assemble(content, lines), output.get("KmsKeyId"))

    @property
    def _processing(self) -> dict[str, str]:
        found: dict[str, str] = self.record.get("DataProcessing", {})
        return found

    def _filtered(self, record: bytes) -> bytes:
        path = self._processing.get("InputFilter", "$")
        if path == "$":
            return record
        form = Records(self.record["TransformInput"].get("ContentType", _ANY))
        return form.write(select(form.read(record), path))

    def _associated(self, records: list[bytes], answers: list[bytes], by_line: bool) -> list[bytes]:
        """Each record's answer, joined with the record and filtered as DataProcessing says."""
        given = Records(self.record["TransformInput"].get("ContentType", _ANY))
        taken = Records(self.record["TransformOutput"].get("Accept") or "application/json")
        found = [line for answer in answers for line in split(answer, by_line)]
        if len(found) != len(records):
            raise JobFailedError(
                f"ClientError: The model answered {len(found)} records for {len(records)}: they cannot be associated."
            )
        joins = self._processing.get("JoinSource", "None") == "Input"
        values = [taken.read(answer) for answer in found]
        if joins:
            values = [given.join(given.read(record), value) for record, value in zip(records, values, strict=True)]
        path, form = self._processing.get("OutputFilter", "$"), given if joins else taken
        return [form.write(select(value, path)) for value in values]

    def _ask(self, variant: Variant, body: bytes) -> bytes:
        """The model's answer to one request, which is repeated as often as ModelClientConfig allows."""
        config = self.record.get("ModelClientConfig", {})
        headers = {
            "Content-Type": self.record["TransformInput"].get("ContentType", _ANY),
            "Accept": self.record["TransformOutput"].get("Accept", "*/*"),
        }
        head = request_head("POST", "/invocations", headers, len(body))
        timeout = float(config.get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT_SECONDS))
        answer = ModelAnswer(0, "", b"")
        for _ in range(1 + int(config.get("InvocationsMaxRetries", 3))):
            if self.stopped_as:
                return b""
            answer = _answer(lambda: variant.invoke(head, body, timeout))
            if 200 <= answer.status < 300:
                return answer.body
            if 400 <= answer.status < 500:
                break
        text = answer.body.decode("utf-8", "replace")
        raise JobFailedError(f"ClientError: The model answered with status {answer.status}: {text[:500]}")


def _answer(ask: Callable[[], ModelAnswer]) -> ModelAnswer:
    try:
        return ask()
    except (InstanceGoneError, TimeoutError) as error:
        return ModelAnswer(0, "text/plain", str(error).encode())


OPERATIONS: dict[str, Any] = jobs.operations(TransformJob)
