"""What an alert is called where several of an incident have to be told apart: by what it does not share with them."""

from alertsvc.core.model import Event, Labels
from alertsvc.core.numbers import apart, short

MOST_LABELS = 3
MAX_CHARS = 60
_SAYS_NOTHING = frozenset({"alertname", "severity", "kind"})
"""The first is the name itself; the others tell no two alerts of one name apart."""


def own_labels(event: Event, shared: Labels) -> dict[str, str]:
    """The labels that tell an alert from others with the labels `shared`: the feature first, three at most, cut."""
    names = sorted(event.labels.keys() - shared.keys() - _SAYS_NOTHING, key=lambda name: (name != "feature", name))
    return {cut(name): cut(event.labels[name]) for name in names[:MOST_LABELS]}


def alert_name(event: Event, own: Labels) -> str:
    """Such as `feature age: psi 0.41 ≥ 0.2`; the fingerprint of one that has neither name nor labels of its `own`."""
    about = ", ".join(f"{name} {value}" for name, value in own.items())
    said = " ".join(part for part in (cut(event.labels.get("alertname", "")), _numbers(event)) if part)
    return ": ".join(part for part in (about, said) if part) or event.fingerprint


def _numbers(event: Event) -> str:
    if event.value is None:
        return ""
    if event.threshold is None:
        return short(event.value)
    value, threshold = apart(event.value, event.threshold)
    return f"{value} {'≥' if event.value >= event.threshold else '<'} {threshold}"


def cut(text: str) -> str:
    """At most `MAX_CHARS` characters of a text."""
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 1]}…"
