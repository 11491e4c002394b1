"""A real mail server in a process of its own, which can be told to misbehave.

Received mails are `.eml` files in its folder, each beside a `.json` file with the envelope.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Trap:
    """What the server does at a stage: wait `seconds`, then answer `say`, or drop the line, or go on as usual.

    Stages are `banner`, `EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA` and `dot` (the end of a mail). The first
    `spare` passes go well, and only the next `times` are caught.
    """

    seconds: float = 0
    say: str | None = None
    drop: bool = False
    spare: int = 0
    times: int = 1_000_000


@dataclass(frozen=True)
class Behaviour:
    """How the server behaves. `answers` are the replies to RCPT by address, one for each time; the last one stays."""

    tls: Literal["none", "starttls", "implicit"] = "none"
    cert_file: str | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    auth_mechanisms: Sequence[str] = ("PLAIN", "LOGIN")
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    traps: Mapping[str, Trap] = field(default_factory=dict)
    size_limit: int | None = None
    smtputf8: bool = False
    idle_seconds: float = 300


@dataclass(frozen=True)
class Received:
    """A mail as it arrived. `connection` counts the connections of the server."""

    content: bytes
    sender: str
    recipients: list[str]
    encrypted: bool
    user: str | None
    connection: int
    helo: str

    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


class SmtpServer:
    """The server as others see it: a port on loopback, and the mails it took."""

    def __init__(self, folder: Path, behaviour: Behaviour | None = None) -> None:
        self.folder = folder
        self._behaviour = behaviour or Behaviour()
        self.host = "127.0.0.1"
        self.port = 0

    def __enter__(self) -> "SmtpServer":
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.smtp_server_process", str(self.folder)]
        self._process = subprocess.Popen(
            [*command, json.dumps(asdict(self._behaviour))], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def smarthost(self) -> str:
        return f"{self.host}:{self.port}"

    def received(self) -> list[Received]:
        """What it has taken so far, in order."""
        envelopes = sorted(self.folder.glob("*.json"))
        return [Received(path.with_suffix(".eml").read_bytes(), **json.loads(path.read_text())) for path in envelopes]
