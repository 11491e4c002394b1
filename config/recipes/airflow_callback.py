"""Airflow 2 and 3: a task that fails is an alert, and ends with its next success.

    from airflow_callback import alert_callbacks
    with DAG("nightly", default_args=alert_callbacks(model="churn")): ...

Airflow calls these where the task ran; ALERTSVC_URL and ALERTSVC_TOKEN_FILE have to be set there.
"""

from collections.abc import Callable
from typing import Any

from alertsvc.client import AlertClient, Result

Callback = Callable[[Any], Result]


def alert_callbacks(
    *, model: str, severity: Any = "critical", client: AlertClient | None = None
) -> dict[str, Callback]:
    """The `default_args` of a DAG. A task that is retried alerts after its last try only."""
    sender = client or AlertClient()

    def tell(context: Any, **fields: Any) -> Result:
        task = context["task_instance"]
        segment = {"dag": task.dag_id, "task": task.task_id}
        if getattr(task, "map_index", -1) >= 0:  # of a mapped task each instance fails, and succeeds, for itself
            segment["map_index"] = str(task.map_index)
        named = {"kind": "health", "segment": segment}
        shown = {"run_id": context["run_id"], "links": [task.log_url] if task.log_url else None}
        return sender.event(model=model, metric="airflow_task", **named, **shown, **fields)

    def failed(context: Any) -> Result:
        fault = context.get("exception")
        said = f"{type(fault).__name__}: {fault}" if isinstance(fault, BaseException) else str(fault or "it failed")
        where = f"{context['task_instance'].dag_id}.{context['task_instance'].task_id}"
        return tell(context, status="firing", severity=severity, summary=f"{where}: {said}"[:1000])

    def succeeded(context: Any) -> Result:
        return tell(context, status="resolved")

    return {"on_failure_callback": failed, "on_success_callback": succeeded}
