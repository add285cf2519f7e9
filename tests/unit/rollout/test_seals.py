"""What a version's record vouches for is looked at again before the version is promoted."""

import hashlib
import json
from dataclasses import replace

import pytest

from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene
from trimtab.ports import Package
from trimtab.rollout.approval import manifest_digest

RECORD = "s3://artifacts/tiny/records/run-1/record.json"
CARD = "s3://artifacts/tiny/records/run-1/model_card.json"


def recorded(scene: Scene) -> Package:
    """An approved package with a record that vouches for its card."""
    package = scene.register("run-1")
    scene.objects.write(CARD, b"card")
    body = json.dumps({"sealed": {"card": {"uri": CARD, "sha256": hashlib.sha256(b"card").hexdigest()}}}).encode()
    scene.objects.write(RECORD, body)
    properties = dict(package.properties) | {"record_sha256": hashlib.sha256(body).hexdigest(), "image": "image"}
    signature = scene.signer.sign(manifest_digest(ENDPOINT, properties))
    scene.registry.put(replace(package, properties=properties | {"signature": signature}))
    return scene.registry.approve(package.arn)


def asked(scene: Scene, package: Package) -> tuple[str, str]:
    promotion = PromotionRun(scene, "asked").check(package.arn)
    return str(promotion["outcome"]), str(promotion["reason"])


def test_a_version_whose_record_holds_is_approved() -> None:
    scene = Scene()
    assert asked(scene, recorded(scene))[0] == "Approved"


@pytest.mark.parametrize(
    ("uri", "body", "reason"),
    [
        (CARD, b"a kinder card", "its card is not the one that it was registered with"),
        (RECORD, b'{"sealed": {}}', "the record of how it was made was changed after it was registered"),
        (RECORD, b"no JSON", "the record of how it was made was changed after it was registered"),
        (RECORD, None, "the record of how it was made does not exist any more"),
        (CARD, None, "its card is not the one that it was registered with"),
    ],
)
def test_a_changed_or_lost_record_or_card_is_refused(uri: str, body: bytes | None, reason: str) -> None:
    scene = Scene()
    package = recorded(scene)
    if body is None:
        scene.objects.delete(uri)
    else:
        scene.objects.write(uri, body)
    assert asked(scene, package) == ("Refused", reason)


@pytest.mark.parametrize("name", ["record_sha256", "image"])
def test_a_version_cannot_lose_what_was_signed_of_its_record(name: str) -> None:
    scene = Scene()
    package = recorded(scene)
    kept = {key: value for key, value in package.properties.items() if key != name}
    scene.registry.put(replace(package, properties=kept))
    assert "signature" in asked(scene, package)[1]
