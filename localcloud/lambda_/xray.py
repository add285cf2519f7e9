"""The X-Ray daemon's UDP port: takes segments from functions and from Lambda itself and hands them to X-Ray."""

import json
import secrets
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.lambda_.outcome import Measurements
from localcloud.lambda_.specification import FunctionSpec
from localcloud.lambda_.trace import Trace

_LARGEST_DATAGRAM = 65_535
_HEADER = b'{"format": "json", "version": 1}\n'  # comes first, then the document
_BATCH = 25
_COLLECT_SECONDS = 1.0


def segments(
    trace: Trace, spec: FunctionSpec, request_id: str, measured: Measurements, failed: bool
) -> Iterator[dict[str, Any]]:
    """What Lambda records of one invocation: the service's segment, and below it the function's own."""
    common = {
        "name": spec.name,
        "trace_id": trace.root,
        "start_time": measured.started_ms / 1000,
        "end_time": measured.ended_ms / 1000,
        "resource_arn": spec.arn,
        "aws": {"request_id": request_id, "function_arn": spec.arn},
        **({"fault": True} if failed else {}),
    }
    service = secrets.token_hex(8)
    caller = {"parent_id": trace.parent} if trace.parent else {}
    yield {**common, **caller, "id": service, "origin": "AWS::Lambda"}
    yield {**common, "id": trace.segment, "parent_id": service, "origin": "AWS::Lambda::Function"}


def keep_traces(cloud: Cloud) -> None:
    """Segments survive a restart, a row for each trace: all in one would be written again for every segment."""

    def backend(region: str) -> Any:
        from moto.xray.models import xray_backends

        return xray_backends[cloud.account][region]

    def dump(region: str, trace_id: str) -> list[str]:
        return [segment.raw for segment in backend(region)._segment_collection._traces[trace_id]["segments"]]

    def load(documents: list[str], region: str, _trace_id: str) -> None:
        for document in documents:
            process(backend(region), document)

    def process_segment(self: Any, document: str) -> None:
        process(self, document)
        kept.changed(self.region_name, json.loads(document)["trace_id"])

    kept = cloud.durable.keep("xray.traces", dump=dump, load=load, lock=cloud.locks.of("xray"))
    target = "moto.xray.models:XRayBackend.process_segment"
    process = cloud.patches.replace(target, process_segment, "tells which trace a request changes")


class XRayDaemon:
    """Listens on a free loopback port from the start on; segments are delivered in batches."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._run, name="xray-daemon", daemon=True).start()

    @property
    def address(self) -> str:
        """What AWS_XRAY_DAEMON_ADDRESS is set to."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def record(self, documents: Iterable[dict[str, Any]]) -> None:
        """The segments go the same way as those of functions."""
        for document in documents:
            self._socket.sendto(_HEADER + json.dumps(document).encode(), self._socket.getsockname())

    def _run(self) -> None:
        while not self._cloud.stopping.is_set():
            self._socket.settimeout(None)
            documents = [self._socket.recv(_LARGEST_DATAGRAM)]
            self._socket.settimeout(_COLLECT_SECONDS)
            try:
                while len(documents) < _BATCH:
                    documents.append(self._socket.recv(_LARGEST_DATAGRAM))
            except TimeoutError:
                pass
            self._deliver([segment_document(one) for one in documents])

    def _deliver(self, documents: list[str]) -> None:
        try:
            self._cloud.clients.admin("xray").put_trace_segments(TraceSegmentDocuments=documents)
        except (BotoCoreError, ClientError) as error:
            if not self._cloud.stopping.is_set():
                print(f"{len(documents)} X-Ray segments could not be recorded: {error}", file=sys.stderr)


def segment_document(datagram: bytes) -> str:
    """The segment's JSON document without the daemon's header line."""
    return datagram.partition(b"\n")[2].decode("utf-8", "replace")
