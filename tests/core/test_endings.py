"""What is said to have ended an incident: the last of its alerts that ended, and what ended that."""

from dataclasses import replace

import pytest

from alertsvc.core.alerts import Change, Step
from alertsvc.core.endings import ending
from tests.core.builders import alert, event


def ended(decided_by: str = "source", change: Change = Change.ENDED):
    return replace(event(), decided_by=decided_by), Step(change, None, alert())


@pytest.mark.parametrize(
    ("steps", "by", "why"),
    [
        pytest.param([ended()], "source", "its last alert ended at its source", id="told-by-its-source"),
        pytest.param([ended("expired")], "expired", "its last alert ended: its source fell silent", id="lapsed"),
        pytest.param([ended("expired"), ended()], "source", "its last alert ended at its source", id="the-last-counts"),
        pytest.param(
            [ended(), ended("expired"), ended(change=Change.UPDATED)],
            "expired",
            "its last alert ended: its source fell silent",
            id="what-did-not-end-does-not",
        ),
        pytest.param([ended("stable")], "source", "its last alert had flapped and has stayed ended", id="flapped"),
    ],
)
def test_the_last_end_says_how(steps, by, why):
    assert (ending(steps).by, ending(steps).why) == (by, why)
