"""Named places at which a test ends, freezes, delays or fails this process. They do nothing unless they are armed.

Between every two of them stands a statement, a commit, a message or an answer: whoever kills the process at each in
turn has tried every order in which a crash can cut them. `ALERTSVC_FAILPOINTS` arms them when the service starts. It is
for tests only:

    ALERTSVC_FAILPOINTS="ingest.written=kill,http.written=stop@3,claim.committed=sleep:0.5"

`kill` and `stop` send the process SIGKILL or SIGSTOP, `sleep:SECONDS` holds the thread up, `error` raises. `@N` is for
the N-th passing alone; without it the first counts for `kill` and `stop`, and each for the others.
"""

import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast, get_args

log = logging.getLogger(__name__)

VARIABLE = "ALERTSVC_FAILPOINTS"

Name = Literal[
    # ingest: what comes in, what is written of it, and the answer
    "ingest.body",
    "events.body",
    "ingest.begun",
    "ingest.decided",
    "apply.withdrawn",
    "apply.inserted",
    "apply.written",
    "ingest.written",
    "ingest.committed",
    "express.answer_started",
    "express.answer_ended",
    "web.answer_started",
    "web.answer_ended",
    # what people order
    "command.decided",
    "command.written",
    "command.committed",
    "silence.written",
    "silence.committed",
    # sending: the claim, the message, the answer, and what is written of it
    "claim.written",
    "claim.committed",
    "send.composed",
    "send.checked",
    "http.dialling",
    "http.connected",
    "http.written",
    "http.answer_head",
    "http.answer_body",
    "settle.ended",
    "settle.again",
    "settle.written",
    "settle.committed",
    "reconsider.written",
    "reconsider.committed",
    # what the clock does
    "sweep.written",
    "sweep.committed",
    "sweep.freed",
    "digest.due",
    "digest.held",
    "digest.assigned",
    "mend.written",
    "mend.committed",
    "forget.written",
    "forget.committed",
    "audit.read",
    "freshness.written",
    "freshness.committed",
    "silences.written",
    "silences.committed",
    # the configuration, the schema, the end
    "reload.parsed",
    "reload.swapped",
    "reload.written",
    "reload.kept",
    "migrate.step",
    "migrate.written",
    "migrate.committed",
    "drain.begun",
    "drain.sent",
    "drain.closed",
]
"""Each stands in the code once. `x.written` is the end of a transaction before its commit, `x.committed` after it.

On PostgreSQL an ingest that only adds rows is committed with the statement before `apply.inserted`.
"""
NAMES = cast("tuple[Name, ...]", get_args(Name))

_ORDER = re.compile(r"(?P<name>[^=@]+)=(?P<action>kill|stop|error|sleep:(?P<seconds>\d+(\.\d+)?))(@(?P<nth>[1-9]\d*))?")


class BadFailpointsError(ValueError):
    """What should be armed is not written as it must be, or there is no such failpoint."""


class FailpointError(Exception):
    """A failpoint was told to fail here."""


def _pass(name: Name, /) -> None:
    """Nothing is armed."""


reach: Callable[[Name], None] = _pass
"""The process has come to a failpoint. Call it as `failpoints.reach`: arming puts another function in its place."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to happen at a failpoint. `nth` is the only passing that it is for; None: each."""

    action: str
    seconds: float
    nth: int | None

    def carry_out(self, name: str) -> None:
        """Do it.

        Raises:
            FailpointError: That is what it was told.
        """
        os.write(2, f"failpoint {name}: {self.action}\n".encode())  # past every buffer: it may be the last word
        match self.action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "error":
                raise FailpointError(name)
            case _:
                time.sleep(self.seconds)


def parse(text: str) -> dict[Name, Order]:
    """What `ALERTSVC_FAILPOINTS` orders.

    Raises:
        BadFailpointsError: It cannot be understood, or there is no such failpoint; then all there are are listed.
    """
    orders: dict[Name, Order] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        found = _ORDER.fullmatch(each)
        if found is None:
            raise BadFailpointsError(
                f"{VARIABLE}: {each!r} is not NAME=kill, stop, error or sleep:SECONDS, and maybe @N"
            )
        if found["name"] not in NAMES:
            raise BadFailpointsError(f"{VARIABLE}: there is no {found['name']!r}; there are: {', '.join(NAMES)}")
        ends = found["action"] in {"kill", "stop"}
        nth = int(found["nth"]) if found["nth"] else 1 if ends else None
        orders[cast(Name, found["name"])] = Order(found["action"], float(found["seconds"] or 0), nth)
    return orders


def arm(text: str) -> None:
    """Have happen what `text` orders, and say so loudly; nothing when it is empty.

    Raises:
        BadFailpointsError: As `parse`.
    """
    orders = parse(text)
    if not orders:
        return
    passed = dict.fromkeys(orders, 0)
    counting = threading.Lock()

    def armed(name: Name, /) -> None:
        order = orders.get(name)
        if order is None:
            return
        with counting:
            passed[name] += 1
            is_time = order.nth in {None, passed[name]}
        if is_time:
            order.carry_out(name)

    global reach  # noqa: PLW0603  # so that it costs nothing to ask whether anything is armed
    reach = armed
    log.error("FAILPOINTS ARE ARMED: this process will end, freeze or fail on purpose: %s", text)
