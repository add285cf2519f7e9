"""SNS behind the Notifier port."""

from typing import Any

from trimtab.contracts import Notice

SUBJECT_LIMIT = 100
"""Characters that SNS allows in a subject."""


class TopicNotifier:
    """Publishes notices to the stage's topic: what, why, what next."""

    def __init__(self, sns: Any, topic_arn: str, model: str) -> None:
        self._sns, self._topic_arn, self._model = sns, topic_arn, model

    def send(self, subject: str, what: str, why: str, next_step: str, link: str | None = None) -> None:
        title = f"[{self._model}] {subject}".encode("ascii", "replace").decode()[:SUBJECT_LIMIT]
        notice = Notice(subject=title, what=what, why=why, next_step=next_step, link=link)
        lines = [f"What happened: {what}", f"Why: {why}", f"What to do next: {next_step}"]
        body = "\n".join(lines + ([f"More: {link}"] if link else []))
        attributes = {"model": {"DataType": "String", "StringValue": self._model}}
        self._sns.publish(TopicArn=self._topic_arn, Subject=notice.subject, Message=body, MessageAttributes=attributes)
