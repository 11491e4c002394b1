"""A run of Evidently 0.4, sent with the recipe."""

import sys

from evidently.metric_preset import DataDriftPreset
from evidently.report import Report
from evidently_report import send
from frames import current, frame

from alertsvc.client import AlertClient

report = Report([DataDriftPreset()])
report.run(reference_data=frame(), current_data=current(sys.argv[1]))
result = send(AlertClient(raise_errors=True), report, model="churn")
print(result.item.state, result.item.decided_by)
