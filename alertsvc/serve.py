"""Runs the server in this process until it is told to end."""

import gc
import logging
import socket
from dataclasses import dataclass
from types import FrameType

import uvicorn

from alertsvc import __version__
from alertsvc.app import create_app
from alertsvc.engine.last_good import Beginning
from alertsvc.engine.opening import OnFlaw, open_outlets
from alertsvc.engine.reload import Reloader
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.tuning import tuning_of
from alertsvc.hangup import reloading_on_hangup
from alertsvc.observe.logs import configure
from alertsvc.observe.metrics import Metrics
from alertsvc.settings.load import Loaded
from alertsvc.settings.process import LoggingSection, Role
from alertsvc.settings.source import ConfigSource
from alertsvc.store import migrate, tokens
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database, parse_url
from alertsvc.store.doorbell import open_doorbell
from alertsvc.store.dsn import Dsn
from alertsvc.store.presence import session_name
from alertsvc.web.connections import BoundedProtocol
from alertsvc.web.elsewhere import Elsewhere
from alertsvc.web.express import Express

log = logging.getLogger(__name__)

REQUEST_SECONDS_AFTER_SIGTERM = 8
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


FIRST_STEP = "make one with: alertsvc token create --name admin --scope admin"


class NotStartedError(Exception):
    """The server could not begin: its address is taken, say, or the service did not start. The log has the details."""


class SchemaNotFittingError(Exception):
    """The database is not at the revision this code needs, and may not be migrated now."""


class RoleNotPossibleError(Exception):
    """The database takes one process, and that must do everything."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server listens."""

    host: str
    port: int


class DrainingServer(uvicorn.Server):
    """A server that tells its service at once when it is to end."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the service and listen.

        Raises:
            NotStartedError: It cannot. uvicorn would end the process, with an exit code that means something else here.
        """
        try:
            await super().startup(sockets)
        except SystemExit:
            begun = not self.lifespan.should_exit
            what = f"listen on {self.config.host}:{self.config.port}" if begun else "start"
            raise NotStartedError(f"cannot {what}; the log says why") from None
        gc.collect()
        gc.freeze()  # what lives now lives on: the collector need not look at it again
        gc.set_threshold(50_000, 20, 50)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end: readiness fails from here on, and nothing new is taken."""
        self._service.drain()
        super().handle_exit(sig, frame)


def check_role(loaded: Loaded) -> None:
    """Make sure that a process may do only a part of the work.

    Raises:
        RoleNotPossibleError: It would be the only one.
        DatabaseUrlError: The URL names no database.
    """
    role = loaded.settings.server.role
    if role is not Role.ALL and not isinstance(parse_url(loaded.settings.database.secret.reveal()), Dsn):
        raise RoleNotPossibleError(
            f"the role {role} needs PostgreSQL: a SQLite file takes one process, and that must do everything"
        )


def prepare_database(url: str, *, may_migrate: bool) -> None:
    """Bring the database to the schema this code needs, or make sure that it has it.

    Raises:
        SchemaNotFittingError: It has not, and migrating is switched off.
    """
    if may_migrate:
        migrate.upgrade(url)
        return
    state = migrate.current(url)
    if not state.fits:
        raise SchemaNotFittingError(
            f"the database is at revision {state.current or 'none'}, this version needs {state.head};"
            " run: alertsvc db upgrade"
        )


def build_service(loaded: Loaded) -> Service:
    """The service of a configuration, not started."""
    metrics = Metrics(__version__)
    role, url = loaded.settings.server.role, loaded.settings.database.secret.reveal()
    name = session_name(role)
    database = open_database(url, application=name)
    return Service(
        Parts(
            database=database,
            outlets=open_outlets(loaded, counted_in(metrics)),
            metrics=metrics,
            tuning=tuning_of(loaded.settings),
            role=role,
            doorbell=open_doorbell(url, name) if database.dialect == "postgresql" else None,
        )
    )


def build_reloader(service: Service, beginning: Beginning, source: ConfigSource) -> Reloader:
    """What reads the file again for a service that was built of `beginning`."""
    return Reloader(
        service,
        beginning.loaded,
        source.read,
        log_as=set_up_logging,
        on_flaw=counted_in(service.metrics),
        trouble=beginning.trouble,
    )


def counted_in(metrics: Metrics) -> OnFlaw:
    """Counts templates that failed."""
    return lambda template: metrics.render_failed.labels(template).inc()


def set_up_logging(section: LoggingSection) -> None:
    """Log as the configuration says."""
    configure(str(section.level), str(section.format))


async def serve(service: Service, wanted: Listening, reloader: Reloader) -> None:
    """Serve until SIGTERM or SIGINT; then drain. SIGHUP reads the configuration again.

    Raises:
        NotStartedError: It cannot begin.
    """
    listening = await allowed_address(service.database, wanted, tokens_required=service.tuning.tokens_required)
    app = create_app(service, reloader)
    config = uvicorn.Config(
        Express(app, service) if service.role.takes else Elsewhere(app),
        host=listening.host,
        port=listening.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=REQUEST_SECONDS_AFTER_SIGTERM,
        limit_concurrency=2000,
        backlog=2048,
    )
    async with reloading_on_hangup(reloader):
        await DrainingServer(config, service).serve()


async def allowed_address(database: Database, wanted: Listening, *, tokens_required: bool = False) -> Listening:
    """Where the server may listen: not beyond this machine while there is no token. That there is none is logged."""
    if await database.snapshot(tokens.count):
        return wanted
    allowed = wanted if wanted.host in LOOPBACK else Listening("127.0.0.1", wanted.port)
    who = "nobody may come in" if tokens_required else "anybody on this machine may do anything here"
    where = "" if allowed == wanted else f", and this service listens on 127.0.0.1 only, not on {wanted.host}"
    log.warning("there is no token yet: %s%s; %s", who, where, FIRST_STEP)
    return allowed
