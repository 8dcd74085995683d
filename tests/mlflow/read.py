"""Prints what an MLflow server has of the runs of experiment `edgefit`, as JSON."""

import json
import sys

import mlflow

mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("edgefit")
runs = []
for run in client.search_runs([experiment.experiment_id]):
    history = client.get_metric_history(run.info.run_id, "val_loss")
    runs.append({
        "name": run.info.run_name,
        "status": run.info.status,
        "parameters": run.data.params,
        "metrics": run.data.metrics,
        "val_loss": [[point.step, point.value] for point in history],
        "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
    })
print(json.dumps(runs))
