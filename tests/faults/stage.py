"""A running service with everything around it: what a fault strikes."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from traceback import format_exception_only

from tests.e2e.wire import exchanged, request
from tests.fakes.pagerduty import PagerDuty
from tests.fakes.provider import running
from tests.faults.books import close_books, everything_has_left
from tests.faults.clients import Acknowledged, Client
from tests.faults.fault import NotHereError, Outcome, Place
from tests.faults.hooks import Hook
from tests.fork_server import ForkServer
from tests.programs import Program, eventually, free_port, start

CLIENTS = 3
SETTLING_SECONDS = 90.0
LATE_SECONDS = 5.0
"""At p99, from the answer that took an alert to the provider hearing of it."""
CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
self_alerts: {{enabled: false}}  # a clock unlike the database's raises one, rightly
correlate: [{{name: each, by: [alertname, n]}}]
route:
  receiver: all
  routes:
    - {{matchers: ['page="yes"'], receiver: pager, continue: true}}
    - {{receiver: all}}
receivers:
  - name: all
    webhook_configs:
      - {{name: steady, url: "{steady}/steady", timeout: 3s}}
      - {{name: troubled, url: "{troubled}/troubled", timeout: 3s}}
  - name: pager
    pagerduty_configs: [{{url: "{pager}/v2/enqueue", routing_key: "0123456789abcdef0123456789abcdef"}}]
"""


@dataclass(frozen=True, slots=True)
class Needs:
    """How a service is started so that it can be struck."""

    environment: dict[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    """A command that runs the service's command, in the same process."""
    troubled_host: str = "127.0.0.1"
    """The name under which the provider that may have trouble is called."""


@dataclass(slots=True)
class Stage:
    """The service, the clients, and the providers: `troubled` may have trouble, which must not reach `steady`."""

    place: Place
    needs: Needs
    port: int
    config: Path
    steady: Hook
    troubled: Hook
    pager: PagerDuty
    log: Acknowledged
    clients: list[Client]
    service: Program | None = None
    forks: ForkServer | None = None
    may_repeat: int | None = None
    """How many messages may come twice; None: as many as the service itself knows it cannot know the end of."""
    steady_is_on_time: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def configuration(self) -> str:
        """What stands in the file, as it should be."""
        troubled = self.troubled.url.replace("127.0.0.1", self.needs.troubled_host)
        return CONFIGURATION.format(steady=self.steady.url, troubled=troubled, pager=self.pager.url)

    async def start(self) -> None:
        """Start the service, and wait until it is ready."""
        environment = {"ALERTSVC_LOG_FORMAT": "json", "ALERTSVC_DATABASE_URL": self.place.database_url}
        environment |= self.needs.environment
        arguments = ["serve", "-c", str(self.config), "--listen", f"127.0.0.1:{self.port}"]
        log = self.config.with_suffix(".log")
        if self.forks is not None:
            process = await self.forks.fork(arguments, log, environment)
            self.service = Program(process, log, self.url)
        else:
            command = [*self.needs.wrapper, sys.executable, "-m", "alertsvc", *arguments]
            self.service = await start(command, log, self.url, environment)
        await self.service.wait_ready("/-/ready")

    @property
    def pid(self) -> int:
        """The service's process."""
        assert self.service is not None
        return self.service.process.pid

    async def kill(self) -> None:
        """End the service at once."""
        assert self.service is not None
        await self.service.end(signal.SIGKILL)

    async def each(self, count: Callable[[Client], int], more: int = 1, seconds: float = 60.0) -> None:
        """Wait until for each client there is so much more of something."""
        wanted = [count(client) + more for client in self.clients]

        def have_it() -> bool:
            return all(count(each) >= goal for each, goal in zip(self.clients, wanted, strict=True))

        await eventually(have_it, seconds)

    async def causes(self) -> list[str]:
        """Why it is not ready; that it did not answer is a cause too."""
        with suppress(TimeoutError):
            reply, _ = await exchanged(self.url, request(method="GET", path="/-/ready"), seconds=10)
            if reply is not None:
                return [each["code"] for each in reply.json()["causes"]]
        return ["no_answer"]

    def says(self, cause: str) -> Callable[[], Awaitable[bool]]:
        """A check that it is not ready for this cause."""

        async def check() -> bool:
            return cause in await self.causes()

        return check

    async def is_ready(self) -> bool:
        return await self.causes() == []


def taken(client: Client) -> int:
    """How many alerts of this client were taken."""
    return client.taken


def refused(client: Client) -> int:
    """How often this client was refused."""
    return client.refused


Strike = Callable[[Stage], Awaitable[None]]


def under_load(
    strike: Strike,
    *,
    needs: Callable[[Place], Needs] = lambda _: Needs(),
    may_vanish: bool = False,
) -> Callable[[Place], Awaitable[Outcome]]:
    """A run that strikes a service at work. `may_vanish`: its clients may find nobody there for a while."""

    async def run(place: Place) -> Outcome:
        async with stage(place, needs(place), may_vanish=may_vanish) as play:
            outcome = Outcome()
            try:
                await _live_through(play, strike, outcome)
            except NotHereError:
                raise
            except Exception as fault:  # whatever it is goes into the table, and the other faults are tried
                outcome.broken.append("".join(format_exception_only(fault))[:1000])
            await asyncio.to_thread(close_books, play, outcome)
            _check_times(play, outcome)
            return outcome

    return run


async def _live_through(play: Stage, strike: Strike, outcome: Outcome) -> None:
    posting = [asyncio.create_task(client.run()) for client in play.clients]
    try:
        await play.each(taken)
        await strike(play)
        began = time.monotonic()
        await play.each(taken)
        await eventually(play.is_ready)
        outcome.recovery_seconds = time.monotonic() - began
        await play.each(taken)
        ended = [task for task in posting if task.done()]
        assert not ended, f"a client ended: {[task.exception() for task in ended]}"
    finally:
        for task in posting:
            task.cancel()
        await asyncio.gather(*posting, return_exceptions=True)
    await eventually(lambda: asyncio.to_thread(everything_has_left, play.place.database_url), SETTLING_SECONDS)
    assert play.service is not None
    assert await play.service.end() in {0, -signal.SIGTERM}, "it did not end as it should"


def _check_times(play: Stage, outcome: Outcome) -> None:
    if not play.steady_is_on_time:
        return
    heard = play.steady.first()
    late = sorted(heard[n] - at for n, at in play.log.taken_at.items() if n in heard)
    worst = late[min(len(late) - 1, int(0.99 * len(late)))] if late else 0.0
    outcome.remarks.append(f"p99 of the others {worst:.2f} s")
    if worst > LATE_SECONDS:
        outcome.broken.append(f"another destination was told {worst:.1f} s late")


@asynccontextmanager
async def stage(place: Place, needs: Needs, *, may_vanish: bool) -> AsyncIterator[Stage]:
    """Everything is up. In the end nothing of it is."""
    async with AsyncExitStack() as stack:
        steady, troubled, pager = Hook(), Hook(), PagerDuty()
        await stack.enter_async_context(running(steady, troubled, pager))
        port, log = free_port(), Acknowledged()
        clients = [Client(f"http://127.0.0.1:{port}", str(number), may_vanish, log) for number in range(CLIENTS)]
        config = place.folder / "faults.yaml"
        made = Stage(place, needs, port, config, steady, troubled, pager, log, clients)
        config.write_text(made.configuration)
        try:
            await made.start()
            yield made
        finally:
            if made.service is not None and made.service.process.returncode is None:
                await made.kill()
