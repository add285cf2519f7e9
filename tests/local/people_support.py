"""People with the policies of a model's stack, and the commands of `trimtab` that they run."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from .conftest import ROOT, LocalCloud
from .iam_support import unique
from .loop_support import environment

_PATIENCE_S = 120


@dataclass(frozen=True)
class Person:
    """Credentials of an IAM user, in the variables that `trimtab` and the SDKs read."""

    variables: dict[str, str]

    def trimtab(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        """What a command prints for programs."""
        done = self._run(*arguments, "--json")
        assert done.returncode == status, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def refused(self, *arguments: str) -> str:
        """What a command says that this person's credentials do not suffice for."""
        done = self._run(*arguments)
        assert done.returncode != 0, done.stdout
        said = done.stdout + done.stderr
        assert "AccessDenied" in said or "not authorized" in said, said
        return said

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False)

    def watching(self, *arguments: str) -> "Watching":
        """`trimtab rollout watch`, begun."""
        command = [sys.executable, "-m", "cli", "rollout", "watch", *arguments, "--every", "1", "--json"]
        return Watching(subprocess.Popen(command, cwd=ROOT, env=self.variables, stdout=subprocess.PIPE, text=True))


@dataclass(frozen=True)
class Watching:
    """A `trimtab rollout watch` that runs."""

    process: "subprocess.Popen[str]"

    def ended(self) -> tuple[int, list[dict[str, Any]]]:
        """Its exit status and everything that it printed; it ends by itself."""
        try:
            told, _ = self.process.communicate(timeout=_PATIENCE_S)
        finally:
            self.process.kill()
        return self.process.returncode, [json.loads(line) for line in told.splitlines()]


def person(cloud: LocalCloud, *policies: str, model: str = "tiny") -> Person:
    """A new user to whom nothing is attached but the managed policies that the model's stack calls so."""
    stack = cloud.client("cloudformation").describe_stacks(StackName=f"trimtab-dev-model-{model}")["Stacks"][0]
    iam, name = cloud.client("iam"), unique(policies[0].lower())
    iam.create_user(UserName=name)
    for policy in policies:
        (arn,) = [out["OutputValue"] for out in stack["Outputs"] if f"s{policy}Policy" in out["OutputKey"]]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return Person({**os.environ, **environment(cloud), **own})
