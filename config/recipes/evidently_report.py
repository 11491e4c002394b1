"""Evidently: send every report, good or bad. The service opens one incident for the drift, and ends it.

    pip install evidently "pandas<3" alertsvc

Works for every version from 0.2.8 on: a `Report` or `TestSuite` of the old API, a `Snapshot` of the new one. Send
`.json()`, not `.dict()` (which has values that JSON has not) nor `.dumps()` (which is for Evidently itself).
"""

from typing import Any

from alertsvc.client import AlertClient, Result


def send(client: AlertClient, report: Any, *, model: str, dataset: str = "daily", **context: Any) -> Result:
    """Send what `Report(...).run(current, reference)` gave; old API: the report itself, after its `run`.

    `context`: `model_version`, `environment`, `observed_at`, `run_id`; `split="feature"` makes an alert of each column.
    """
    return client.report("evidently", report.json(), model=model, dataset=dataset, **context)
