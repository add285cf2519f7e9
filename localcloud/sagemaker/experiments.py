"""Experiments: which trial components are in which trial, and the metrics that are put to components."""

import statistics

from localcloud.sagemaker.errors import ResourceNotFoundError
from localcloud.sagemaker.service import Operation, Record, Region, Request
from localcloud.sagemaker.tracked import KINDS, find, touch


def associate(region: Region, request: Request) -> Record:
    """The component is in the trial."""
    trial, component = _both(region, request)
    trial["components"] = [*dict.fromkeys([*trial.get("components", []), component["TrialComponentName"]])]
    return _arns(trial, component)


def disassociate(region: Region, request: Request) -> Record:
    """The component is not in the trial."""
    trial, component = _both(region, request)
    trial["components"] = [name for name in trial.get("components", []) if name != component["TrialComponentName"]]
    return _arns(trial, component)


def batch_put_metrics(region: Region, request: Request) -> Record:
    """The component's metrics tell of these values, too; a value of the same name and step replaces the older."""
    try:
        component = find(region, KINDS["TrialComponent"], request["TrialComponentName"])
    except ResourceNotFoundError:
        return {"Errors": [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}]}
    points: dict[str, dict[int, Record]] = component.setdefault("points", {})
    for index, datum in enumerate(request["MetricData"]):
        taken = points.setdefault(datum["MetricName"], {})
        taken[datum.get("Step", -1 - len(taken) - index)] = datum
    component["Metrics"] = [_summary(name, list(taken.values())) for name, taken in points.items()]
    touch(region, component)
    return {"Errors": []}


def _summary(name: str, data: list[Record]) -> Record:
    values = [float(datum["Value"]) for datum in data]
    return {
        "MetricName": name,
        "TimeStamp": data[-1]["Timestamp"],
        "Max": max(values),
        "Min": min(values),
        "Last": values[-1],
        "Count": len(values),
        "Avg": statistics.fmean(values),
        "StdDev": statistics.pstdev(values),
    }


def _both(region: Region, request: Request) -> tuple[Record, Record]:
    trial = find(region, KINDS["Trial"], request["TrialName"])
    return trial, find(region, KINDS["TrialComponent"], request["TrialComponentName"])


def _arns(trial: Record, component: Record) -> Record:
    return {"TrialArn": trial["TrialArn"], "TrialComponentArn": component["TrialComponentArn"]}


OPERATIONS: dict[str, Operation] = {
    "AssociateTrialComponent": associate,
    "DisassociateTrialComponent": disassociate,
}
RUNTIME: dict[str, Operation] = {"BatchPutMetrics": batch_put_metrics}
