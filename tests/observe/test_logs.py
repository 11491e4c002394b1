"""Logs: for people on a terminal, JSON elsewhere, a line an entry, and no secret in either."""

import io
import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from alertsvc.observe.logs import QUIET, configure
from alertsvc.observe.masking import MASK, mask

log = logging.getLogger("alertsvc.test")
NOISY = (*QUIET, "uvicorn", "uvicorn.error")


class Terminal(io.StringIO):
    """What people look at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_kept() -> Iterator[None]:
    """Logging is set up for the whole process; afterwards it is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in NOISY}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_off_a_terminal_an_entry_is_a_line_of_json() -> None:
    out = io.StringIO()
    configure("info", "auto", out)
    log.warning("the database is %s", "down", extra={"attempt": 3})
    entry = json.loads(out.getvalue())
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "the database is down", "level": "warning", "logger": "alertsvc.test", "attempt": 3}


def test_on_a_terminal_an_entry_is_for_people() -> None:
    out = Terminal()
    configure("info", "auto", out)
    log.warning("the database is %s", "down")
    assert "the database is down" in out.getvalue()
    assert "alertsvc.test" in out.getvalue()
    assert not out.getvalue().startswith("{")


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        pytest.param("json", Terminal, True, id="json-on-a-terminal"),
        pytest.param("console", io.StringIO, False, id="console-in-a-file"),
    ],
)
def test_a_form_that_was_asked_for_is_kept_to(form: str, stream: type[io.StringIO], is_json: bool) -> None:
    out = stream()
    configure("info", form, out)
    log.info("here")
    assert out.getvalue().startswith("{") is is_json
    assert ("\x1b" in out.getvalue()) is False


@pytest.mark.parametrize(("level", "said"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)])
def test_what_is_below_the_level_is_not_said(level: str, said: int) -> None:
    out = io.StringIO()
    configure(level, "json", out)
    log.debug("a")
    log.info("b")
    log.warning("c")
    assert len(out.getvalue().splitlines()) == said


def test_setting_it_up_again_says_nothing_twice() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("info", "json", first)
    configure("info", "json", second)
    log.info("once")
    assert (first.getvalue(), len(second.getvalue().splitlines())) == ("", 1)


HOSTILE = 'two\nlines\r\x1b[2J\x00\x07 "quoted" \u2028 \x9b \ud800'


@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["json", "console"])
def test_what_was_logged_cannot_steer_a_terminal_or_begin_a_line(stream: type[io.StringIO]) -> None:
    out = stream()
    configure("info", "auto" if stream is io.StringIO else "console", out)
    log.info("alert %s fires", HOSTILE, extra={"label": HOSTILE})
    plain = out.getvalue()
    assert plain.count("\n") == 1
    assert plain.endswith("\n")
    if stream is io.StringIO:
        assert json.loads(plain)["label"] == HOSTILE
    for steers in ("\r", "\x00", "\x07", "\x1b[2J", "\x9b", "\u2028"):
        assert steers not in plain


@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["json", "console"])
def test_a_traceback_is_part_of_its_entry(stream: type[io.StringIO]) -> None:
    out = stream()
    configure("info", "auto", out)
    fault = RuntimeError("broken \x1b[2J postgresql://u:canary@db/x")
    log.error("it failed", exc_info=fault)
    text = out.getvalue()
    assert "RuntimeError" in text
    assert "canary" not in text
    assert "\x1b[2J" not in text
    if stream is io.StringIO:
        assert len(text.splitlines()) == 1
        assert "broken" in json.loads(text)["exception"]


SECRETS = [
    pytest.param("https://hooks.slack.com/services/T0/B0/canary", id="slack-webhook"),
    pytest.param("https://prod.logic.azure.com/workflows/1?api-version=1&sig=canary&x=1", id="teams-workflow"),
    pytest.param("token xoxb-canary-1-2", id="slack-token"),
    pytest.param("als_0123456789ab_canary-x_y", id="our-token"),
    pytest.param("whsec_canary/+=", id="signing-secret"),
    pytest.param("Authorization: Bearer canary", id="bearer"),
    pytest.param("{'authorization': 'Basic canary=='}", id="basic-in-a-dict"),
    pytest.param('{"Authorization": "Bearer canary"}', id="bearer-in-json"),
    pytest.param("postgresql+asyncpg://alertsvc:canary@db:5432/alerts", id="database-password"),
    pytest.param("postgresql://alertsvc:can/canary@db/alerts", id="database-password-with-a-slash"),
    pytest.param("postgresql://:canary@db/alerts", id="database-password-without-a-user"),
    pytest.param("https://user:canary@hooks.example.com/x", id="url-with-a-password"),
    pytest.param('{"routing_key": "canary7890canary7890canary7890ca"}', id="routing-key-in-json"),
    pytest.param("{'routing_key': 'canary7890canary7890canary7890ca'}", id="routing-key-in-a-dict"),
    pytest.param("routing_key=canary7890canary7890canary7890ca", id="routing-key"),
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_credential_is_not_shown(text: str) -> None:
    assert "canary" not in mask(text)
    assert MASK in mask(text)
    for stream in (io.StringIO(), Terminal()):
        configure("debug", "auto", stream)
        log.warning("sending failed: %s (again later)", text)
        log.warning("sending failed", extra={"about": text, "nested": {"url": [text]}})
        assert "canary" not in stream.getvalue()
        assert "(again later)" in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8080/api/v1/incidents",
        "ann@example.com was told",
        "sqlite:////var/lib/alertsvc.db",
        "delivery 0199d2c1-7c5e-7000-8000-000000000001 to team/slack:ml-1a2b3c4d: HTTP 500",
    ],
)
def test_what_is_no_secret_is_shown_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_the_http_client_says_nothing_of_its_requests() -> None:
    out = io.StringIO()
    configure("debug", "json", out)
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.post("https://hooks.example.com/canary", headers={"Authorization": "Bearer canary"})
    for name in ("httpx", "httpcore.connection", "httpcore.http11", "aiosmtplib", "apscheduler.executors.default"):
        logging.getLogger(name).info("canary")
    assert out.getvalue() == ""


def test_the_server_says_what_it_does_in_the_same_form() -> None:
    out = io.StringIO()
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(io.StringIO()))
    configure("info", "json", out)
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("uvicorn.access").info("GET /?token=canary")
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "Started"
