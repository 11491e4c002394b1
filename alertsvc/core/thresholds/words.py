"""How a judged event says why: as annotations, so that whoever sees its alert sees that too."""

from dataclasses import replace

from alertsvc.core.model import AlertState, Event
from alertsvc.core.thresholds.policy import Policy

RULE = "rule"
"""The annotation with the entry of the file that decided."""
BECAUSE = "because"
"""The annotation with the reason in words."""
KEYS = {"often": "for", "feature_share": "share_of_features"}
"""What the file calls parts of a policy that have another name here."""


def rule_of(policy: Policy, name: str) -> str | None:
    """The entry of the file that said `name` of a policy; None: none did."""
    path = policy.rules.get(name)
    return None if path is None else f"{path}.{KEYS.get(name, name)}"


def told(event: Event, rule: str | None, why: str | None) -> Event:
    """The same with a rule and a reason, as far as there are any."""
    added = {name: text for name, text in ((RULE, rule), (BECAUSE, why)) if text}
    return replace(event, annotations={**event.annotations, **added}) if added else event


def unsaid(event: Event, decided_by: str, rule: str | None, why: str) -> Event:
    """The same, as one that its alert is not told: it is kept, and decides nothing."""
    return told(replace(event, state=None, decided_by=decided_by), rule, why)


def is_bad(event: Event) -> bool:
    """Whether it fires, or would."""
    return event.state is AlertState.FIRING
