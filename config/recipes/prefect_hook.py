"""Prefect 2 and 3: a flow that fails or crashes is an alert, and ends with its next completed run.

from prefect_hook import hook
tell = hook(model="churn")
@flow(on_failure=[tell], on_crashed=[tell], on_completion=[tell])
def nightly(): ...
"""

from collections.abc import Callable
from typing import Any

from alertsvc.client import AlertClient, Result


def hook(
    *, model: str, severity: Any = "critical", client: AlertClient | None = None
) -> Callable[[Any, Any, Any], Result]:
    """A hook for any state of a flow, or of a task."""
    sender = client or AlertClient()

    def tell(flow: Any, flow_run: Any, state: Any) -> Result:
        is_good = state.is_completed()
        said = f"{flow.name}: {state.name}" + (f": {state.message}" if state.message else "")
        return sender.event(
            model=model,
            metric="prefect_flow",
            kind="health",
            segment={"flow": flow.name},
            run_id=str(flow_run.id),
            status="resolved" if is_good else "firing",
            severity="info" if is_good else severity,
            summary=said[:1000],
        )

    return tell
