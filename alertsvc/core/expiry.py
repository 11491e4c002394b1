"""Alerts that fire only until an instant: their senders promise to repeat them, and mean their end when they do not."""

from datetime import datetime, timedelta

PRESSING_WITHIN = timedelta(minutes=1)
"""A promise that ends so soon is moved at once: the next touch (each half minute) might come too late."""


def later_end(known: datetime | None, promised: datetime | None) -> datetime | None:
    """Until when an alert fires that another post is about; None: until somebody says otherwise.

    Among ends the latest counts, so that one of two senders that falls silent takes nothing back that the other said.
    A sender that gives no end will tell of it, and then nothing is inferred.

    Source: `Merge` in https://github.com/prometheus/alertmanager/blob/main/alert/alert.go
    """
    if known is None or promised is None:
        return promised
    return max(known, promised)


def is_pressing(known: datetime | None, promised: datetime | None, now: datetime) -> bool:
    """Whether the end must be moved at once: a duplicate that moves nothing else can else wait for the next touch."""
    if known is None or promised is None:
        return known is not promised
    return promised > known and known - now < PRESSING_WITHIN


def is_over(expires_at: datetime | None, now: datetime) -> bool:
    """Whether an end that was promised has passed."""
    return expires_at is not None and expires_at <= now
