"""A run of Evidently 0.7, sent with the recipe."""

import sys

from evidently import Report
from evidently.presets import DataDriftPreset
from evidently_report import send
from frames import current, frame

from alertsvc.client import AlertClient

snapshot = Report([DataDriftPreset()], include_tests=True).run(current(sys.argv[1]), frame())
result = send(AlertClient(raise_errors=True), snapshot, model="churn")
print(result.item.state, result.item.decided_by)
