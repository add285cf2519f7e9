"""A fake of what SageMaker bills, in memory."""

from dataclasses import dataclass, field


@dataclass
class MemoryBills:
    """Seconds by job; a job that is not among them never was, and of one with None nobody tells."""

    seconds: dict[str, float | None] = field(default_factory=dict)

    def training(self, job: str) -> float | None:
        return self.seconds.get(job, 0.0)

    def processing(self, job: str) -> float | None:
        return self.seconds.get(job, 0.0)
