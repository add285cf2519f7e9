"""The X-Ray daemon's UDP port: takes segments from functions and hands them to X-Ray."""

import socket
import sys
import threading

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud

_LARGEST_DATAGRAM = 65_535
_HEADER_END = b"\n"  # {"format":"json","version":1} comes first, then the document
_BATCH = 25
_COLLECT_SECONDS = 1.0


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
    _, _, document = datagram.partition(_HEADER_END)
    return document.decode("utf-8", "replace")
