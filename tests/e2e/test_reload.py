"""A real process whose file changes: by SIGHUP, under load, and broken at the start."""

import asyncio
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alertsvc.store import migrate
from alertsvc.store.tables import notification
from tests import ledger
from tests.e2e.duty import outbox_is_empty
from tests.e2e.wire import body_of, post
from tests.fakes.provider import Answer, Asked, Provider
from tests.programs import Program, alertsvc, asked, eventually, free_port, start

LOAD_SECONDS = 20
CLIENTS = 2
ALERTS_A_SECOND = 5
"""Below the ten messages a second that one webhook is sent: what waits for its turn would look late.

More would only take the processors from the tests that run beside this one for a minute.
"""
LATE_SECONDS = 5.0
"""From the answer that took an alert to the provider hearing of it, on a machine that does much else."""

FILE = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname, n]}}]
route: {{receiver: team, group_interval: {interval}, repeat_interval: 4h}}
receivers:
  - name: team
    webhook_configs:
      - {{name: stays, url: "{url}/stays"}}
      - {{name: moves, url: "{url}/{path}"}}
"""


class Hook(Provider):
    """A webhook that remembers for each path which alert it was told of, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, list[tuple[str, float]]] = {}

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        path = "stays" if asked.path == "/stays" else "moves"
        labels = asked.json()["data"]["alerts"][0]["labels"]
        self.told.setdefault(path, []).append((labels["n"], asked.at))
        return Answer(200)


def write(config: Path, hook: Hook, path: str = "one", interval: str = "5m") -> None:
    config.write_text(FILE.format(url=hook.url, path=path, interval=interval))


async def metric(service: Program, name: str) -> float:
    lines = (await asked("GET", service.url + "/metrics")).body.decode().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def is_taken(service: Program, value: float) -> bool:
    return await metric(service, "alertsvc_config_last_reload_successful") == value


async def test_a_signal_takes_a_good_file_and_refuses_a_bad_one(tmp_path: Path) -> None:
    config = tmp_path / "alertsvc.yaml"
    async with Hook() as hook:
        write(config, hook)
        async with alertsvc(config, database=f"sqlite:///{tmp_path / 'a.db'}") as service:
            hashed = await metric(service, "alertsvc_config_hash")
            write(config, hook, path="two")
            service.send(signal.SIGHUP)
            await eventually(lambda: "the configuration was taken: destination team/webhook:moves" in service.output)
            assert await metric(service, "alertsvc_config_hash") != hashed
            config.write_text("route: {receiver: nobody}\nreceivers: [{name: a}]\n")
            service.send(signal.SIGHUP)
            await eventually(lambda: is_taken(service, 0))
            assert f"{config}:1:19: route.receiver: there is no receiver 'nobody'" in service.output
            health = (await asked("GET", service.url + "/health")).json()
            assert (health["status"], health["causes"][0]["code"]) == ("degraded", "configuration_broken")
            assert (await asked("GET", service.url + "/-/ready")).status == 200
            assert (await asked("POST", service.url + "/-/reload")).status == 400
            write(config, hook)
            service.send(signal.SIGHUP)
            await eventually(lambda: is_taken(service, 1))
            assert await metric(service, "alertsvc_config_hash") == hashed
            assert await post(int(service.url.rpartition(":")[2]), body_of({"alertname": "A", "n": "1"})) == 202
            assert service.process.returncode is None


@pytest.mark.timeout(240)
async def test_reloading_each_second_under_load_doubles_loses_and_delays_nothing(
    tmp_path: Path, database_url: str
) -> None:
    config, port = tmp_path / "alertsvc.yaml", free_port()
    taken: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    end = loop.time()

    async def keep_posting(client: int) -> None:
        number = 0
        while loop.time() < end:
            number += 1
            labels = {"alertname": "Load", "severity": "critical", "n": f"{client}-{number}"}
            assert await post(port, body_of(labels)) == 202
            taken[labels["n"]] = loop.time()
            await asyncio.sleep(CLIENTS / ALERTS_A_SECOND)

    async def keep_reloading(service: Program, hook: Hook) -> int:
        turn = 0
        while loop.time() < end:
            turn += 1
            write(config, hook, path=f"moves-{turn}", interval=f"{turn}m")
            if turn % 2:
                service.send(signal.SIGHUP)
            else:
                assert (await asked("POST", service.url + "/-/reload")).status == 200
            await asyncio.sleep(max(0.0, end - LOAD_SECONDS + turn - loop.time()))
        return turn

    async with Hook() as hook:
        write(config, hook)
        async with alertsvc(config, port=port, database=database_url) as service:
            end = loop.time() + LOAD_SECONDS
            clients = [asyncio.create_task(keep_posting(client)) for client in range(CLIENTS)]
            turns = await keep_reloading(service, hook)
            await asyncio.gather(*clients)
            await eventually(lambda: asyncio.to_thread(outbox_is_empty, database_url))
            assert "Traceback" not in service.output
            assert service.output.count("the configuration was taken") == turns
    assert turns >= 0.9 * LOAD_SECONDS
    for path in ("stays", "moves"):
        counts = Counter(n for n, _ in hook.told[path])
        assert set(counts) == set(taken)
        assert set(counts.values()) == {1}
        late = max(at - taken[n] for n, at in hook.told[path])
        assert late < LATE_SECONDS
    states = await asyncio.to_thread(migrate.on_connection, database_url, end_states, exclusive=False)
    assert set(states) == {"delivered"}
    print(f"{turns} reloads, {len(taken)} alerts, {2 * len(taken)} messages: none lost, none twice")


def end_states(conn: Any) -> list[str]:
    ledger.check(conn)
    return [row.state for row in conn.execute(select(notification.c.state))]


@asynccontextmanager
async def starting(config: Path, environment: dict[str, str]) -> Any:
    port = free_port()
    command = [sys.executable, "-m", "alertsvc", "serve", "-c", str(config), "--listen", f"127.0.0.1:{port}"]
    log = config.with_suffix(f".{port}.log")
    program = await start(command, log, f"http://127.0.0.1:{port}", {"ALERTSVC_LOG_FORMAT": "json", **environment})
    try:
        yield program
    finally:
        await program.end()


async def test_a_start_with_a_broken_file_runs_on_the_last_good_one(tmp_path: Path, database_url: str) -> None:
    config, environment = tmp_path / "alertsvc.yaml", {"ALERTSVC_DATABASE_URL": database_url}
    (tmp_path / "title.txt.j2").write_text("{{ message.title | upper }}")
    async with Hook() as hook:
        write(config, hook)
        config.write_text(f"{config.read_text()}templates: ['*.j2']\n")
        async with alertsvc(config, database=database_url):
            pass
        config.write_text(f"{config.read_text()}nonsense: 1\nroute: {{}}\n")
        (tmp_path / "title.txt.j2").unlink()
        async with starting(config, environment) as service:
            await service.wait_ready("/-/ready")
            health = (await asked("GET", service.url + "/health")).json()
            assert (health["status"], [cause["code"] for cause in health["causes"]]) == (
                "degraded",
                ["configuration_broken"],
            )
            assert await is_taken(service, 0)
            assert "unknown key 'nonsense'" in service.output
            assert "'route' stands here twice" in service.output
            assert await post(int(service.url.rpartition(":")[2]), body_of({"alertname": "A", "n": "1"})) == 202
            write(config, hook)
            assert (await asked("POST", service.url + "/-/reload")).status == 200
            assert (await asked("GET", service.url + "/health")).json()["status"] == "ok"
        config.unlink()
        async with starting(config, environment) as service:
            await service.wait_ready("/-/ready")
            assert "cannot be read: no such file or directory" in service.output


async def ended(program: Program) -> int:
    async with asyncio.timeout(20):
        return await program.process.wait()


async def test_a_broken_file_ends_the_start_where_nothing_can_stand_in_for_it(tmp_path: Path) -> None:
    config = tmp_path / "alertsvc.yaml"
    config.write_text("route: {}\n")
    empty = {"ALERTSVC_DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}"}
    async with starting(config, empty) as service:
        assert await ended(service) == 3
        assert "no last good configuration: the database has none" in service.output
    assert not (tmp_path / "none.db").exists()


async def test_the_database_is_not_guessed_when_a_broken_file_names_it(tmp_path: Path) -> None:
    config, database = tmp_path / "alertsvc.yaml", f"sqlite:///{tmp_path / 'a.db'}"
    async with Hook() as hook:
        write(config, hook)
        good = f"database: {{url: '{database}'}}\n{config.read_text()}"
        config.write_text(good)
        async with alertsvc(config):
            pass
        config.write_text(f"{good}nonsense: 1\n")
        async with starting(config, {}) as service:
            assert await ended(service) == 3
            assert "stands only in this file: ALERTSVC_DATABASE_URL would say it too" in service.output
        async with starting(config, {"ALERTSVC_DATABASE_URL": database}) as service:
            await service.wait_ready("/-/ready")
