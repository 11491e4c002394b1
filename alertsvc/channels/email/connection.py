"""Opens a connection to a mail server: dialled, greeted, encrypted and logged in."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar, cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError

from alertsvc.channels.email.config import TlsConfig
from alertsvc.channels.email.settings import Login, Relay
from alertsvc.channels.email.steps import Stage, Steps

T = TypeVar("T")

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_LOGGED_IN = 235


class SetupError(Exception):
    """A file of ours that the connection needs cannot be used. The text names it."""


class Line(SMTP):
    """A connection whose end is the end: nothing is waited for once something broke."""

    def close(self) -> None:
        """Cut the line. The usual close would wait half a minute for a silent server to end its side of TLS."""
        if self.transport is not None:
            cast("asyncio.WriteTransport", self.transport).abort()  # uvloop's has it without being one
        super().close()

    def hang_up(self) -> None:
        """Say goodbye, and close once that is sent; the answer is not waited for."""
        protocol, transport = self.protocol, self.transport
        if protocol is not None and transport is not None and not transport.is_closing():
            protocol.write(b"QUIT\r\n")
            transport.close()
            self.protocol = self.transport = None
        super().close()


async def open_connection(relay: Relay, threads: Executor, steps: Steps) -> Line:
    """A connection that is ready for mail.

    Names are looked up and certificate files read in `threads`, so that a dead resolver stops this channel alone.

    Raises:
        SMTPException, OSError: The server or the network failed, at the stage that `steps` has come to.
        SetupError, SecretUnavailableError: A file or secret of ours is missing.
    """
    steps.enter(Stage.CONNECT)
    context = None
    if relay.tls != "none":
        context = await _in_thread(threads, lambda: tls_context(relay.tls_config), steps.seconds())
    smtp = Line(
        sock=await _dial(relay, threads, steps.seconds()),
        hostname=relay.tls_config.server_name or relay.host,
        local_hostname=relay.hello,
        timeout=steps.patience.stage,
        use_tls=relay.tls == "implicit",
        start_tls=False,
        tls_context=context,
    )
    steps.enter(Stage.GREETING)
    await smtp.connect(timeout=steps.seconds())
    try:
        await _prepare(smtp, relay, steps)
    except BaseException:
        smtp.close()
        raise
    return smtp


async def _prepare(smtp: SMTP, relay: Relay, steps: Steps) -> None:
    await _greet(smtp, steps)
    if relay.tls == "starttls":
        steps.enter(Stage.TLS)
        await smtp.starttls(timeout=steps.seconds())
        await _greet(smtp, steps)
    if relay.login is not None:
        steps.enter(Stage.LOGIN)
        await _log_in(smtp, relay.login, steps)


async def _greet(smtp: SMTP, steps: Steps) -> None:
    steps.enter(Stage.EHLO)
    try:
        await smtp.ehlo(timeout=steps.seconds())
    except SMTPHeloError:
        if not smtp.is_connected:
            raise
        await smtp.helo(timeout=steps.seconds())


async def _log_in(smtp: SMTP, login: Login, steps: Steps) -> None:
    """Log in by the best way that the server offers and the configuration has what is needed for."""
    offered = smtp.server_auth_methods
    if login.secret is not None and "cram-md5" in offered:
        await smtp.auth_crammd5(login.username, login.secret.reveal(), timeout=steps.seconds())
    elif login.password is not None and "plain" in offered:
        await _log_in_plainly(smtp, login, login.password.reveal(), steps)
    elif login.password is not None and "login" in offered:
        await smtp.auth_login(login.username, login.password.reveal(), timeout=steps.seconds())
    else:
        raise SMTPException(f"the server offers no way to log in that fits ({', '.join(offered) or 'none at all'})")


async def _log_in_plainly(smtp: SMTP, login: Login, password: str, steps: Steps) -> None:
    """PLAIN with an identity to act as, which aiosmtplib leaves out."""
    words = base64.b64encode(f"{login.identity}\0{login.username}\0{password}".encode())
    answer = await smtp.execute_command(b"AUTH", b"PLAIN", words, timeout=steps.seconds())
    if answer.code != _LOGGED_IN:
        raise SMTPAuthenticationError(answer.code, answer.message)


async def _dial(relay: Relay, threads: Executor, seconds: float) -> socket.socket:
    # Half of the time for each address, so that a dead IPv6 route leaves some for IPv4.
    dialled = threads.submit(socket.create_connection, (relay.host, relay.port), seconds / 2)
    try:
        sock = await _outcome_of(dialled, seconds)
    except BaseException:
        dialled.add_done_callback(_hang_up)
        raise
    sock.setblocking(False)
    return sock


def _hang_up(dialled: "Future[socket.socket]") -> None:
    """Close a connection that came when nobody waited for it any more."""
    if not dialled.cancelled() and dialled.exception() is None:
        dialled.result().close()


async def _in_thread(threads: Executor, call: Callable[[], T], seconds: float) -> T:
    return await _outcome_of(threads.submit(call), seconds)


async def _outcome_of(running: "Future[T]", seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await asyncio.wrap_future(running)


def tls_context(config: TlsConfig) -> ssl.SSLContext:
    """What proves the server to us, and us to the server.

    Raises:
        SetupError: A file is missing or is not what it should be.
    """
    path = config.ca_file
    try:
        context = ssl.create_default_context(cafile=path)
        if config.cert_file is not None:
            path = config.cert_file
            context.load_cert_chain(config.cert_file, config.key_file)
    except (OSError, ValueError) as fault:
        raise SetupError(f"cannot use {path}: {fault}") from fault
    context.minimum_version = _VERSIONS[config.min_version]
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
