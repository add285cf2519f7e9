"""Captured requests, which SageMaker writes to S3 a while after it has answered."""

from demo.scene import Scene
from trimtab.names import SYNTHETIC

SECONDS = 180
OWN = SYNTHETIC.encode()


class Captures:
    """Counts the captured requests of a scene's model, but not those that Trimtab itself has sent."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._lines: dict[str, int] = {}

    def wait_for(self, requests: int) -> None:
        """``requests`` more captured requests lie in S3 than when this was called last."""
        goal = sum(self._lines.values()) + requests

        def look() -> bool:
            self._read()
            return sum(self._lines.values()) >= goal

        self._scene.wait(f"the capture of {requests} requests", look, SECONDS)

    def _read(self) -> None:
        stage = self._scene.stage
        for item in stage.objects.list(f"s3://{stage.data['CapturesBucket']}/{self._scene.model}/capture/"):
            if item.uri not in self._lines:
                body = stage.objects.read(item.uri)
                self._lines[item.uri] = sum(OWN not in line for line in body.splitlines())
