"""Logging: readable on a terminal, one JSON object a line elsewhere, and no secret in either."""

import logging
import sys
from collections.abc import MutableMapping
from functools import partial
from typing import Any, TextIO

import structlog

from alertsvc.observe.masking import harmless, mask, printable, printable_lines

QUIET = ("httpx", "httpcore", "apscheduler", "uvicorn.access", "asyncio", "aiosmtplib", "alembic.runtime.migration")
"""Loggers that say too much below a warning; the HTTP client's would write whole URLs, secrets included."""
OF_MANY_LINES = ("exception", "stack")


def without_colours(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what uvicorn says a second time with colours."""
    event.pop("color_message", None)
    return event


def configure(level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Set up logging for this process.

    Args:
        level: debug, info, warning or error.
        form: console, json, or auto: console when `stream` is a terminal.
        stream: Where to; standard error when None.
    """
    out = stream or sys.stderr
    pretty = form == "console" or (form == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        without_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: Any = structlog.processors.JSONRenderer()
    if pretty:
        as_it_is = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=as_it_is)
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        partial(_without_secrets, for_terminal=pretty),
        partial(_rendered, renderer),
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True


def _without_secrets(
    _logger: object, _method: str, entry: MutableMapping[str, Any], *, for_terminal: bool
) -> MutableMapping[str, Any]:
    """The entry, masked before colours and quotes stand between a secret and what gives it away."""
    if not for_terminal:
        return {name: harmless(value) for name, value in entry.items()}
    return {
        name: harmless(value, printable_lines if name in OF_MANY_LINES else printable) for name, value in entry.items()
    }


def _rendered(renderer: Any, logger: object, method: str, entry: MutableMapping[str, Any]) -> str:
    """The line, masked once more: objects became text just now."""
    return mask(str(renderer(logger, method, entry)))
