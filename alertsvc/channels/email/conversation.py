"""The connection to one mail server: opened when needed, kept for a burst, closed when idle."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from aiosmtplib import SMTPException, SMTPResponseException, SMTPServerDisconnected

from alertsvc.channels.email.connection import Line, open_connection
from alertsvc.channels.email.ledger import Ledger
from alertsvc.channels.email.settings import Relay
from alertsvc.channels.email.steps import Patience, Stage, Steps
from alertsvc.channels.email.transaction import Mail, TooLargeError, transact
from alertsvc.channels.email.trouble import CLOSING

MAILS_PER_CONNECTION = 100
GOODBYE_SECONDS = 1


class Conversation:
    """Talks to one mail server, for one send at a time. `steps` says how far it has come when it breaks."""

    def __init__(self, relay: Relay, patience: Patience) -> None:
        self.steps = Steps(patience)
        self._relay = relay
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=f"smtp {relay.host}")
        self._smtp: Line | None = None
        self._mail_count = 0
        self._idle: asyncio.TimerHandle | None = None

    def begin(self, deadline: float) -> None:
        """Begin a send, which ends at `deadline` on the clock of the event loop."""
        self.steps.begin(deadline)
        if self._idle is not None:
            self._idle.cancel()

    async def mail(self, mail: Mail, ledger: Ledger) -> None:
        """Hand one mail to the server and note the answer for each recipient.

        Raises:
            TooLargeError: The server takes mail, but not one of this size; recipients still wait.
            SMTPException, OSError: The conversation broke; recipients without a final answer still wait.
            SetupError, SecretUnavailableError: A file or secret of ours is missing.
        """
        try:
            await self._mail(mail, ledger)
        except TooLargeError:
            raise
        except BaseException:
            self._drop()  # nobody knows what the server would take the next command for
            raise

    async def _mail(self, mail: Mail, ledger: Ledger) -> None:
        used_before = self._smtp is not None and self._smtp.is_connected
        try:
            await transact(await self._ready(), mail, ledger, self.steps)
        except (SMTPServerDisconnected, SMTPResponseException) as fault:
            hung_up = isinstance(fault, SMTPServerDisconnected) or fault.code == CLOSING
            if not (used_before and hung_up and self.steps.stage is Stage.SENDER):
                raise
            self._drop()  # the server had closed a connection that was idle: nothing of this mail was said yet
            await transact(await self._ready(), mail, ledger, self.steps)

    async def _ready(self) -> Line:
        if self._mail_count >= MAILS_PER_CONNECTION:
            self.hang_up()
        if self._smtp is None or not self._smtp.is_connected:
            self._drop()
            self._smtp = await open_connection(self._relay, self._threads, self.steps)
            self._mail_count = 0
        self._mail_count += 1
        return self._smtp

    def rest(self) -> None:
        """End a send: the connection waits for the next one, for a while."""
        if self._smtp is not None:
            self._idle = asyncio.get_running_loop().call_later(self.steps.patience.idle, self.hang_up)

    def hang_up(self) -> None:
        """Say goodbye and close; the answer to the goodbye is not waited for."""
        if self._idle is not None:
            self._idle.cancel()
        if self._smtp is not None:
            self._smtp.hang_up()
        self._smtp = None

    async def close(self) -> None:
        """Close the connection for good, after a goodbye that is waited for a moment."""
        if self._idle is not None:
            self._idle.cancel()
        if self._smtp is not None:
            with suppress(SMTPException, OSError):
                await self._smtp.quit(timeout=GOODBYE_SECONDS)
        self._drop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None
