"""What must be true when a play is over and everything is calm."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, select

from alertsvc.channels.message import DigestMessage
from alertsvc.channels.outcome import Unknown
from alertsvc.core.model import AlertState, Deliver, IncidentStatus, Severity
from alertsvc.core.severity import with_severity
from alertsvc.core.subscribers import subscribers
from alertsvc.engine.audit import CHECKS, Asked, look
from alertsvc.store.tables import alert, arrival, believer, delivery, incident, notification
from tests import ledger
from tests.simulation.play import Figures, Plan, Play
from tests.simulation.replica import START
from tests.simulation.wire import ROUTING_KEY, Taken

Finds = Callable[[Play, Connection], Iterator[str]]


def judged(plan: Plan, template: Path, folder: Path) -> Figures:
    """What a play comes to, from its beginning to the verdict. `template` is a database with the tables in it."""
    play = Play(plan, template, folder)
    try:
        play.run()
        verify(play)
    finally:
        play.dispose()
    return play.figures


def verify(play: Play) -> None:
    """Add to the failures of a play what is not as it must be."""
    figures = play.figures
    with play.engine.connect() as conn:
        for check in CHECKED:
            try:
                figures.failures += check(play, conn)
            except AssertionError as fault:
                figures.failures.append(f"{check.__name__}: {fault}")
        figures.incidents = len(conn.execute(select(incident.c.id)).all())
        figures.notifications = len(conn.execute(select(notification.c.id)).all())
    noticed = Counter((each.delivery_id, each.path) for each in play.journal.taken if each.is_noticed)
    figures.twice = sum(number - 1 for number in noticed.values())


def _the_books_balance(_: Play, conn: Connection) -> Iterator[str]:
    ledger.check(conn)
    found = look(conn, Asked(START, START))
    assert found == {name: [] for name in CHECKS}, found
    yield from ()


def _what_was_answered_is_stored(play: Play, conn: Connection) -> Iterator[str]:
    stored = {row.id: row for row in conn.execute(select(arrival))}
    for key, receipt in play.receipts.items():
        row = stored.get(key)
        if row is None:
            yield f"request {key} was answered and is not stored"
            continue
        counts = receipt.counts
        said = (counts.new, counts.updated, counts.duplicate, counts.stale)
        if said != (row.new_count, row.updated_count, row.duplicate_count, row.stale_count):
            yield f"request {key} was answered {said} and is stored otherwise"


def _alerts_are_as_their_sources_say(play: Play, conn: Connection) -> Iterator[str]:
    """Or as people have said, where they ended it."""
    rows = {row.fingerprint: row for row in conn.execute(select(alert))}
    for name, truth in play.truth.items():
        row = rows.get(name)
        if row is None:
            yield f"alert {name} is not stored"
        elif row.state != truth.state:
            by_person = row.incident_id in play.resolved_by_people and truth.state is AlertState.FIRING
            if not by_person:
                yield f"alert {name} is {row.state}, and its source said {truth.state} at {truth.said_at:.1f}"
        elif row.state == "firing" and row.severity != truth.severity:
            if truth.said_at < play.reopened_by_people.get(row.incident_id, 0.0):
                continue  # what a source says of an alert that a person closed is not taken in: it opens as it was
            yield f"alert {name} is {row.severity}, and its source said {truth.severity}"


def _lanes_leave_in_order(play: Play, _: Connection) -> Iterator[str]:
    """By their numbers, and digests by the end of their windows."""
    last: dict[str, Taken] = {}
    for each in play.journal.taken:
        lane = each.sending.lane
        before = last.get(lane)
        if before is not None and before.delivery_id != each.delivery_id and _place(before) >= _place(each):
            yield f"{lane}: {_place(each)} came after {_place(before)}"
        last[lane] = each


def _place(taken: Taken) -> tuple[float, int]:
    message = taken.sending.message
    if isinstance(message, DigestMessage):
        return (message.window_end.timestamp(), int(message.storm is not None and message.storm.is_over))
    return (0.0, message.sequence)


def _nothing_arrives_twice_without_a_reason(play: Play, conn: Connection) -> Iterator[str]:
    """At most once more for each try of which nobody knows, and each that a process left behind when it died."""
    rows = conn.execute(select(delivery.c.id, delivery.c.unknown_count))
    unknown: Counter[UUID] = Counter({row.id: row.unknown_count for row in rows})
    settled_late = Counter(
        sending.envelope.delivery_id for sending, outcome in play.journal.returned if isinstance(outcome, Unknown)
    )
    arrived = Counter((each.delivery_id, each.path) for each in play.journal.taken if each.is_noticed)
    for (key, path), number in arrived.items():
        allowed = max(unknown[key], settled_late[key])
        if number - 1 > allowed:
            yield f"delivery {key} arrived {number} times at {path}, and {allowed} tries had an unknown end"
    if play.plan.is_faultless and any(number > 1 for number in arrived.values()):
        yield "something arrived twice without any fault"


def _stories(play: Play) -> dict[tuple[UUID, str], list[str]]:
    found: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for each in play.journal.taken:
        for incident_id, word in each.says().items():
            found[incident_id, each.sending.destination].append(word)
    return found


def _who_was_told_that_it_fires_is_told_that_it_ended(play: Play, conn: Connection) -> Iterator[str]:
    stories = _stories(play)
    for row in conn.execute(select(incident).where(incident.c.status == "resolved")):
        for (key, destination), story in stories.items():
            if key == row.id and story[-1] != "ended":
                yield f"{destination} believes that #{row.number} fires: {story}"


def _who_is_to_know_that_it_fires_knows(play: Play, conn: Connection) -> Iterator[str]:
    stories = _stories(play)
    firing = select(incident.c.id, incident.c.number, alert.c.labels, alert.c.severity, alert.c.source)
    firing = firing.join(alert, alert.c.incident_id == incident.c.id)
    firing = firing.where(incident.c.status == IncidentStatus.FIRING, alert.c.state == "firing")
    for row in conn.execute(firing):
        severity = Severity(row.severity)
        for destination, route in subscribers(play.rules, with_severity(row.labels, severity, row.source)):
            story = stories[row.id, destination.id]
            if route.deliver[severity] is not Deliver.NONE and (not story or story[-1] != "fires"):
                yield f"{destination.id} does not know that #{row.number} fires ({severity.word}): {story}"


def _pagerduty_has_open_what_is_open(play: Play, conn: Connection) -> Iterator[str]:
    states = {row.id: row for row in conn.execute(select(incident))}
    for each in play.providers.pagerduty.alerts:
        found = [row for key, row in states.items() if str(key) in each.key]
        if each.state != "resolved" and found and found[0].status == "resolved":
            yield f"PagerDuty has an open alert of #{found[0].number}, which is resolved"
    alone = (believer.c.deliver == "immediate", believer.c.sequence > 0)
    last = {each.sending.message.incident_id for each in _last_by_itself(play)}
    told = select(believer).where(believer.c.destination == "oncall/pager", believer.c.told_at.is_not(None), *alone)
    for row in conn.execute(told):
        is_open = any(
            each.key.startswith(ROUTING_KEY) and str(row.incident_id) in each.key and each.state != "resolved"
            for each in play.providers.pagerduty.alerts
        )
        told_alone = row.incident_id in last and row.state != "ended"  # a digest opens no alert of its own there
        if told_alone and states[row.incident_id].status == "firing" and not is_open:
            yield f"PagerDuty has no open alert of #{states[row.incident_id].number}, which fires"


def _last_by_itself(play: Play) -> list[Taken]:
    """What the pager was told last of each incident, where that was a message of its own."""
    last: dict[UUID, Taken] = {}
    for each in play.journal.taken:
        if each.sending.destination == "oncall/pager":
            last |= dict.fromkeys(each.says(), each)
    return [each for each in last.values() if not isinstance(each.sending.message, DigestMessage)]


def _no_provider_found_fault(play: Play, _: Connection) -> Iterator[str]:
    yield from (f"a provider found fault: {each}" for each in play.providers.faults())


CHECKED: tuple[Finds, ...] = (
    _the_books_balance,
    _what_was_answered_is_stored,
    _alerts_are_as_their_sources_say,
    _lanes_leave_in_order,
    _nothing_arrives_twice_without_a_reason,
    _who_was_told_that_it_fires_is_told_that_it_ended,
    _who_is_to_know_that_it_fires_knows,
    _pagerduty_has_open_what_is_open,
    _no_provider_found_fault,
)
