"""What ended an incident where no person did: the last of its alerts, and what ended that."""

from collections.abc import Sequence
from dataclasses import dataclass

from alertsvc.core.alerts import EXPIRED, SOURCE, Change, Step
from alertsvc.core.flapping import STABLE
from alertsvc.core.model import Event


@dataclass(frozen=True, slots=True)
class Ending:
    """`by` is `SOURCE` or `EXPIRED`; `why` says it to people, the same in every place."""

    by: str
    why: str


RETIRED = "retired"
FORGOTTEN = "forgotten"
SUPERSEDED = "superseded"
OTHER_TEST = "other_test"
"""What decided, where nothing is expected of a series any more: a person, its age, the next version, another test."""

_BY_SOURCE = Ending(SOURCE, "its last alert ended at its source")
_ENDINGS = {
    EXPIRED: Ending(EXPIRED, "its last alert ended: its source fell silent"),
    RETIRED: Ending(SOURCE, "its last alert ended: its series was retired"),
    FORGOTTEN: Ending(SOURCE, "its last alert ended: its series has been silent for so long that it is forgotten"),
    SUPERSEDED: Ending(SOURCE, "its last alert ended: its version of the model was superseded"),
    OTHER_TEST: Ending(SOURCE, "its last alert ended: its tool tests with another test now"),
    STABLE: Ending(SOURCE, "its last alert had flapped and has stayed ended"),
}


def ending(steps: Sequence[tuple[Event, Step]]) -> Ending:
    """How the events of a batch, after which nothing fires, ended the last alert."""
    deciders = [event.decided_by for event, step in steps if step.change is Change.ENDED]
    return _ENDINGS.get(deciders[-1], _BY_SOURCE) if deciders else _BY_SOURCE
