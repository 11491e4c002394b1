"""How late the event loop is: what every request and every message waits for when something holds it up."""

import asyncio
from collections.abc import Callable

LOOK_SECONDS = 0.5


async def watch_lag(late: Callable[[float], None], every: float = LOOK_SECONDS) -> None:
    """Tell again and again, until cancelled, by how many seconds the loop was late."""
    loop = asyncio.get_running_loop()
    while True:
        due_at = loop.time() + every
        await asyncio.sleep(every)
        late(max(0.0, loop.time() - due_at))
