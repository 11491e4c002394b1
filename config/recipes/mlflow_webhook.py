"""MLflow 3.3 and newer: have its registry tell alertsvc which version of a model is live.

    python mlflow_webhook.py https://alerts.example.com      # secret in ALERTSVC_MLFLOW_SECRET

The same secret goes into the service's configuration (`sources: {mlflow: {secret_env: ALERTSVC_MLFLOW_SECRET}}`); the
signature stands for a token. The tracking server needs a SQL store, MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY (else each of
its processes makes its own key), and for an alertsvc inside your network MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https and
MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true. It gives up after about 8 s; what happens while alertsvc is away is not told.
"""

import os
import sys

from mlflow import MlflowClient

EVENTS = [
    "registered_model.created",
    "model_version.created",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "model_version_tag.set",
]


def connect(alertsvc_url: str, secret: str, client: MlflowClient | None = None) -> str:
    """Make the webhook, and return its id."""
    made = (client or MlflowClient()).create_webhook(
        name="alertsvc",
        url=f"{alertsvc_url.rstrip('/')}/api/v1/hooks/mlflow",
        events=EVENTS,
        secret=secret,
        description="Which version of a model is live",
    )
    return str(made.webhook_id)


if __name__ == "__main__":
    sys.stdout.write(connect(sys.argv[1], os.environ["ALERTSVC_MLFLOW_SECRET"]) + "\n")
