"""How far a conversation with a mail server has come, and how long it may still take."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """The steps of a conversation, in the words of the protocol."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "EHLO"
    TLS = "STARTTLS"
    LOGIN = "AUTH"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"
    END = "end of the message"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    `stage` is for one step of the protocol. `end` is for the answer to a whole mail: long, because a server that still
    works on it when we hang up delivers it all the same, and then it comes twice (RFC 1047). `whole` bounds one send;
    whatever comes before a mail's end must leave room for `end`. A connection nobody uses closes after `idle`.
    """

    stage: float = 20
    end: float = 120
    whole: float = 240
    idle: float = 30


@dataclass(slots=True)
class Steps:
    """Where one send stands. `deadline` is on the clock of the event loop."""

    patience: Patience
    deadline: float = 0.0
    stage: Stage = field(default=Stage.CONNECT)

    def begin(self, deadline: float) -> None:
        """Begin a send that ends at `deadline`."""
        self.deadline = deadline
        self.stage = Stage.CONNECT

    def enter(self, stage: Stage) -> None:
        """Go on to `stage`."""
        self.stage = stage

    def seconds(self) -> float:
        """How long the next command may take.

        Raises:
            TimeoutError: So little is left that a mail begun now could not be waited for to its end.
        """
        left = self.deadline - self.patience.end - asyncio.get_running_loop().time()
        if left <= 0:
            raise TimeoutError("the time for one send was used up")
        return min(left, self.patience.stage)

    def seconds_for_end(self) -> float:
        """How long the answer to a whole mail may take."""
        return min(self.patience.end, self.deadline - asyncio.get_running_loop().time())
