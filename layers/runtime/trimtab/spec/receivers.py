"""Who else is told of what happens in a stage: chats and programs, beside the people who subscribe to the topic."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class Receiver(Section):
    """One address outside. What is secret about it lies in Systems Manager, encrypted, and never in a template."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    kind: Literal["slack", "webhook"]
    parameter: str = Field(pattern=r"^(/[A-Za-z0-9_.-]+)+$", max_length=512)
    """SecureString parameter: JSON with ``url``; for a webhook also ``keys``, and ``ca`` where its certificate is of
    an authority of one's own (PEM)."""
    private_network: bool = False
    """Whether the address may be a private one or the machine's own; link-local ones never are allowed."""
    docs: str = Field(default="", pattern=r"^(https://[^\s<>|]+)?$", max_length=300)
    """Where this repository's files are read, so that a runbook is a link: https://github.com/OWNER/NAME/blob/main."""
