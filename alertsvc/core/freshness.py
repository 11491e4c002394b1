"""What is wrong with the monitoring itself: an observation that did not come, or came without a value or without rows.

Each is an alert of its own beside that of the metric, which such an observation neither fires nor ends.
"""

from collections.abc import Mapping

from alertsvc.core.model import AlertState, Event, Labels
from alertsvc.core.observation import Trouble

ALERTNAMES: Mapping[Trouble, str] = {
    Trouble.MISSING: "MissingObservations",
    Trouble.NO_VALUE: "NoValue",
    Trouble.NO_ROWS: "NoRows",
}
CHANGED = "changed"
"""What a series is marked with that must be looked at again, whatever was told of it."""


def about(labels: Labels, trouble: Trouble) -> dict[str, str]:
    """The labels of the alert that `trouble` is, for the series with `labels`: the same, but for three."""
    metric = labels.get("alertname", "")
    return {**labels, "alertname": ALERTNAMES[trouble], "metric": metric, "condition": trouble, "kind": "health"}


def state_of(event: Event) -> str:
    """What was made of an observation, in a word for its series."""
    observation = event.observation
    if observation is not None and observation.trouble is not None:
        return observation.trouble
    if event.state is None:
        return "recorded"
    return "firing" if event.state is AlertState.FIRING else "ok"
