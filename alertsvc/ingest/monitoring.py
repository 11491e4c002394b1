"""Events about the monitoring of a series, beside those about its metric: alerts of their own, which follow from it."""

from dataclasses import replace

from alertsvc.core.freshness import about
from alertsvc.core.model import Event
from alertsvc.core.observation import SeriesKey, Trouble
from alertsvc.ingest.fingerprint import fingerprint


def fingerprint_about(series: str, trouble: Trouble) -> str:
    """The alert that `trouble` with the series of this fingerprint is, whatever its labels were cut to."""
    return fingerprint({"series": series, "condition": trouble})


def about_monitoring(event: Event, trouble: Trouble) -> Event:
    """What an observation without a value, or without rows, tells: of the monitoring, nothing of the metric.

    The number that came of no rows is none.
    """
    observation = event.observation
    series = SeriesKey(event.fingerprint, event.labels)
    return replace(
        event,
        fingerprint=fingerprint_about(event.fingerprint, trouble),
        labels=about(event.labels, trouble),
        value=None,
        threshold=None,
        observation=observation and replace(observation, has_value=False, trouble=trouble, series=series),
    )
