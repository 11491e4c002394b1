"""Work on a message that is done before it may leave: while the transaction that decided it still commits."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, runtime_checkable

from alertsvc.channels.message import Message

T = TypeVar("T")


@runtime_checkable
class Foreseeing(Protocol):
    """A channel that can lay out a message before it is to send it."""

    def foresee(self, message: Message) -> None:
        """Prepare for `message`, which will soon be sent, or never. What goes wrong goes wrong again when it is."""
        ...


class Ahead(Generic[T]):
    """What `make` makes of messages. The last one that was foreseen is kept until it is asked for."""

    def __init__(self, make: Callable[[Message], T]) -> None:
        self._make = make
        self._kept: tuple[Message, T] | None = None

    def foresee(self, message: Message) -> None:
        """Make what will be asked for."""
        self._kept = message, self._make(message)

    def of(self, message: Message) -> T:
        """What is made of `message`, which is this very one that was foreseen or is made now."""
        kept, self._kept = self._kept, None
        return kept[1] if kept is not None and kept[0] is message else self._make(message)
