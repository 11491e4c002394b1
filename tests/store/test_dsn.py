"""The URL of a PostgreSQL, as libpq and SQLAlchemy write it."""

import pytest

from alertsvc.store.database import parse_url
from alertsvc.store.dsn import DatabaseUrlError, Dsn, Patience, parse_dsn


@pytest.mark.parametrize(
    ("text", "servers", "attributes"),
    [
        pytest.param("postgresql://u:p@db/x", (("db", 5432),), "any", id="one"),
        pytest.param("postgres://u@db:6000/x", (("db", 6000),), "any", id="one-with-a-port"),
        pytest.param("postgresql+asyncpg://u@db/x", (("db", 5432),), "any", id="as-sqlalchemy-spells-it"),
        pytest.param("postgresql:///x", (), "any", id="where-libpq-would-look"),
        pytest.param("postgresql://", (), "any", id="nothing-at-all"),
        pytest.param("postgresql://h1:1,h2:2/x", (("h1", 1), ("h2", 2)), "read-write", id="several"),
        pytest.param("postgresql://h1,h2:2/x", (("h1", 5432), ("h2", 2)), "read-write", id="a-port-is-of-one-host"),
        pytest.param("postgresql://[::1]:1,[fe80::2]/x", (("::1", 1), ("fe80::2", 5432)), "read-write", id="ipv6"),
        pytest.param("postgresql://h1,h2/x?target_session_attrs=any", (("h1", 5432), ("h2", 5432)), "any", id="any"),
        pytest.param("postgresql://h/x?target_session_attrs=primary", (("h", 5432),), "primary", id="primary"),
        pytest.param("postgresql:///x?host=/run/pg", (("/run/pg", 5432),), "any", id="a-socket"),
        pytest.param("postgresql://%2Frun%2Fpg/x", (("/run/pg", 5432),), "any", id="a-socket-as-a-host"),
        pytest.param("postgresql:///x?host=h1,h2&port=1,2", (("h1", 1), ("h2", 2)), "read-write", id="libpqs-lists"),
        pytest.param("postgresql:///x?host=h1,h2&port=6", (("h1", 6), ("h2", 6)), "read-write", id="one-port-for-all"),
        pytest.param("postgresql:///x?host=h1:1&host=h2:2", (("h1", 1), ("h2", 2)), "read-write", id="sqlalchemys"),
    ],
)
def test_servers_are_tried_in_the_order_of_the_url(text: str, servers: tuple[object, ...], attributes: str) -> None:
    dsn = parse_url(text)
    assert isinstance(dsn, Dsn)
    assert (dsn.servers, dsn.attributes) == (servers, attributes)


def test_what_is_escaped_is_taken_as_it_was_meant() -> None:
    dsn = parse_dsn("postgresql://an%40n:s%2Fe%40c%3Aret@db/my%20alerts")
    assert (dsn.user, dsn.password, dsn.database) == ("an@n", "s/e@c:ret", "my alerts")


def test_signs_that_a_password_may_have_need_no_escape() -> None:
    assert parse_dsn("postgresql://u:a/b?c:d#e@db/x").password == "a/b?c:d#e"


def test_credentials_may_stand_among_the_options() -> None:
    dsn = parse_dsn("postgresql://db/?user=u&password=p%26q&dbname=x")
    assert (dsn.user, dsn.password, dsn.database) == ("u", "p&q", "x")


def test_options_of_tls_are_the_drivers() -> None:
    dsn = parse_dsn("postgresql://db/x?sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=mine")
    assert dsn.options == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}
    assert parse_dsn("postgresql://db/x?ssl=require").options == {"sslmode": "require"}


def test_patience_and_caches_can_be_chosen() -> None:
    assert parse_dsn("postgresql://db/x") == Dsn(
        (("db", 5432),), None, None, "x", "any", 3.0, Patience(5, 5, 2, 10_000)
    )
    dsn = parse_dsn(
        "postgresql://db/x?connect_timeout=9&keepalives_idle=60&keepalives_interval=10&keepalives_count=3"
        "&tcp_user_timeout=30000&prepared_statement_cache_size=0&statement_cache_size=0"
    )
    assert dsn.connect_seconds == 9
    assert dsn.patience == Patience(60, 10, 3, 30_000)
    assert dsn.caches == {"prepared_statement_cache_size": 0, "statement_cache_size": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("postgresql://u:canary@db:here/x", "a host cannot be read", id="a-word-as-port"),
        pytest.param("postgresql://u:canary@db:70000/x", "a port cannot be read", id="no-such-port"),
        pytest.param("postgresql://u:canary@h1,,h2/x", "a host cannot be read", id="a-host-without-name"),
        pytest.param("postgresql:///x?host=h1,h2&port=1,2,3", "as many ports", id="more-ports-than-hosts"),
        pytest.param("postgresql://db/x?sslmod=canary", "there is no option 'sslmod'", id="a-misspelt-option"),
        pytest.param("postgresql://db/x?target_session_attrs=standby", "'standby' is for readers", id="a-standby"),
        pytest.param("postgresql://db/x?connect_timeout=canary", "connect_timeout must be a whole", id="no-number"),
        pytest.param("postgresql:db/x", "cannot be read", id="no-slashes"),
        pytest.param("mysql://u:canary@db/x", "not supported", id="another-kind"),
        pytest.param("canary", "cannot be read", id="no-url"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_repeating_it(text: str, words: str) -> None:
    with pytest.raises(DatabaseUrlError, match=words) as refused:
        parse_url(text)
    assert "canary" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    assert "canary" not in repr(parse_dsn("postgresql://u:canary@db/x?sslpassword=canary"))
