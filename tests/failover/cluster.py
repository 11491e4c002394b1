"""Three PostgreSQL nodes under Patroni, with synchronous replication, and one etcd: all on this machine's loopback.

Needs Debian's patroni, etcd-server and postgresql, and to be root: PostgreSQL runs as the user `postgres`.
"""

import asyncio
import json
import os
import pwd
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.programs import eventually, free_port

USER = "postgres"
TTL_SECONDS = 20
"""The least that Patroni takes: so long nobody replaces a leader that died without a word."""
READY_SECONDS = 120.0

NODE = """
scope: alertsvc
name: {name}
restapi: {{listen: "127.0.0.1:{api}", connect_address: "127.0.0.1:{api}"}}
etcd3: {{host: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: 2
    retry_timeout: 5
    maximum_lag_on_failover: 0
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql: {{use_pg_rewind: true, parameters: {{max_connections: 100, wal_log_hints: "on"}}}}
  initdb: [{{encoding: UTF8}}, data-checksums]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {data}
  bin_dir: {programs}
  pgpass: {data}.pgpass
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  authentication: {{superuser: {{username: postgres}}, replication: {{username: postgres}}}}
  parameters: {{unix_socket_directories: "", shared_buffers: 64MB}}
"""


@dataclass
class Node:
    """One PostgreSQL and the Patroni that looks after it."""

    name: str
    port: int
    api: int
    configuration: Path
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start its Patroni, which starts the server."""
        with self.log.open("ab") as out:
            self.process = await _as_postgres("patroni", str(self.configuration), out=out)

    async def kill(self) -> None:
        """End the Patroni and every process of the server at once, as when the machine loses power."""
        assert self.process is not None
        server = self._server_pids()
        self.process.send_signal(signal.SIGKILL)
        for pid in server:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.process.wait()

    async def end(self) -> None:
        """End both in order."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), 20)
        except TimeoutError:
            await self.kill()

    def _server_pids(self) -> list[int]:
        """The postmaster first, then its children."""
        data = self.configuration.with_suffix("")
        pid = int((data / "postmaster.pid").read_text().split("\n")[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    async def says(self, path: str) -> Any:
        """What its Patroni answers with 200, else None."""
        return await asyncio.to_thread(_asked, f"http://127.0.0.1:{self.api}/{path}")


@dataclass
class Cluster:
    """The nodes. Ask it who leads."""

    nodes: Sequence[Node]
    killed: list[Node] = field(default_factory=list)

    def url(self, database: str) -> str:
        """What leads to whichever node takes writes."""
        places = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{USER}@{places}/{database}?target_session_attrs=read-write"

    async def leader(self) -> Node | None:
        """The node that leads and takes writes; None while there is none."""
        for node in self.nodes:
            if node not in self.killed and await node.says("primary") is not None:
                return node
        return None

    async def is_whole(self) -> bool:
        """Whether there is a leader, a synchronous standby, and every node."""
        cluster = None
        for node in self.nodes:
            cluster = cluster or await node.says("cluster")
        members = [] if cluster is None else cluster["members"]
        roles = [member["role"] for member in members if member.get("state") in {"running", "streaming"}]
        return sorted(roles) == sorted(["leader", "sync_standby", "replica"])

    async def wait_whole(self) -> None:
        """Until it is."""
        await eventually(self.is_whole, seconds=READY_SECONDS)

    async def kill_leader(self) -> Node:
        """Kill it, and say which it was."""
        found = await eventually(self.leader, seconds=READY_SECONDS)
        await found.kill()
        self.killed.append(found)
        return found

    async def bring_back(self, node: Node) -> None:
        """Start a node that was killed, and wait until it follows."""
        self.killed.remove(node)
        await node.start()
        await self.wait_whole()


@asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[Cluster]:
    """A cluster for as long as the context lasts, with its files in `folder`."""
    _give_to_postgres(folder)
    etcd_port, peer_port = free_port(), free_port()
    with (folder / "etcd.log").open("ab") as out:
        etcd = await _as_postgres(
            "etcd",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{etcd_port}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd_port}",
            f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}",
            f"--initial-cluster=default=http://127.0.0.1:{peer_port}",
            out=out,
        )
    nodes = [_node(folder, name, etcd_port) for name in ("one", "two", "three")]
    try:
        for node in nodes:
            await node.start()
        cluster = Cluster(nodes)
        await cluster.wait_whole()
        yield cluster
    finally:
        for node in nodes:
            await node.end()
        etcd.terminate()
        await etcd.wait()


def create_database(cluster: Cluster, name: str) -> None:
    """Make a database on the leader."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')


def _node(folder: Path, name: str, etcd: int) -> Node:
    configuration, port, api = folder / f"{name}.yml", free_port(), free_port()
    configuration.write_text(
        NODE.format(
            name=name, api=api, etcd=etcd, port=port, data=folder / name, programs=_server_programs(), ttl=TTL_SECONDS
        )
    )
    return Node(name, port, api, configuration, folder / f"{name}.log")


def _server_programs() -> Path:
    """The folder of the newest PostgreSQL that Debian has installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    assert found, "PostgreSQL's server is not installed; Debian has it in: postgresql"
    return found[-1]


def _give_to_postgres(folder: Path) -> None:
    owner = pwd.getpwnam(USER)
    for each in (folder, *folder.rglob("*")):
        os.chown(each, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o755)


async def _as_postgres(program: str, *arguments: str, out: Any) -> asyncio.subprocess.Process:
    path = shutil.which(program)
    assert path is not None, f"{program} is not on the PATH; Debian has it in: patroni etcd-server"
    owner = pwd.getpwnam(USER)
    settings: Mapping[str, str] = {"PATH": os.environ["PATH"], "HOME": owner.pw_dir, "ETCDCTL_API": "3"}
    return await asyncio.create_subprocess_exec(
        path, *arguments, stdout=out, stderr=out, env=settings, cwd="/", user=USER, group=owner.pw_gid, extra_groups=[]
    )


def _asked(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return json.loads(answer.read())
    except (urllib.error.HTTPError, urllib.error.URLError, OSError, ValueError):
        return None
