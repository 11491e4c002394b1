"""Reads a request's body within bounds: its size, its time, its type."""

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.datastructures import Headers

from alertsvc.web.problems import Problem

SECONDS_TO_SEND = 10.0
SLOWEST_BYTES_PER_SECOND = 64 * 1024
JSON_TYPES = frozenset({"application/json", "application/problem+json", "text/json"})


def seconds_to_send(size: int) -> float:
    """How long a client may take for a body of so many bytes."""
    return SECONDS_TO_SEND + size / SLOWEST_BYTES_PER_SECOND


def media_type_of(headers: Headers) -> str | None:
    """The type that a request says its body has, or None."""
    given = headers.get("content-type")
    return None if given is None else given.partition(";")[0].strip().lower()


def check_command(headers: Headers) -> None:
    """Commands are JSON and say so: what a page of anybody may make a browser send is never taken for one.

    Raises:
        Problem: 415, the body has another type, none, or a content encoding. No body needs no type.
    """
    media_type = media_type_of(headers)
    if media_type is None and headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if media_type != "application/json":
        raise _other_type(media_type)
    _refuse_encoding(headers)


def _other_type(media_type: str | None) -> Problem:
    given = media_type[:80] if media_type else "a body without a Content-Type"
    return Problem(415, "unsupported-media-type", f"send application/json, not {given}")


def _refuse_encoding(headers: Headers) -> None:
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Problem(415, "unsupported-content-encoding", "send the body without a content encoding")


def nobody_counts(_size: int) -> None:
    """Small bodies need not be counted."""


async def read_json_body(
    request: Request[Any, Any, Any], most_bytes: int, count: Callable[[int], None] = nobody_counts
) -> bytes:
    """The raw bytes of a JSON request. `count` is told the size of each part, and may raise.

    Raises:
        Problem: 415 another type or a content encoding, 413 too large, 408 too slow.
    """
    media_type = media_type_of(request.headers)
    if media_type is not None and media_type not in JSON_TYPES and not media_type.endswith("+json"):
        raise _other_type(media_type)
    _refuse_encoding(request.headers)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    seconds = seconds_to_send(int(announced) if announced.isdigit() else most_bytes)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(request, most_bytes, count)
    except TimeoutError:
        raise too_slow(seconds) from None


def too_slow(seconds: float) -> Problem:
    """408: a body that did not come in its time."""
    headers = {"Connection": "close"}
    return Problem(408, "request-timeout", f"the body did not arrive within {seconds:.0f} s", headers=headers)


async def _collect(request: Request[Any, Any, Any], most_bytes: int, count: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise _too_large(most_bytes)
        count(len(part))
        parts.append(part)
    return b"".join(parts)


def _too_large(most_bytes: int) -> Problem:
    return Problem(
        413,
        "too-large",
        f"a body may have {most_bytes} bytes; Alertmanager's max_alerts makes its own smaller,"
        " server.max_body_bytes here allows more",
    )
