"""Takes a changed file into use while the service runs: whole, or not at all."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from alertsvc import failpoints
from alertsvc.engine.last_good import keep, log_problems
from alertsvc.engine.opening import Current, OnFlaw, open_outlets
from alertsvc.engine.outlets import Outlets
from alertsvc.engine.service import Service
from alertsvc.engine.tuning import tuning_of
from alertsvc.settings.compare import Difference, differences, needing_restart, without_restart
from alertsvc.settings.errors import ConfigError, Problem
from alertsvc.settings.load import Loaded
from alertsvc.settings.process import LoggingSection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload came to. `left` is what the file says differently and only a restart can change."""

    fingerprint: str
    differences: tuple[Difference, ...]
    left: tuple[str, ...]


class Reloader:
    """Knows the configuration in force and how the file is read again.

    `trouble` is what is wrong with the file as it was read last: it is not the one in force then. `read` blocks, and
    raises ConfigError.
    """

    def __init__(
        self,
        service: Service,
        loaded: Loaded,
        read: Callable[[], Loaded],
        *,
        log_as: Callable[[LoggingSection], None],
        on_flaw: OnFlaw = lambda _: None,
        trouble: Iterable[Problem] = (),
    ) -> None:
        self.loaded = loaded
        self.trouble = tuple(trouble)
        self._service = service
        self._read = read
        self._log_as = log_as
        self._on_flaw = on_flaw
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """The service begins with the configuration that it was made from."""
        self._service.metrics.configuration_taken(self.loaded.rules.fingerprint)
        if self.trouble:
            self._not_taken(self.trouble[0].headline)
        await keep(self._service.database, self.loaded, self._service.clock())

    async def reload(self) -> Reloaded:
        """Read the file again and put it in force.

        Raises:
            ConfigError: It has mistakes. The configuration in force stays.
        """
        async with self._one_at_a_time:
            try:
                read, outlets = await asyncio.to_thread(self._prepare)
            except ConfigError as error:
                self._refuse(error.problems)
                raise
            except Exception as fault:
                self._not_taken(f"{type(fault).__name__} in this service; see its log")
                log.exception("the configuration could not be taken; the one in force stays")
                raise
            failpoints.reach("reload.parsed")
            done = self._take(read, outlets)
            failpoints.reach("reload.swapped")
            await keep(self._service.database, self.loaded, self._service.clock())
            return done

    def _prepare(self) -> tuple[Loaded, Outlets]:
        """Everything that can fail, in a thread of its own, while the old configuration works on."""
        read = self._read().strictly()
        return read, open_outlets(read, self._on_flaw, Current(self.loaded, self._service.outlets))

    def _take(self, read: Loaded, outlets: Outlets) -> Reloaded:
        left = needing_restart(self.loaded, read)
        wanted = without_restart(self.loaded, read)
        done = Reloaded(wanted.rules.fingerprint, differences(self.loaded, wanted), left)
        self._service.adopt(outlets, tuning_of(wanted.settings))
        if wanted.settings.logging != self.loaded.settings.logging:
            self._log_as(wanted.settings.logging)
        self.loaded, self.trouble = wanted, ()
        self._service.file_trouble = None
        self._service.metrics.configuration_taken(done.fingerprint)
        changes = ", ".join(str(each) for each in done.differences) or "nothing changed"
        log.info("the configuration was taken: %s", changes, extra={"config": done.fingerprint[:12]})
        if left:
            log.warning("left as it was until the next start: %s", ", ".join(left))
        return done

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.trouble = problems
        self._not_taken(problems[0].headline)
        log.error("the configuration was not taken, and the one in force stays: %d mistakes", len(problems))
        log_problems(problems)

    def _not_taken(self, why: str) -> None:
        self._service.metrics.reload_successful.set(0)
        self._service.file_trouble = why
