"""Reads the configuration again when the process gets SIGHUP."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from alertsvc.engine.reload import Reloader
from alertsvc.settings.errors import ConfigError

log = logging.getLogger(__name__)


def ignore_hangup() -> None:
    """Let SIGHUP pass: by itself it ends a process, and one that still starts reads the newest file anyway."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@asynccontextmanager
async def reloading_on_hangup(reloader: Reloader) -> AsyncGenerator[None]:
    """Reload on SIGHUP. Signals that come while one reload runs make one more together."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    work = asyncio.create_task(_reload_when(asked, reloader), name="reload")
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        ignore_hangup()  # and not by itself: it would end the process in the middle of draining
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _reload_when(asked: asyncio.Event, reloader: Reloader) -> None:
    while True:
        await asked.wait()
        asked.clear()
        try:
            await reloader.reload()
        except ConfigError:
            continue  # the log has every mistake of it
        except Exception:
            log.exception("a reload failed")
