"""Mail servers of the tests' own, and channels that use them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import trustme
import uvloop

from alertsvc.channels.base import Envelope, Tools
from alertsvc.channels.email import Email, EmailConfig, EmailGlobals, Patience, open_email
from alertsvc.channels.render import TemplateRenderer
from tests.smtp_server import Behaviour, SmtpServer

DELIVERY = UUID("019ab000-0000-7000-8000-00000000de11")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def envelope(**changes: object) -> Envelope:
    return Envelope(**{"delivery_id": DELIVERY, "attempt": 1, "sent_at": NOON, **changes})


@dataclass(frozen=True)
class Certificates:
    """`ca_file` signed what stands in `server_file`, for localhost and 127.0.0.1. `other_ca_file` signed nothing."""

    ca_file: Path
    server_file: Path
    other_ca_file: Path
    wrong_name_file: Path


BOTH_LOOPS = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
"""For tests where the loops differ (TLS). All others run on the one that the service runs on."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    marker = item.get_closest_marker("asyncio")
    found: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if marker is not None and "loop_factories" in marker.kwargs:
        found["asyncio"] = asyncio.new_event_loop
    return found


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = trustme.CA(), trustme.CA()
    paths = Certificates(folder / "ca.pem", folder / "server.pem", folder / "other.pem", folder / "wrong.pem")
    authority.cert_pem.write_to_path(str(paths.ca_file))
    other.cert_pem.write_to_path(str(paths.other_ca_file))
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(paths.server_file))
    authority.issue_cert("mail.example").private_key_and_cert_chain_pem.write_to_path(str(paths.wrong_name_file))
    return paths


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SmtpServer]]:
    """Starts a mail server with the given behaviour; all of them end with the test."""
    with ExitStack() as running:
        folders = iter(range(100))

        def begin(**behaviour: object) -> SmtpServer:
            return running.enter_context(SmtpServer(tmp_path / f"mail{next(folders)}", Behaviour(**behaviour)))

        yield begin


@asynccontextmanager
async def mailing(
    server: SmtpServer,
    *,
    patience: Patience | None = None,
    templates: Mapping[str, str] | None = None,
    **config: object,
) -> AsyncIterator[Email]:
    """A channel to `server`: in the clear, to ana@example.org, unless `config` says otherwise."""
    told = {"to": "ana@example.org", "from": "alerts@example.com", "smarthost": server.smarthost, "tls": "none"}
    channel = open_email(
        EmailConfig.model_validate({**told, **config}),
        EmailGlobals(),
        Tools(TemplateRenderer(templates), None),
        patience,
    )
    try:
        yield channel
    finally:
        await channel.close()
