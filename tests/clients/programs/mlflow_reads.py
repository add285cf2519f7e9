"""Reads a run, its dataset and its version from a tracking server, with MLflow's own client; prints JSON."""

import json
import sys

import mlflow

address, experiment_name, model = sys.argv[1:]
client = mlflow.MlflowClient(address, address)
experiment = client.get_experiment_by_name(experiment_name)
runs = client.search_runs([experiment.experiment_id])
champion = client.get_model_version_by_alias(model, "champion")
print(
    json.dumps(
        {
            "runs": len(runs),
            "status": runs[0].info.status,
            "params": runs[0].data.params,
            "metrics": runs[0].data.metrics,
            "digest": next((each.dataset.digest for each in runs[0].inputs.dataset_inputs), None),
            "artifacts": [file.path for file in client.list_artifacts(runs[0].info.run_id)],
            "champion": [
                champion.source,
                champion.tags["trimtab.version"],
                champion.run_id in {run.info.run_id for run in runs},
            ],
            "versions": len(client.search_model_versions(f"name = '{model}'")),
        }
    )
)
