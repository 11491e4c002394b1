"""What balancers and monitors ask, over the wire: GET and HEAD are answered alike, and HEAD without a body."""

from pathlib import Path

import pytest

from tests.e2e.wire import connected
from tests.programs import alertsvc

PROBES = ("/-/healthy", "/livez", "/-/ready", "/readyz", "/health", "/metrics")
CONFIG = "route: {receiver: team}\nreceivers: [{name: team, console_configs: [{}]}]\n"


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
async def test_head_is_answered_like_get_without_a_body(tmp_path: Path, empty_database_url: str) -> None:
    (tmp_path / "alertsvc.yaml").write_text(CONFIG)
    config = tmp_path / "alertsvc.yaml"
    async with alertsvc(config, database=empty_database_url) as service, connected(service.url) as line:
        for path in (*PROBES, *(f"{each}/" for each in PROBES)):
            await line.send(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            head = await line.reply(to_head=True)
            await line.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            got = await line.reply()
            assert head is not None, path
            assert got is not None, f"{path}: a body came where none belongs"
            assert head.status == got.status == 200, path
            assert head.headers["content-type"] == got.headers["content-type"], path
            assert int(head.headers["content-length"]) > 0, path
            assert got.body, path
