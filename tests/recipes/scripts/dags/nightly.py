"""A DAG of Airflow with the recipe's callbacks. Its task fails, or succeeds. Airflow reads it, and it runs itself."""

import sys
from datetime import UTC, datetime

from airflow.sdk import DAG, task
from airflow.utils.db import initdb
from airflow_callback import alert_callbacks

with DAG(
    "nightly",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    default_args=alert_callbacks(model="churn"),
) as dag:

    @task
    def drift() -> None:
        if sys.argv[1] == "bad":
            raise ValueError("no rows for today")

    drift()

if __name__ == "__main__":
    initdb()
    print(dag.test().state)
