"""`serve` starts on a good configuration only, and where it may be reached."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alertsvc.clock import utc_now
from alertsvc.serve import Listening, allowed_address
from alertsvc.store import tokens
from alertsvc.store.database import Database
from tests.cli.conftest import ROUTING, Run
from tests.programs import asked, free_port, start

Write = Callable[..., Path]

MISTAKES = """
server: {listen: everywhere}
database: {url: "mysql://u:canary@db/x"}
route: {receiver: nobody}
receivers: [{name: team, slack_configs: [{api_url: "https://hooks.slack.com/services/canary", chann: x}]}]
"""


def test_every_mistake_of_the_configuration_is_shown_and_nothing_starts(run: Run, write: Write, tmp_path: Path) -> None:
    refused = run("serve", "-c", write(MISTAKES))
    assert (refused.exit_code, refused.stdout) == (3, "")
    for words in ("server.listen: ", "database.url: ", "there is no receiver 'nobody'", "did you mean 'channel'"):
        assert words in refused.stderr
    assert "canary" not in refused.stderr
    assert list((tmp_path / "nowhere").iterdir()) == [], "no database was made"


def test_a_wrong_flag_and_a_wrong_variable_are_mistakes_of_configuration(run: Run, write: Write) -> None:
    by_flag = run("serve", "-c", write(), "--listen", "everywhere")
    assert by_flag.exit_code == 3
    assert by_flag.stderr.startswith("--listen: an address and a port are needed")
    by_variable = run("serve", "-c", write(), environment={"ALERTSVC_LOG_LEVEL": "loud"})
    assert by_variable.exit_code == 3
    assert by_variable.stderr.startswith("ALERTSVC_LOG_LEVEL: must be")


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_part_of_the_work_is_refused_on_sqlite(run: Run, write: Write, tmp_path: Path, role: str) -> None:
    config = write(database=f"sqlite:///{tmp_path / 'part.db'}")
    for refused in (
        run("serve", "-c", config, "--role", role),
        run("serve", "-c", config, environment={"ALERTSVC_ROLE": role}),
    ):
        assert (refused.exit_code, refused.stdout) == (3, "")
        assert f"the role {role} needs PostgreSQL: a SQLite file takes one process" in refused.stderr
    assert not (tmp_path / "part.db").exists()


async def test_it_migrates_an_empty_database_listens_where_told_and_ends_well(
    tmp_path: Path, write: Write, empty_database_url: str
) -> None:
    config = write(f"server: {{listen: '127.0.0.1:1'}}\n{ROUTING}", database=empty_database_url)
    port = free_port()
    command = [sys.executable, "-m", "alertsvc", "serve", "-c", str(config), "--listen", f"127.0.0.1:{port}"]
    service = await start(command, tmp_path / "serve.log", f"http://127.0.0.1:{port}")
    await service.wait_ready("/-/ready")
    assert (await asked("GET", service.url + "/health")).json()["status"] == "ok"
    assert await service.end(signal.SIGINT) == 0
    lines = [json.loads(line) for line in service.output.splitlines()]
    assert any("is ready on" in line["event"] for line in lines), "JSON, as it is no terminal"
    assert "Traceback" not in service.output


async def test_an_address_that_is_taken_ends_the_start(tmp_path: Path, write: Write) -> None:
    database = f"sqlite:///{tmp_path / 'a.db'}"
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = [sys.executable, "-m", "alertsvc", "serve", "-c", str(write(database=database))]
    service = await start([*command, "--listen", f"127.0.0.1:{port}"], tmp_path / "serve.log", "")
    async with server, asyncio.timeout(30):
        assert await service.process.wait() == 4
    assert "address already in use" in service.output
    assert f"the service has not started: cannot listen on 127.0.0.1:{port}" in service.output
    assert "Traceback" not in service.output


@pytest.mark.parametrize(
    ("host", "before", "after"),
    [
        pytest.param("127.0.0.1", "127.0.0.1", "127.0.0.1", id="this-machine"),
        pytest.param("::1", "::1", "::1", id="this-machine-by-its-other-address"),
        pytest.param("0.0.0.0", "127.0.0.1", "0.0.0.0", id="everywhere"),
        pytest.param("10.0.0.7", "127.0.0.1", "10.0.0.7", id="a-network"),
    ],
)
async def test_while_no_token_was_made_only_this_machine_is_listened_to(
    database: Database, host: str, before: str, after: str
) -> None:
    assert await allowed_address(database, Listening(host, 8080)) == Listening(before, 8080)
    now = utc_now()
    expired, _ = await database.transaction(lambda conn: tokens.create(conn, "late", ["admin"], now, now))
    assert expired.expires_at == now
    assert await allowed_address(database, Listening(host, 8080)) == Listening(after, 8080)


@pytest.mark.parametrize(
    ("host", "tokens_required", "told"),
    [
        pytest.param("127.0.0.1", False, "anybody on this machine may do anything here; make one with", id="open"),
        pytest.param("0.0.0.0", False, "listens on 127.0.0.1 only, not on 0.0.0.0; make one with", id="kept-inside"),
        pytest.param("127.0.0.1", True, "nobody may come in; make one with", id="shut"),
    ],
)
async def test_that_there_is_no_token_is_said_once_in_plain_words(
    database: Database, caplog: pytest.LogCaptureFixture, host: str, tokens_required: bool, told: str
) -> None:
    await allowed_address(database, Listening(host, 8080), tokens_required=tokens_required)
    (line,) = caplog.records
    assert line.levelname == "WARNING"
    assert line.message.startswith("there is no token yet: ")
    assert told in line.message
    assert line.message.endswith("alertsvc token create --name admin --scope admin")
    now = utc_now()
    await database.transaction(lambda conn: tokens.create(conn, "admin", ["admin"], now, None))
    caplog.clear()
    await allowed_address(database, Listening(host, 8080), tokens_required=tokens_required)
    assert caplog.records == []
