"""What people do to an incident: what it is afterwards, what is refused, and what a repetition changes."""

from dataclasses import replace

import pytest

from alertsvc.core import acts
from alertsvc.core.acts import Actor, NotPossibleError
from alertsvc.core.incidents import NONE_FIRING, Situation
from alertsvc.core.model import IncidentStatus, Severity
from tests.core.builders import CRITICAL, ERROR, MINUTE, NOW, believer, incident, moment, situation
from tests.core.reading import told

AT = NOW + MINUTE
ANN = Actor("ann", "slack", "on it")
FIRING, ACKNOWLEDGED, RESOLVED = IncidentStatus.FIRING, IncidentStatus.ACKNOWLEDGED, IncidentStatus.RESOLVED
TWO_WARNINGS = (0, 2, 0, 0)


def reopen(about, actor, at):
    return acts.reopen(about, TWO_WARNINGS, actor, at)


def act(what, about):
    """What `what`, done by ann at 09:01, comes to."""
    return what(about, ANN, moment(now=AT))


@pytest.mark.parametrize(
    ("what", "before", "after", "kind"),
    [
        pytest.param(acts.acknowledge, FIRING, ACKNOWLEDGED, "acknowledged", id="acknowledge"),
        pytest.param(acts.unacknowledge, ACKNOWLEDGED, FIRING, "unacknowledged", id="unacknowledge"),
        pytest.param(acts.resolve, FIRING, RESOLVED, "resolved", id="resolve"),
        pytest.param(acts.resolve, ACKNOWLEDGED, RESOLVED, "resolved", id="resolve-what-somebody-has"),
        pytest.param(reopen, RESOLVED, FIRING, "reopened", id="reopen"),
        pytest.param(acts.comment, FIRING, FIRING, "comment", id="comment"),
        pytest.param(acts.comment, ACKNOWLEDGED, ACKNOWLEDGED, "comment", id="comment-on-what-somebody-has"),
        pytest.param(acts.comment, RESOLVED, RESOLVED, "comment", id="comment-on-what-is-over"),
    ],
)
def test_an_act_is_a_version_and_a_line_of_the_timeline(what, before, after, kind):
    known = incident(before, version=4)
    done = act(what, situation(known))
    assert (done.incident.status, done.incident.version, done.incident.updated_at) == (after, 5, AT)
    assert done.effects is not None
    assert done.effects.changed == [done.incident]
    (line,) = done.effects.history
    assert (line.incident_id, line.at, line.kind) == (known.id, AT, kind)
    assert (line.actor, line.channel, line.detail) == ("ann", "slack", "on it")


@pytest.mark.parametrize(
    ("what", "status"),
    [
        pytest.param(acts.acknowledge, ACKNOWLEDGED, id="acknowledge-what-somebody-has"),
        pytest.param(acts.unacknowledge, FIRING, id="give-back-what-nobody-has"),
        pytest.param(acts.resolve, RESOLVED, id="resolve-what-is-over"),
        pytest.param(reopen, FIRING, id="reopen-what-fires"),
        pytest.param(reopen, ACKNOWLEDGED, id="reopen-what-somebody-has"),
    ],
)
def test_a_repeated_act_changes_nothing(what, status):
    known = incident(status, acknowledged_by="bob")
    done = act(what, situation(known))
    assert (done.incident, done.effects) == (known, None)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        pytest.param(acts.acknowledge, "reopen it first", id="acknowledge"),
        pytest.param(acts.unacknowledge, "not acknowledged by anybody", id="unacknowledge"),
    ],
)
def test_what_is_over_can_neither_be_taken_nor_given_back(what, why):
    with pytest.raises(NotPossibleError, match=why):
        act(what, situation(incident(RESOLVED)))


@pytest.mark.parametrize("what", [acts.acknowledge, acts.unacknowledge, acts.resolve, reopen, acts.comment])
def test_there_must_be_an_incident(what):
    with pytest.raises(LookupError):
        act(what, Situation(None))


def test_who_took_it_and_when_is_kept_until_it_is_given_back():
    taken = act(acts.acknowledge, situation(incident())).incident
    assert (taken.acknowledged_by, taken.acknowledged_at) == ("ann", AT)
    back = act(acts.unacknowledge, situation(taken)).incident
    assert (back.acknowledged_by, back.acknowledged_at) == (None, None)


def test_a_person_ends_it_and_nothing_of_it_fires():
    over = act(acts.resolve, situation(incident(severity=ERROR, peak_severity=CRITICAL))).incident
    assert (over.resolved_by, over.resolved_at, over.firing) == ("ann", AT, NONE_FIRING)
    assert (over.severity, over.peak_severity) == (ERROR, CRITICAL), "it stays as bad as it was"


def test_who_had_it_when_it_ended_is_kept():
    over = act(acts.resolve, situation(incident(ACKNOWLEDGED, acknowledged_by="bob"))).incident
    assert (over.acknowledged_by, over.resolved_by) == ("bob", "ann")


def test_reopened_it_fires_as_its_alerts_do_and_nobody_has_it():
    known = replace(incident(RESOLVED), acknowledged_by="bob", acknowledged_at=NOW)
    again = act(reopen, situation(known)).incident
    assert (again.firing, again.severity) == (TWO_WARNINGS, Severity.WARNING)
    assert again.peak_severity is CRITICAL
    assert (again.resolved_at, again.resolved_by, again.acknowledged_at, again.acknowledged_by) == (None,) * 4


@pytest.mark.parametrize(
    ("what", "known", "lines"),
    [
        pytest.param(
            acts.acknowledge,
            situation(incident(), believer()),
            ["team/chat | acknowledged | now | acknowledged by ann", "nobody is reminded"],
            id="acknowledge",
        ),
        pytest.param(
            acts.unacknowledge,
            situation(incident(ACKNOWLEDGED), believer()),
            ["team/chat | unacknowledged | now | unacknowledged by ann", "team/chat | repeat | at 13:00"],
            id="unacknowledge",
        ),
        pytest.param(
            acts.resolve,
            situation(incident(), believer()),
            ["team/chat | resolved | now | resolved by ann", "nobody is reminded"],
            id="resolve",
        ),
        pytest.param(
            reopen,
            situation(incident(RESOLVED), believer("ended")),
            ["team/chat | opened | now | reopened by ann"],
            id="reopen",
        ),
        pytest.param(acts.comment, situation(incident(), believer()), [], id="comment-is-for-readers"),
    ],
)
def test_who_is_told_of_an_act(what, known, lines):
    done = act(what, known)
    assert done.effects is not None
    assert told(done.effects, known) == lines
