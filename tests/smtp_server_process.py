"""The mail server that `tests.smtp_server` starts. Its first line of output is its port."""
# ruff: noqa: N802 - aiosmtpd finds methods by the names of the commands

import asyncio
import base64
import hmac
import itertools
import json
import ssl
import sys
from collections import Counter
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.fakes.mail import Mail, MailServer
from tests.smtp_server import Behaviour, Trap

MECHANISMS = {"PLAIN", "LOGIN", "CRAM-MD5"}


class Play:
    """What happened so far, and so what comes next."""

    def __init__(self, folder: Path, behaviour: Behaviour) -> None:
        self.folder = folder
        self.behaviour = behaviour
        self.connections = itertools.count(1)
        self.server = MailServer(behaviour.answers)
        self._passes: Counter[str] = Counter()

    def trap(self, stage: str) -> Trap | None:
        trap = self.behaviour.traps.get(stage)
        number = self._passes[stage]
        self._passes[stage] += 1
        return trap if trap is not None and trap.spare <= number < trap.spare + trap.times else None

    def keep(self, content: bytes, envelope: dict[str, object], recipients: list[str]) -> str:
        reply = self.server.keep(Mail(content, tuple(recipients)))
        name = f"{len(self.server.kept):05d}"
        (self.folder / f"{name}.eml").write_bytes(content)
        (self.folder / f"{name}.tmp").write_text(json.dumps({**envelope, "recipients": recipients}))
        (self.folder / f"{name}.tmp").replace(self.folder / f"{name}.json")
        return reply


class TrapServer(SMTP):
    """One connection. Each stage asks first whether a trap is set."""

    def __init__(self, play: Play, **settings: object) -> None:
        self.play = play
        self.connection = next(play.connections)
        super().__init__(Handler(play), **settings)

    async def caught(self, stage: str) -> bool:
        trap = self.play.trap(stage)
        if trap is None:
            return False
        await asyncio.sleep(trap.seconds)
        if trap.drop:
            self.transport.abort()
        elif trap.say is not None:
            await self.push(trap.say)
            if trap.say.startswith("421"):
                self.transport.close()
        return trap.drop or trap.say is not None

    async def _handle_client(self):
        if not await self.caught("banner"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname):
        if not await self.caught("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg):
        if not await self.caught("STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg):
        if not await self.caught("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg):
        if not await self.caught("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        if not await self.caught("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        if not await self.caught("DATA"):
            await super().smtp_DATA(arg)


class Handler:
    def __init__(self, play: Play) -> None:
        self.play = play

    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<1896.697170952@mail.test>"
        answer = await server.challenge_auth(base64.b64encode(challenge).decode(), encode_to_b64=False)
        login, _, digest = answer.partition(b" ")
        password = self.play.behaviour.users.get(login.decode(), "").encode()
        known = hmac.compare_digest(hmac.new(password, challenge, "md5").hexdigest().encode(), digest)
        return AuthResult(success=known, handled=False, auth_data=LoginPassword(login, b"") if known else None)

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.play.server.answer_for(address)
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        trap = self.play.trap("dot")
        if trap is not None and trap.say is not None:
            return trap.say  # what is refused is not kept
        taken = self.play.keep(
            envelope.original_content,
            {
                "sender": envelope.mail_from,
                "encrypted": session.ssl is not None or self.play.behaviour.tls == "implicit",
                "user": session.auth_data.login.decode() if session.auth_data else None,
                "connection": server.connection,
                "helo": session.host_name,
            },
            envelope.rcpt_tos,
        )
        if trap is not None:
            await asyncio.sleep(trap.seconds)
            if trap.drop:
                server.transport.abort()
        return taken


def authenticator(users):
    def authenticate(server, session, envelope, mechanism, data):
        known = isinstance(data, LoginPassword) and users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=False, auth_data=data if known else None)

    return authenticate


async def serve(folder: Path, behaviour: Behaviour) -> None:
    play = Play(folder, behaviour)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if behaviour.cert_file is not None:
        tls.load_cert_chain(behaviour.cert_file)

    def connected() -> TrapServer:
        return TrapServer(
            play,
            hostname="mail.test",
            ident="test server",
            enable_SMTPUTF8=behaviour.smtputf8,
            tls_context=tls if behaviour.tls == "starttls" else None,
            require_starttls=behaviour.tls == "starttls",
            authenticator=authenticator(behaviour.users),
            auth_required=bool(behaviour.users),
            auth_require_tls=False,
            auth_exclude_mechanism=MECHANISMS - set(behaviour.auth_mechanisms if behaviour.users else ()),
            data_size_limit=behaviour.size_limit,
            timeout=behaviour.idle_seconds,
        )

    implicit = tls if behaviour.tls == "implicit" else None
    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    told = json.loads(sys.argv[2])
    told["traps"] = {stage: Trap(**trap) for stage, trap in told["traps"].items()}
    asyncio.run(serve(Path(sys.argv[1]), Behaviour(**told)))
