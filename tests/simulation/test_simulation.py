"""A few plays in every run of the tests. `python -m tests.simulation` plays as many as there is time for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.play import Plan, Play
from tests.simulation.truth import judged, verify

SHORT = 90.0
"""Seconds of a play in which things happen, where the play itself is not what is tested."""


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(8, id="without-a-fault"),
        pytest.param(14, id="who-a-reload-brings-back-hears-that-it-fires-again"),
        pytest.param(32, id="one-of-two-recipients-hears-of-the-end"),
        pytest.param(113, id="who-was-muted-and-taken-away-meanwhile-hears"),
    ],
)
def test_what_is_promised_holds_whatever_happens(seed: int, migrated_file: Path, tmp_path: Path) -> None:
    figures = judged(Plan.of(seed), migrated_file, tmp_path)
    assert figures.failures == []
    assert figures.incidents > 3
    assert figures.taken > 50
    assert figures.crashes > 0 or seed == 8 or not Plan.of(seed).crashes


def test_a_seed_tells_the_same_story_every_time(migrated_file: Path, tmp_path: Path) -> None:
    first, second = (judged(Plan.of(12, SHORT), migrated_file, tmp_path) for _ in range(2))
    assert first.story == second.story
    assert (first.trace, first.steps) == (second.trace, second.steps)
    assert judged(Plan.of(14, SHORT), migrated_file, tmp_path).trace != first.trace


def _one_more(play: Play) -> None:
    play.journal.taken.append(next(each for each in play.journal.taken if each.is_noticed))


def _backwards(play: Play) -> None:
    play.journal.taken.reverse()


def _nobody_heard(play: Play) -> None:
    play.journal.taken.clear()


def _an_answer_was_never_stored(play: Play) -> None:
    key = play.world.new_id()
    play.receipts[key] = next(iter(play.receipts.values()))


def _an_alert_is_not_as_was_said(play: Play) -> None:
    play.truth["unheard of"] = next(iter(play.truth.values()))


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (_one_more, "arrived 2 times"),
        (_backwards, "came after"),
        (_nobody_heard, "does not know"),
        (_an_answer_was_never_stored, "is not stored"),
        (_an_alert_is_not_as_was_said, "is not stored"),
    ],
)
def test_a_lie_is_found_out(lie: Callable[[Play], None], found: str, migrated_file: Path, tmp_path: Path) -> None:
    play = Play(Plan.of(8, SHORT), migrated_file, tmp_path)
    try:
        play.run()
        lie(play)
        verify(play)
    finally:
        play.dispose()
    assert any(found in each for each in play.figures.failures)
