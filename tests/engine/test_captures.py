"""Every recorded webhook, one after the other, through the parser and the engine, on both databases."""

from datetime import datetime, timedelta

from alertsvc.clock import new_id
from alertsvc.core.severity import SeverityRule
from alertsvc.engine.submissions import Submission
from alertsvc.ingest import alertmanager
from tests.ingest.expected_captures import CAPTURES
from tests.world import World


async def test_recorded_webhooks_come_to_what_they_must(world: World) -> None:
    for capture in CAPTURES:
        recording = capture.load()
        world.now = datetime.fromisoformat(recording["received_at"])
        parsed = alertmanager.parse(capture.body, SeverityRule())
        submission = Submission(new_id(), "alertmanager", world.now, parsed.events, capture.body)
        (receipt,) = await world.post_together(submission)
        counts = receipt.counts
        came_to = (counts.new, counts.updated, counts.duplicate, counts.stale)
        assert came_to == (capture.new, capture.updated, capture.duplicate, capture.stale), capture.file
        assert counts.quarantined == 0
        await world.balance()
    await world.pass_time(timedelta(hours=2), step=timedelta(minutes=10))
    await world.balance()
