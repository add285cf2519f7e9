"""How a promotion's end is written down: in the ledger, in the registry, to people, and each once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Confirmation, Promotion
from trimtab.ledger.kinds import ROLLOUT_ROLLED_BACK, ROLLOUT_SERVING
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger, MetricsSink, ModelRegistry, Notifier
from trimtab.rollout.approval import is_approved
from trimtab.telemetry import Metric


@dataclass(frozen=True)
class Conclusion:
    """Records of one promotion. A second call of any of them changes nothing and tells nobody."""

    promotion: Promotion
    at: datetime
    ledger: Ledger
    registry: ModelRegistry
    notifier: Notifier
    metrics: MetricsSink
    actor: str
    page: str
    """URI of the rollout's report, which is written when the promotion is closed."""

    def earlier(self) -> Confirmation | None:
        """What a first attempt has recorded already."""
        for kind in (ROLLOUT_SERVING, ROLLOUT_ROLLED_BACK):
            if data := decided(self.ledger, kind, self.promotion.id):
                return Confirmation.model_validate(data)
        return None

    def champion(self, confirmation: Confirmation) -> dict[str, Any]:
        """What the ledger says of the version that serves."""
        promotion = self.promotion
        return {
            "version": promotion.version,
            "package_arn": promotion.package_arn,
            "artifact_uri": promotion.artifact_uri,
            "config": confirmation.live_config,
            "run": promotion.run,
            "evaluation_uri": promotion.evaluation_uri,
            "since": self.at.isoformat(),
            "approved_by": list(promotion.approved_by),
            "automatic": promotion.automatic,
        }

    def serving(self, confirmation: Confirmation, evidence: dict[str, Any]) -> None:
        """The ledger says that this version serves production, from now on and with what proof."""
        promotion, champion = self.promotion, self.champion(confirmation)
        summary = f"version {promotion.version} serves production"
        data = confirmation.to_json() | {"champion": champion, "evidence": evidence, "summary": summary}
        self.metrics.put(Metric.ROLLOUTS_SERVING, 1)
        self.notifier.send(
            f"version {promotion.version} serves",
            f"Version {promotion.version} answers all production requests since {self.at:%Y-%m-%d %H:%M} UTC.",
            f"{confirmation.reason}{self._approved()}",
            f'Nothing; its baseline is published next. To go back: trimtab rollback {self.ledger.model} --reason "..."',
            self.page,
        )
        self.ledger.append(ROLLOUT_SERVING, promotion.id, data, self.at, self.actor, state={"champion": champion})

    def rolled_back(self, confirmation: Confirmation) -> None:
        """Registry and ledger say that this version does not serve, although the endpoint may say InService."""
        promotion = self.promotion
        self.reject(f"rolled back: {confirmation.reason}")
        self.metrics.put(Metric.ROLLOUTS_ROLLED_BACK, 1)
        self.notifier.send(
            f"version {promotion.version} was rolled back",
            f"Version {promotion.version} does not serve, seen {self.at:%Y-%m-%d %H:%M} UTC; it was set to Rejected, "
            f"and the endpoint serves {confirmation.live_config or 'nothing'}.",
            f"{confirmation.reason}{self._approved()}",
            self._help(confirmation),
            self.page,
        )
        summary = f"version {promotion.version} was rolled back: {confirmation.reason}"
        data = confirmation.to_json() | {"package_arn": promotion.package_arn, "summary": summary}
        self.ledger.append(ROLLOUT_ROLLED_BACK, promotion.id, data, self.at, self.actor)

    def _approved(self) -> str:
        """Whose approval it was, as the end of a sentence."""
        people = ", ".join(self.promotion.approved_by)
        by_rule = "by rule, through " if self.promotion.automatic else ""
        return f" (approved {by_rule or 'by '}{people})" if people else ""

    def _help(self, confirmation: Confirmation) -> str:
        """What to do, with the command where production itself is in need."""
        model, champion = self.ledger.model, confirmation.version
        rejected = (
            f"Look at its report and its gates (trimtab models gates {model} {self.promotion.version}); approve it "
            f"again when the cause lay outside it (trimtab approve {model} {self.promotion.version}), else train anew."
        )
        if not champion:
            return rejected
        back = f'trimtab rollback {model} --to {champion} --reason "after version {self.promotion.version}"'
        if confirmation.live_config is None:
            return f"Nothing serves: {back} makes the endpoint again. {rejected}"
        if "UpdateRollbackFailed" in confirmation.reason:
            return f"Old and new fleet both serve: {back} brings the old one back whole. {rejected}"
        return rejected

    def reject(self, reason: str) -> None:
        """The package is not Approved any more; one that a person has turned already is left as it is."""
        if is_approved(self.registry.describe(self.promotion.package_arn)):
            self.registry.reject(self.promotion.package_arn, reason)
