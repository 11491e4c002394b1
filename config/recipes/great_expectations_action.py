"""Great Expectations 1.x: an action of a checkpoint that sends every validation, good or bad.

    pip install great_expectations alertsvc

    from great_expectations_action import AlertsvcAction
    gx.Checkpoint(..., actions=[AlertsvcAction(name="alertsvc", model="churn")])

The class registers itself by its `type`: define it once, in a module, and not in a cell of a notebook. It never fails
the pipeline. What a result shows of your data is neither kept nor sent on by the service.
"""

import logging
from typing import Any, Literal

from great_expectations.checkpoint import ValidationAction

from alertsvc.client import AlertClient


class AlertsvcAction(ValidationAction):
    """Sends the results of a checkpoint; where to, and with which token, says the environment (ALERTSVC_URL, …)."""

    type: Literal["alertsvc"] = "alertsvc"
    model: str
    environment: str | None = None

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:  # noqa: ARG002  # it is called so
        """Called by the checkpoint."""
        try:
            results = [each.to_json_dict() for each in checkpoint_result.run_results.values()]
        except Exception as fault:  # what cannot be written as JSON fails no pipeline either
            logging.getLogger(__name__).exception("the results of a checkpoint could not be sent")
            return {"ok": False, "error": f"{type(fault).__name__}: {fault}"}
        body = {"checkpoint": checkpoint_result.name, "success": checkpoint_result.success, "results": results}
        with AlertClient() as client:
            told = client.report("great-expectations", body, model=self.model, environment=self.environment)
        return {"ok": told.ok, "error": str(told.error or "")}
