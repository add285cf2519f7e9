"""SNS behind the Notifier port."""

from typing import Any

from trimtab.contracts import Notice
from trimtab.notifications.formats import as_text
from trimtab.notifications.notification import Links, Notification
from trimtab.notifications.received import NOTICE

SUBJECT_LIMIT = 100
"""Characters that SNS allows in a subject."""


class TopicNotifier:
    """Publishes notices to the stage's topic: as text for e-mail, and as they are for functions that subscribe."""

    def __init__(self, sns: Any, topic_arn: str, model: str) -> None:
        self._sns, self._topic_arn, self._model = sns, topic_arn, model

    def send(
        self,
        subject: str,
        what: str,
        why: str,
        next_step: str,
        link: str | None = None,
        *,
        quotes_data: bool = False,
    ) -> None:
        title = f"[{self._model}] {subject}".encode("ascii", "replace").decode()[:SUBJECT_LIMIT]
        told = Notification(title, what, next_step, why, model=self._model, links=Links(page=link or ""))
        notice = Notice(
            subject=title,
            what=what,
            why=why,
            next_step=next_step,
            link=link,
            model=self._model,
            quotes_data=quotes_data,
        )
        named = {"model": self._model, NOTICE: notice.model_dump_json()}
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in named.items() if value}
        self._sns.publish(TopicArn=self._topic_arn, Subject=title, Message=as_text(told), MessageAttributes=attributes)
