"""What a failed request means: that it surely did not arrive, or that nobody knows. Holds no URL and no header."""

import os
import ssl
from collections.abc import Iterator

import httpcore

from alertsvc.channels.dial import AddressRefusedError
from alertsvc.channels.outcome import Fault, Retry, Unknown

WRONG_NAME_CODES = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host or address; its text names ours."""
UNUSABLE = Retry(
    Fault.CONFIGURATION,
    "the URL is not a usable http or https address, or a credential has characters that no header can carry",
    whole_destination=True,
)

TROUBLE = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
Trouble = httpcore.TimeoutException | httpcore.NetworkError | httpcore.ProtocolError

_MEANINGS: tuple[tuple[type[Exception], Retry | Unknown], ...] = (
    (httpcore.ConnectTimeout, Retry(Fault.TIMEOUT, "no connection in time")),
    (httpcore.PoolTimeout, Retry(Fault.TIMEOUT, "no free connection in time")),
    (httpcore.LocalProtocolError, UNUSABLE),
    (httpcore.TimeoutException, Unknown("no answer in time", Fault.TIMEOUT)),
    (httpcore.ProtocolError, Unknown("the connection was closed without an answer in HTTP", Fault.NETWORK)),
)


def trouble(fault: Trouble) -> Retry | Unknown:
    """What `fault` means for the request it broke. Only what failed before anything was written is a `Retry`."""
    if isinstance(fault, AddressRefusedError):
        return Retry(Fault.CONFIGURATION, str(fault), whole_destination=True)
    if isinstance(fault, httpcore.ConnectError):
        return _not_connected(fault)
    otherwise = Unknown("the connection broke before an answer came", Fault.NETWORK)
    return next((meaning for kind, meaning in _MEANINGS if isinstance(fault, kind)), otherwise)


def _not_connected(fault: httpcore.ConnectError) -> Retry:
    for cause in _causes(fault):
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = "it is for another host" if cause.verify_code in WRONG_NAME_CODES else cause.verify_message
            return Retry(Fault.CONFIGURATION, f"the certificate cannot be verified: {why}", whole_destination=True)
        if isinstance(cause, ssl.SSLError):
            return Retry(Fault.NETWORK, f"TLS failed: {(cause.reason or 'no reason given').lower().replace('_', ' ')}")
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return Retry(Fault.NETWORK, f"no connection: {os.strerror(cause.errno).lower()}")
    return Retry(Fault.NETWORK, f"no connection: {fault}" if str(fault).startswith("the host ") else "no connection")


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        fault = fault.__cause__ or fault.__context__  # httpcore's pool takes the cause away and leaves the context
