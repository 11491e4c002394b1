"""One module per source: a foreign payload becomes events. Pure."""

from collections.abc import Callable, Mapping

from alertsvc.core.severity import SeverityRule
from alertsvc.ingest import alertmanager, grafana
from alertsvc.ingest.parsed import Parsed

SOURCES: Mapping[str, Callable[[bytes, SeverityRule], Parsed]] = {
    alertmanager.SOURCE: alertmanager.parse,
    grafana.SOURCE: grafana.parse,
}
"""The tools that post alerts in words of their own, by the name of their hook; those that report: `tools.reading`."""
