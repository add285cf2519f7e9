"""Deploys an MLflow model to SageMaker as a user of mlflow.deployments does; prints JSON.

Run as `mlflow_deployments.py ROLE BUCKET IMAGE`. The image is AWS's own for scikit-learn: it serves the model by
`code/inference.py`, which MLflow puts there with `code_paths`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas
from mlflow.deployments import get_deploy_client

ROLE, BUCKET, IMAGE = sys.argv[1:]
NAME = "mlflow-sum"
INFERENCE = """
import json, os

class Sum:
    def __init__(self, weight):
        self.weight = weight

    def predict(self, rows):
        return [self.weight * sum(row) for row in rows]

def _load_pyfunc(path):
    with open(path) as file:
        return Sum(json.load(file)["weight"])

def model_fn(model_dir):
    return _load_pyfunc(os.path.join(model_dir, "data", "weight.json"))

def input_fn(body, content_type):
    return json.loads(body)["dataframe_split"]["data"]

def output_fn(predictions, accept):
    return json.dumps({"predictions": predictions}), "application/json"
"""
ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


def saved(weight: float) -> str:
    """The folder of an MLflow model that sums its columns."""
    folder = Path(f"model-{weight}")
    Path("inference.py").write_text(INFERENCE)
    Path("weight.json").write_text(json.dumps({"weight": weight}))
    mlflow.pyfunc.save_model(
        str(folder), loader_module="inference", data_path="weight.json", code_paths=["inference.py"]
    )
    return str(folder)


def main() -> dict[str, Any]:
    """What the first and the second model answered, and the names of deployments before and after deletion."""
    client = get_deploy_client("sagemaker:/us-east-1")
    rows = pandas.DataFrame({"a": [1.0, 2.0], "b": [10.0, 20.0]})
    config = {
        "image_url": IMAGE,
        "execution_role_arn": ROLE,
        "bucket": BUCKET,
        "instance_type": "ml.m5.large",
        "env": ENVIRONMENT,
        "timeout_seconds": 300,
    }
    client.create_deployment(NAME, saved(1.0), flavor="python_function", config=config)
    first = client.predict(NAME, rows).get_predictions()
    client.update_deployment(NAME, saved(2.0), flavor="python_function", config={**config, "mode": "replace"})
    second = client.predict(NAME, rows).get_predictions()
    before = [each["EndpointName"] for each in client.list_deployments()]
    status = client.get_deployment(NAME)["EndpointStatus"]
    client.delete_deployment(NAME, config={"timeout_seconds": 300})
    after = [each["EndpointName"] for each in client.list_deployments()]
    return {
        "first": first.values.ravel().tolist(),
        "second": second.values.ravel().tolist(),
        "status": status,
        "before": before,
        "after": after,
    }


print(json.dumps(main()))
