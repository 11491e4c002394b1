"""What httpx says of a request, in the words of `exchange`. Only here and in the two clients is httpx known."""

from collections.abc import Mapping

import httpx

from alertsvc.client.exchange import Answer, Loss, NoAnswer, Send
from alertsvc.client.settings import CONNECT_SECONDS

MOST_BYTES = 16 * 1024 * 1024
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
NEVER_POSSIBLE = (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError)

FAULTS = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError)
"""What may come in place of an answer."""


def request_of(http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
    """The request to send, with the time that is left for it."""
    timeout = httpx.Timeout(send.seconds, connect=min(CONNECT_SECONDS, send.seconds))
    asked = send.request
    params = httpx.QueryParams(list(asked.params)) if asked.params else None
    return http.build_request(
        asked.method, send.url, content=asked.body, params=params, headers=dict(send.headers), timeout=timeout
    )


def answer_of(response: httpx.Response, body: bytes) -> Answer:
    """The answer that a response is."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body)


def no_answer(fault: Exception) -> NoAnswer:
    """Why there is none."""
    said = str(fault) or type(fault).__name__
    if isinstance(fault, NEVER_POSSIBLE):
        return NoAnswer(Loss.IMPOSSIBLE, said)
    return NoAnswer(Loss.NOT_SENT if isinstance(fault, NEVER_SENT) else Loss.UNKNOWN, said)


def too_late(send: Send) -> NoAnswer:
    """The time is up."""
    return NoAnswer(Loss.UNKNOWN, f"no answer within {send.seconds:.1f} s")


def too_long() -> NoAnswer:
    """An answer that is none of this service."""
    return NoAnswer(Loss.IMPOSSIBLE, f"its answer has more than {MOST_BYTES} bytes")
