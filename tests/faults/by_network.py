"""Providers and name servers that do not answer as they should. Nobody else is to notice."""

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable

from tests.fakes.provider import Mood
from tests.faults.fault import Fault, NotHereError, Place
from tests.faults.stage import Needs, Stage, under_load

DEAD_RESOLVER = "127.77.0.53"


def mood(chosen: Mood, slowness: float = 2.0) -> Callable[[Stage], Awaitable[None]]:
    """One provider behaves like that for a while."""

    async def strike(play: Stage) -> None:
        play.steady_is_on_time = True
        play.troubled.mood, play.troubled.slowness = chosen, slowness
        await asyncio.sleep(play.place.lasting(15, brief=3))
        play.troubled.mood = Mood.NORMAL

    return strike


def without_names(place: Place) -> Needs:
    """The service sees another resolv.conf than this machine, whose name server never answers.

    Raises:
        NotHereError: It cannot be arranged here.
    """
    file = place.folder / "resolv.conf"
    file.write_text(f"nameserver {DEAD_RESOLVER}\noptions timeout:30 attempts:5\n")
    wrapper = ("unshare", "-m", "sh", "-c", f'mount --bind "{file}" /etc/resolv.conf && exec "$0" "$@"')
    if (
        shutil.which("unshare") is None
        or subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode
    ):
        raise NotHereError("a mount namespace: unshare -m")
    return Needs(wrapper=wrapper, troubled_host="provider.test.")


async def dead_names(play: Stage) -> None:
    """Nobody resolves the name of one provider; then the answer comes, that it is here."""
    play.steady_is_on_time = True
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setblocking(False)
    try:
        server.bind((DEAD_RESOLVER, 53))
    except OSError as fault:
        raise NotHereError(f"a name server at {DEAD_RESOLVER}: {fault}") from None
    with server:
        asked = asyncio.create_task(asyncio.get_running_loop().sock_recv(server, 512))
        await asyncio.sleep(play.place.lasting(20, brief=4))
        assert asked.done(), "nobody asked for the name"
    play.needs = Needs()
    play.config.write_text(play.configuration)  # the provider has an address now
    assert play.service is not None
    play.service.send(signal.SIGHUP)


NETWORK_FAULTS = [
    Fault("provider-slow", "a provider takes 2 s to answer", under_load(mood(Mood.SLOW))),
    Fault("provider-hangs", "a provider takes everything and says nothing", under_load(mood(Mood.HANG))),
    Fault("provider-resets", "a provider resets each connection", under_load(mood(Mood.RESET))),
    Fault("provider-errs", "a provider answers 500", under_load(mood(Mood.ERROR))),
    Fault("provider-garbage", "a provider answers what is no HTTP", under_load(mood(Mood.GARBAGE))),
    Fault("answer-lost", "a provider takes it and hangs up", under_load(mood(Mood.DROP_ANSWER))),
    Fault("dns-silent", "no name server answers", under_load(dead_names, needs=without_names)),
]
