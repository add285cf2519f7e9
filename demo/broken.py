"""A successor with a bug that only production shows: it takes other people's columns for features of its own.

Staging sends a column beyond the contract too, but none that is named as features are. Real callers send what they
have.
"""

import io
import json
import tarfile
from pathlib import Path

import boto3

from cli import packages
from cli.stage import Stage
from trimtab.ports import Package

BUG = """

import json

_sound_transform_fn = transform_fn


def transform_fn(model, body, content_type, accept):
    answer = _sound_transform_fn(model, body, content_type, accept)
    known = {model.contract.id, model.contract.event_time, *model.contract.names}
    if isinstance(answer, tuple):
        for line in filter(str.strip, (body.decode() if isinstance(body, bytes) else body).splitlines()):
            for column in filter(str.isidentifier, set(json.loads(line)) - known):
                raise KeyError(column)
    return answer
"""
BUILDER = "hotfix-builder"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def register(stage: Stage, model: str, like: int, folder: Path) -> Package:
    """A new version: the artifact of version ``like`` with the bug built in, pending approval.

    A colleague registers it: who submits a version may not approve it.
    """
    sound = packages.find(stage, model, like)
    path = folder / "broken.tar.gz"
    path.write_bytes(with_bug(stage.objects.read(sound.artifact_uri)))
    return packages.register(colleague(stage), model, path, like)


def colleague(stage: Stage) -> Stage:
    """The same stage with the credentials of an IAM user made for the demo."""
    iam = stage.client("iam")
    iam.create_user(UserName=BUILDER)
    iam.put_user_policy(UserName=BUILDER, PolicyName="build", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName=BUILDER)["AccessKey"]
    return Stage(stage.name, boto3.Session(key["AccessKeyId"], key["SecretAccessKey"]))


def with_bug(artifact: bytes) -> bytes:
    """The same model.tar.gz, its inference code extended by the bug."""
    built = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(artifact)) as source, tarfile.open(fileobj=built, mode="w:gz") as target:
        for member in source.getmembers():
            body = source.extractfile(member).read() if member.isfile() else b""  # type: ignore[union-attr]
            if member.name.removeprefix("./") == "code/inference.py":
                body += BUG.encode()
                member.size = len(body)
            target.addfile(member, io.BytesIO(body))
    return built.getvalue()
