"""What the first message of an incident is made of: written and said in one transaction, and the same in both."""

from dataclasses import replace
from datetime import timedelta

from alertsvc.core.model import AlertState, Link, Severity
from tests.world import START, World, event


async def test_what_is_said_of_a_new_incident_is_what_stands_in_the_database(world: World) -> None:
    """`World.post` compares them; here are alerts that differ in everything that decides about their order."""
    severities = [Severity.WARNING, Severity.CRITICAL, Severity.ERROR, Severity.CRITICAL]
    listed = [
        replace(
            event(severities[n % 4], start=START - timedelta(minutes=n % 3), feature=f"f{n}", region="eu"),
            annotations={"summary": f"s{n}"},
            value=0.1 * n,
            threshold=None if n % 2 else 0.2,
            links=(Link("dashboard", f"https://grafana.example/{n}"),),
        )
        for n in range(14)
    ]
    ended = [
        event(Severity.CRITICAL, state, start=START, feature="gone")
        for state in (AlertState.FIRING, AlertState.RESOLVED)
    ]
    await world.post(*listed, *ended)
    await world.deliver()
    (message,) = world.channel().sent
    assert (message.firing_count, message.ended_count) == (14, 1)
    assert [(alert.severity, alert.starts_at) for alert in message.alerts[:3]] == [
        (Severity.CRITICAL, START),
        (Severity.CRITICAL, START),
        (Severity.CRITICAL, START - timedelta(minutes=1)),
    ]
    assert message.labels == {"alertname": "Drift", "model": "churn"}  # one that is not listed is of no region
