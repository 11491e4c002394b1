"""Reads the URL of a PostgreSQL as libpq writes it: one server, or several of which one takes writes. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import parse_qsl, unquote

PORT = 5432
CONNECT_SECONDS = 3.0
WRITABLE = frozenset({"any", "primary", "read-write"})
"""What may be asked of a server: on others nothing can be stored."""
FOR_DRIVER = (
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "passfile", "service", "krbsrvname", "gsslib", "options"),
)
"""Options that the driver reads as libpq does. Any other it would take for a setting of the server."""
FOR_CACHES = ("prepared_statement_cache_size", "statement_cache_size")
"""Of SQLAlchemy and of the driver. They are 0 behind a pooler that cannot keep prepared statements."""
FOR_SOCKET = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
OURS = ("host", "port", "user", "password", "dbname", "target_session_attrs", "connect_timeout", "ssl")
KNOWN = (*OURS, *FOR_SOCKET, *FOR_CACHES, *FOR_DRIVER, "application_name")

_FORM = re.compile(
    r"postgres(?:ql)?(?:\+asyncpg)?://(?:(?P<user>[^:/@?]*)(?::(?P<password>[^@]*))?@)?(?P<hosts>[^/?]*)"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<name>[^:]*))(?::(?P<port>\d+))?")

Server = tuple[str, int]
"""A host, or the folder of a Unix socket, and its port."""


class DatabaseUrlError(ValueError):
    """The URL names no database that this service can use. The text does not repeat it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """After how long a peer that says nothing is given up: seconds without traffic until it is asked, seconds between
    questions, how many; and for how many milliseconds what was sent may stay without acknowledgement.
    """

    idle: int = 5
    interval: int = 5
    count: int = 2
    unacknowledged_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where a PostgreSQL is, and how to come in.

    `servers` are tried in turn; none: the driver looks where libpq would. `attributes` is what a server must be
    (`target_session_attrs`), `connect_seconds` how long one may take to let us in. `options` are the driver's,
    `caches` sizes of caches of statements.
    """

    servers: tuple[Server, ...]
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    attributes: str
    connect_seconds: float = CONNECT_SECONDS
    patience: Patience = Patience()
    options: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    caches: Mapping[str, int] = field(default_factory=dict[str, int])


def parse_dsn(text: str) -> Dsn:
    """What a URL says. Several servers stand as `host1:5432,host2:5432`; of them one that takes writes is meant, unless
    `target_session_attrs` says otherwise. `application_name` is taken and not used: it is the service's own.

    Raises:
        DatabaseUrlError: It cannot be read, has an option that nobody knows, or asks for a server to read from.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        _refuse("it cannot be read; write postgresql://user:password@host/name")
    query = _query(form["query"] or "")
    servers = _servers(form["hosts"], query)
    attributes = query.get("target_session_attrs", "read-write" if len(servers) > 1 else "any")
    if attributes not in WRITABLE:
        _refuse(f"target_session_attrs must be read-write, primary or any: {attributes!r} is for readers")
    defaults = Patience()
    options = {name: value for name, value in query.items() if name in FOR_DRIVER}
    if "ssl" in query:
        options.setdefault("sslmode", query["ssl"])
    return Dsn(
        servers=servers,
        user=_decoded(form["user"]) or query.get("user"),
        password=_decoded(form["password"]) or query.get("password"),
        database=_decoded(form["database"]) or query.get("dbname"),
        attributes=attributes,
        connect_seconds=float(_number(query, "connect_timeout", 0)) or CONNECT_SECONDS,
        patience=Patience(
            _number(query, "keepalives_idle", defaults.idle),
            _number(query, "keepalives_interval", defaults.interval),
            _number(query, "keepalives_count", defaults.count),
            _number(query, "tcp_user_timeout", defaults.unacknowledged_ms),
        ),
        options=options,
        caches={name: _number(query, name, 0) for name in FOR_CACHES if name in query},
    )


def _query(text: str) -> dict[str, str]:
    """The options. One that is given again counts the last time, but hosts and ports add up, as SQLAlchemy has it."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name not in KNOWN:
            _refuse(f"there is no option {name!r}; there are: {', '.join(KNOWN)}")
        found[name] = f"{found[name]},{value}" if name in {"host", "port"} and name in found else value
    return found


def _servers(listed: str, query: Mapping[str, str]) -> tuple[Server, ...]:
    texts = [unquote(each) for each in listed.split(",")] if listed else _split(query.get("host", ""))
    hosts = [_server(each) for each in texts]
    ports = [_port(each) if each else None for each in _split(query.get("port", ""))]
    if len(ports) == 1:
        ports *= len(hosts)
    if ports and len(ports) != len(hosts):
        _refuse("there are as many ports to be as hosts, or one for all")
    given: Iterable[int | None] = ports or [None] * len(hosts)
    return tuple((host, port or other or PORT) for (host, port), other in zip(hosts, given, strict=True))


def _server(text: str) -> tuple[str, int | None]:
    if text.startswith("/"):
        return text, None
    form = _HOST.fullmatch(text)
    host = (form["v6"] or form["name"]) if form else ""
    if form is None or not host:
        _refuse("a host cannot be read; several are written host1:5432,host2:5432")
    return host, _port(form["port"]) if form["port"] else None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        _refuse("a port cannot be read")
    return int(text)


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        _refuse(f"{name} must be a whole number")
    return int(text)


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def _decoded(text: str | None) -> str | None:
    return unquote(text) if text else None


def _refuse(why: str) -> NoReturn:
    raise DatabaseUrlError(f"database url: {why}")
