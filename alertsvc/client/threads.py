"""Work in another thread, for so long and no longer: a name server that does not answer holds up a connection for
half a minute, and no timeout of httpx ends that."""

import contextvars
import queue
import threading
from collections.abc import Callable

from alertsvc.client.exchange import NoAnswer, Told

MOST_LEFT_BEHIND = 16
"""So many calls may still hang, after nobody waits for them any more. Each ends by its own timeouts."""


class Helpers:
    """Threads that each make one call."""

    def __init__(self) -> None:
        self._left: set[threading.Thread] = set()

    def run(self, work: Callable[[], Told], seconds: float, otherwise: NoAnswer) -> Told:
        """The result of `work`, or `otherwise` where it is not done within so many seconds."""
        for each in tuple(self._left):  # a copy, made at once: other threads add theirs meanwhile
            if not each.is_alive():
                self._left.discard(each)
        if len(self._left) >= MOST_LEFT_BEHIND:
            return otherwise
        box: queue.SimpleQueue[Told | BaseException] = queue.SimpleQueue()
        context = contextvars.copy_context()

        def carry() -> None:
            try:
                box.put(context.run(work))
            except BaseException as fault:  # noqa: BLE001  # it is raised again where it is waited for
                box.put(fault)

        helper = threading.Thread(target=carry, name="alertsvc-client", daemon=True)
        try:
            helper.start()
        except RuntimeError:  # the interpreter is ending: no more threads
            carry()
        try:
            found = box.get(timeout=seconds)
        except queue.Empty:
            self._left.add(helper)
            return otherwise
        if isinstance(found, BaseException):
            raise found
        return found
