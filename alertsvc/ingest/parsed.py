"""What a source's parser leaves of a payload: events, and what could not be read."""

from dataclasses import dataclass

from alertsvc.core.model import Event


class BadPayloadError(Exception):
    """The whole body is not what this door takes; repeating it cannot help. The text names the field and the fix.

    `field` is the path of the field at fault, such as `alerts` or `events[3]`; empty when it is the body itself.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class BadItem:
    """One item that could not be read: its position in the body, why, and what it was, in JSON.

    `raw` is empty where that cannot be told from the body by itself. `pointer` says where in the body the reason lies,
    as RFC 6901 writes it.
    """

    index: int
    reason: str
    raw: bytes
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body, taken apart. Every item of it is one of `events` or one of `bad`.

    `sender` says which instance sent it (Alertmanager's external URL); `receiver` and `group_key` are its own words for
    the group. `truncated_count` alerts were left out by the sender.
    """

    events: tuple[Event, ...]
    bad: tuple[BadItem, ...] = ()
    sender: str | None = None
    receiver: str | None = None
    group_key: str | None = None
    truncated_count: int = 0

    @property
    def received_count(self) -> int:
        """How many items the body had."""
        return len(self.events) + len(self.bad)
