"""SageMaker's endpoints in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trimtab.errors import EndpointNotReady, RolloutInProgress
from trimtab.ports import Answer, EndpointState, Later


def _no_answer(endpoint: str, body: bytes) -> Answer:
    return Answer(503, f"{endpoint} has no model".encode(), 1.0)


@dataclass
class MemoryEndpoints:
    """Endpoints whose time a test moves: what was asked for happens at ``settle``, or not at ``roll_back``."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, EndpointState] = field(default_factory=dict)
    answer: Callable[[str, bytes], Answer] = _no_answer
    marks: list[str] = field(default_factory=list)
    """Inference ids of the requests."""
    later: Callable[[str, str], Later] | None = None
    """What an asynchronous endpoint makes of the request at a URI."""

    def create_model(
        self,
        name: str,
        *,
        image_uri: str,
        artifact_uri: str,
        environment: Mapping[str, str],
        role_arn: str,
        isolated: bool,
    ) -> None:
        made: dict[str, Any] = {"image_uri": image_uri, "artifact_uri": artifact_uri, "environment": dict(environment)}
        made |= {"role_arn": role_arn, "isolated": isolated}
        self.models.setdefault(name, made)

    def create_config(self, request: Mapping[str, Any]) -> None:
        for variant in request["ProductionVariants"]:
            assert variant["ModelName"] in self.models, "SageMaker refuses a config of an unknown model"
        self.configs.setdefault(request["EndpointConfigName"], dict(request))

    def create(self, endpoint: str, config: str) -> None:
        assert config in self.configs, "SageMaker refuses an endpoint of an unknown config"
        self.endpoints.setdefault(endpoint, EndpointState(endpoint, "Creating", config))

    def update(self, endpoint: str, config: str) -> None:
        assert config in self.configs, "SageMaker refuses an update to an unknown config"
        live = self.endpoints[endpoint]
        if live.status != "InService":
            raise RolloutInProgress(f"{endpoint} is {live.status}")
        self.endpoints[endpoint] = replace(live, status="Updating", pending_config=config)

    def weigh(self, endpoint: str, weights: Mapping[str, float]) -> None:
        live = self.endpoints[endpoint]
        if live.status != "InService":
            raise RolloutInProgress(f"{endpoint} is {live.status}")
        assert set(weights) <= set(live.weights), "SageMaker refuses the weight of an unknown variant"
        self.endpoints[endpoint] = replace(live, status="Updating", weights={**live.weights, **weights})

    def settle(self, endpoint: str) -> None:
        """What is under way succeeds."""
        live = self.endpoints[endpoint]
        config = live.pending_config or live.config
        variants = self.configs.get(config, {}).get("ProductionVariants", [])
        weights = {each["VariantName"]: float(each.get("InitialVariantWeight", 1)) for each in variants}
        counts = {each["VariantName"]: each.get("InitialInstanceCount", 1) for each in variants}
        is_same = config == live.config and live.weights
        weights = dict(live.weights) if is_same else weights
        capture = self.configs.get(config, {}).get("DataCaptureConfig", {}).get("InitialSamplingPercentage")
        self.endpoints[endpoint] = EndpointState(
            endpoint, "InService", config, weights=weights, counts=counts, capture_percent=capture
        )

    def roll_back(self, endpoint: str, failure: str = "") -> None:
        """SageMaker's own rollback: InService again, on the old config."""
        live = self.endpoints[endpoint]
        self.endpoints[endpoint] = replace(live, status="InService", pending_config=None, failure=failure)

    def describe(self, endpoint: str) -> EndpointState | None:
        return self.endpoints.get(endpoint)

    def config(self, name: str) -> Mapping[str, Any] | None:
        return self.configs.get(name)

    def model(self, name: str) -> Mapping[str, Any] | None:
        return self.models.get(name)

    def delete(self, endpoint: str) -> None:
        live = self.endpoints.get(endpoint)
        if live is not None and live.status in ("Creating", "Updating"):
            raise EndpointNotReady(f"{endpoint} is {live.status}")
        self.endpoints.pop(endpoint, None)

    def delete_config(self, name: str) -> None:
        self.configs.pop(name, None)

    def delete_model(self, name: str) -> None:
        self.models.pop(name, None)

    def invoke(
        self, endpoint: str, body: bytes, content_type: str = "application/jsonlines", inference_id: str = ""
    ) -> Answer:
        self.marks.append(inference_id)
        return self.answer(endpoint, body)

    def invoke_later(self, endpoint: str, request_uri: str, inference_id: str) -> Later:
        self.marks.append(inference_id)
        assert self.later is not None, "SageMaker refuses asynchronous requests to other endpoints"
        return self.later(endpoint, request_uri)
