"""Make the webhook with the recipe, register a version of a model, and call it the champion."""

import os
import sys

import mlflow
from mlflow import MlflowClient
from mlflow_webhook import connect

webhook = connect(sys.argv[1], os.environ["ALERTSVC_MLFLOW_SECRET"])
client = MlflowClient()
tried = client.test_webhook(webhook)
assert tried.success, tried


def predict(model_input: list[float]) -> list[float]:
    """A model."""
    return model_input


with mlflow.start_run():
    mlflow.pyfunc.log_model(name="model", python_model=predict, registered_model_name="churn", pip_requirements=[])
client.set_registered_model_alias("churn", "champion", "1")
print(f"webhook {webhook} made and tested; churn 1 registered, champion set")
