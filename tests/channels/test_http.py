"""The way out over HTTP against real sockets: what each failure means, and that nothing leaks."""

import asyncio
import socket
import ssl
import sys
import time
from ipaddress import ip_network

import httpcore
import httpx
import pytest
import trustme

from alertsvc.channels.addresses import AddressPolicy
from alertsvc.channels.http import CUT_OFF, MAX_REPLY_BYTES, Http, Network, Patience, Reply, open_http
from alertsvc.channels.outcome import Fault, Retry, Unknown
from tests.channels.conftest import BOTH_LOOPS
from tests.channels.loopback import (
    answer,
    close_silently,
    cut_body,
    drip_body,
    drip_head,
    garbage,
    hang,
    huge,
    in_turn,
    loopback,
    reset,
)

pytestmark = pytest.mark.anyio

SHORT = Patience(connect=2, read=0.4, write=2, pool=2, whole=2)
"""Short where a test waits for its end, and long where only a busy machine needs it."""
HASTY = Patience(connect=0.4, whole=2)
OK = answer(200, "ok")


async def post(url, behave=None, *, client=None, **options):
    http = client or open_http(**{"concurrency": 2, "patience": SHORT, **options})
    try:
        return await http.post(url, content=b'{"a":1}', headers={"content-type": "application/json"})
    finally:
        if client is None:
            await http.close()


@BOTH_LOOPS
async def test_an_answer_comes_back_with_its_headers_in_lower_case():
    async with loopback(answer(202, "ünï", X_Two="1", Retry_After="7")) as server:
        reply = await post(server.url + "/path?x=1")
    assert (reply.status_code, reply.body, reply.headers["retry-after"]) == (202, "ünï", "7")
    assert server.requests[0].path == "/path?x=1"
    assert server.requests[0].body == b'{"a":1}'
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert server.requests[0].headers["user-agent"].startswith("alertsvc/")


BROKEN = [
    pytest.param(hang, Unknown("no answer in time", Fault.TIMEOUT), id="hangs-before-headers"),
    pytest.param(drip_head, Unknown("no answer in time", Fault.TIMEOUT), id="drips-headers"),
    pytest.param(
        reset, Unknown("the connection broke before an answer came", Fault.NETWORK), id="resets-after-the-request"
    ),
    pytest.param(
        close_silently, Unknown("the connection was closed without an answer in HTTP", Fault.NETWORK), id="hangs-up"
    ),
    pytest.param(garbage, Unknown("the connection was closed without an answer in HTTP", Fault.NETWORK), id="no-http"),
]


@BOTH_LOOPS
@pytest.mark.parametrize(("behave", "outcome"), BROKEN)
async def test_what_breaks_after_the_request_left_is_unknown(behave, outcome):
    since = time.monotonic()
    async with loopback(behave) as server:
        assert await post(server.url) == outcome
    assert time.monotonic() - since < 6


@BOTH_LOOPS
@pytest.mark.parametrize(
    ("behave", "body"),
    [
        pytest.param(drip_body(200), "zz", id="drips"),
        pytest.param(cut_body(200, b"half"), "half", id="breaks-off"),
    ],
)
async def test_a_body_that_does_not_end_is_taken_as_far_as_it_came(behave, body):
    since = time.monotonic()
    async with loopback(behave) as server:
        reply = await post(server.url)
    assert reply.status_code == 200
    assert reply.body.startswith(body)
    assert time.monotonic() - since < 6


@BOTH_LOOPS
async def test_of_fifty_megabytes_only_the_beginning_is_read():
    async with loopback(OK) as server:
        server.behave = huge(200, lambda: server)
        reply = await post(server.url)
        assert len(reply.body) == MAX_REPLY_BYTES
        await asyncio.sleep(0.05)
        assert server.written < 20 * 1024 * 1024


async def test_nobody_listening_means_it_was_not_sent():
    async with loopback(OK) as server:
        url = server.url
    assert await post(url) == Retry(Fault.NETWORK, "no connection: connection refused")


async def test_a_host_that_never_answers_means_it_was_not_sent():
    full = Network(resolve=lambda host, port: ["127.0.0.1"])
    with_backlog = socket.socket()
    with_backlog.bind(("127.0.0.1", 0))
    with_backlog.listen(0)
    port = with_backlog.getsockname()[1]
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", port))
    try:
        assert await post(f"http://silent.example:{port}/", network=full, patience=HASTY) == Retry(
            Fault.TIMEOUT, "no connection in time"
        )
    finally:
        for each in (*waiting, with_backlog):
            each.close()


async def test_a_name_that_nobody_knows_means_it_was_not_sent():
    def unknown(host, port):
        raise OSError(-2, f"no such host: {host}")

    assert await post("http://no.example/hook", network=Network(resolve=unknown)) == Retry(
        Fault.NETWORK, "no connection: the host cannot be resolved"
    )


async def test_a_resolver_that_is_dead_costs_the_time_to_connect_and_no_more():
    def dead(host, port):
        time.sleep(1.2)
        return ["127.0.0.1"]

    since = time.monotonic()
    assert await post("http://slow.example/", network=Network(resolve=dead), patience=HASTY) == Retry(
        Fault.TIMEOUT, "no connection in time"
    )
    assert time.monotonic() - since < 1


async def test_a_resolver_that_is_dead_does_not_keep_the_process_from_ending():
    program = """
import asyncio, time
from alertsvc.channels.http import Network, Patience, open_http

async def main():
    http = open_http(concurrency=1, patience=Patience(connect=0.1), network=Network(resolve=lambda *_: time.sleep(60)))
    print((await http.post("http://slow.example/", content=b"", headers={})).detail)
    await http.close()

asyncio.run(main())
"""
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(ended.communicate(), 20)
    assert (ended.returncode, said.strip()) == (0, b"no connection in time")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ftp://example.com/x", id="other-scheme"),
        pytest.param("https://", id="no-host"),
        pytest.param("not a url", id="no-url"),
        pytest.param("http://[::1", id="half-a-bracket"),
        pytest.param("http://a:99999/", id="no-port"),
        pytest.param("http://xn--/", id="no-name"),
        pytest.param("http://a\nb/", id="line-feed"),
        pytest.param("http://0251.0376.0251.0376/", id="octal-address"),
    ],
)
async def test_a_url_that_cannot_be_used_is_the_operators_to_mend(url):
    outcome = await post(url)
    assert (type(outcome), outcome.fault) in {(Retry, Fault.CONFIGURATION), (Retry, Fault.NETWORK)}
    assert url not in outcome.detail


@pytest.mark.parametrize("value", [pytest.param("tökén", id="not-ascii"), pytest.param("a\r\nEvil: b", id="line-end")])
async def test_a_credential_that_no_header_can_carry_is_not_shown(value):
    async with loopback(OK) as server:
        http = open_http(concurrency=1, patience=SHORT)
        outcome = await http.post(server.url, content=b"", headers={"authorization": value})
        await http.close()
    assert (type(outcome), outcome.fault) == (Retry, Fault.CONFIGURATION)
    assert value not in repr(outcome)
    assert server.requests == []


async def test_a_redirect_is_an_answer_and_is_not_followed():
    async with loopback(OK) as other, loopback(answer(302, "", Location=other.url)) as server:
        reply = await post(server.url)
    assert reply.status_code == 302
    assert other.requests == []


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("http://ex\x01ample/", id="control-character"),
        pytest.param("javascript:1", id="no-place-at-all"),
        pytest.param("http://xn--/", id="no-name"),
        pytest.param("http://" + "a" * 70_000, id="too-long"),
    ],
)
async def test_a_redirect_to_nowhere_is_an_answer_too(location):
    async with loopback(answer(302, "", Location=location)) as server:
        assert (await post(server.url)).status_code == 302


async def test_no_cookie_is_kept():
    async with loopback(answer(200, "ok", Set_Cookie="session=1; Path=/")) as server:
        http = open_http(concurrency=1, patience=SHORT)
        for _ in range(3):
            await http.post(server.url, content=b"", headers={})
        await http.close()
    assert all("cookie" not in request.headers for request in server.requests)


async def test_no_proxy_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with loopback(OK) as server:
        assert isinstance(await post(server.url), Reply)


async def test_head_and_body_leave_together(monkeypatch):
    written = []
    connect = httpcore.AnyIOBackend.connect_tcp

    async def noting(self, *where, **how):
        stream = await connect(self, *where, **how)
        write = stream.write

        async def noted(buffer, timeout=None):
            written.append(buffer)
            await write(buffer, timeout)

        stream.write = noted
        return stream

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", noting)
    async with loopback(OK) as server:
        client = open_http(concurrency=1, patience=SHORT)
        for _ in range(2):
            assert (await post(server.url, client=client)).status_code == 200
        await client.close()
    assert [each.endswith(b'\r\n\r\n{"a":1}') for each in written] == [True, True]


async def test_connections_are_used_again():
    async with loopback(OK) as server:
        http = open_http(concurrency=4, patience=SHORT)
        for _ in range(5):
            await http.post(server.url, content=b"", headers={})
        await http.close()
    assert (len(server.requests), server.connections) == (5, 1)


ODD_SPELLINGS = [
    pytest.param("http://169.254.169.254/latest/meta-data", id="plain"),
    pytest.param("http://2852039166/", id="decimal"),
    pytest.param("http://0xa9fea9fe/", id="hexadecimal"),
    pytest.param("http://[::ffff:169.254.169.254]/", id="mapped"),
    pytest.param("http://[fe80::1]/", id="link-local"),
]


@pytest.mark.parametrize("url", ODD_SPELLINGS)
async def test_no_spelling_leads_to_a_metadata_service(url):
    outcome = await post(url)
    assert (type(outcome), outcome.fault, outcome.whole_destination) == (Retry, Fault.CONFIGURATION, True)
    assert "is not allowed: link-local" in outcome.detail


async def test_a_name_that_changes_its_address_is_judged_at_each_connection():
    addresses = iter([["127.0.0.1"], ["169.254.169.254"]])
    async with loopback(answer(200, "ok", Connection="close")) as server:
        network = Network(resolve=lambda host, port: next(addresses))
        http = open_http(concurrency=1, patience=SHORT, network=network)
        first = await http.post(f"http://rebind.example:{server.port}/", content=b"", headers={})
        second = await http.post(f"http://rebind.example:{server.port}/", content=b"", headers={})
        await http.close()
    assert isinstance(first, Reply)
    assert second.detail == "the address 169.254.169.254 is not allowed: link-local"


async def test_of_several_addresses_only_allowed_ones_are_tried_until_one_answers():
    async with loopback(OK) as server:
        network = Network(resolve=lambda host, port: ["169.254.1.1", "::1", "127.0.0.1"])
        assert isinstance(await post(f"http://many.example:{server.port}/", network=network), Reply)


async def test_a_policy_is_obeyed():
    closed = AddressPolicy(denied=(ip_network("127.0.0.0/8"),))
    async with loopback(OK) as server:
        outcome = await post(server.url, network=Network(policy=closed))
    assert outcome.detail == "the address 127.0.0.1 is not allowed: denied by configuration"
    assert server.connections == 0


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def serving(authority, name):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Network(tls=context)


@BOTH_LOOPS
async def test_tls_reaches_whom_it_should(authority):
    async with loopback(OK, serving(authority, "127.0.0.1")) as server:
        assert (await post(server.url, network=trusting(authority))).body == "ok"


@pytest.mark.parametrize(
    ("name", "trusts", "detail"),
    [
        pytest.param("127.0.0.1", False, "the certificate cannot be verified: ", id="stranger"),
        pytest.param("x.example", True, "the certificate cannot be verified: it is for another host", id="other-name"),
    ],
)
async def test_a_certificate_that_cannot_be_verified_is_the_operators_to_mend(authority, name, trusts, detail):
    async with loopback(OK, serving(authority, name)) as server:
        outcome = await post(server.url, network=trusting(authority) if trusts else None)
    assert (type(outcome), outcome.fault, outcome.whole_destination) == (Retry, Fault.CONFIGURATION, True)
    assert outcome.detail.startswith(detail)
    assert server.requests == []


async def test_a_server_without_tls_means_it_was_not_sent():
    async def refuse(_, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    outcome = await post(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert (type(outcome), outcome.fault) == (Retry, Fault.NETWORK)
    assert outcome.detail == "TLS failed: wrong version number"


@BOTH_LOOPS
@pytest.mark.timeout(90)
async def test_thousands_of_sends_that_run_out_of_time_leak_no_connection():
    slowly = in_turn(*[hang, OK, drip_head, reset] * 1000)
    async with loopback(slowly) as server:
        http = open_http(concurrency=8, patience=Patience(connect=0.5, read=0.02, write=0.5, whole=0.1))
        kinds = set()
        for _ in range(40):
            sends = (http.post(server.url, content=b"{}", headers={}) for _ in range(75))
            kinds |= {type(outcome) for outcome in await asyncio.gather(*sends)}
        assert kinds == {Reply, Retry, Unknown}
        server.behave = OK
        assert isinstance(await http.post(server.url, content=b"{}", headers={}), Reply)
        await http.close()


@BOTH_LOOPS
@pytest.mark.timeout(90)
async def test_callers_who_give_up_by_the_thousand_leak_no_connection():
    async def slowly(request, writer):
        await asyncio.sleep(0.003)
        await OK(request, writer)

    async with loopback(slowly) as server:
        http = open_http(concurrency=8, patience=Patience(whole=30))
        for round_ in range(20):
            calls = [asyncio.create_task(http.post(server.url, content=b"{}", headers={})) for _ in range(100)]
            await asyncio.sleep(0.001 * (round_ % 5))
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        replies = await asyncio.gather(*(http.post(server.url, content=b"{}", headers={}) for _ in range(8)))
        await http.close()
    assert all(isinstance(reply, Reply) for reply in replies)


async def test_a_request_that_has_not_begun_ends_with_its_caller():
    async with loopback(hang) as server:
        http = open_http(concurrency=1, patience=SHORT)
        first = asyncio.create_task(http.post(server.url, content=b"first", headers={}))
        second = asyncio.create_task(http.post(server.url, content=b"second", headers={}))
        await asyncio.sleep(0.1)
        second.cancel()
        await asyncio.wait([first, second])
        await http.close()
    assert [request.body for request in server.requests] == [b"first"]


@BOTH_LOOPS
async def test_a_client_that_is_closed_waits_a_moment_for_its_requests_and_then_ends_them():
    async with loopback(hang) as server:
        http = open_http(concurrency=2, patience=Patience(read=60, whole=60))
        asked = [asyncio.create_task(http.post(server.url, content=b"{}", headers={})) for _ in range(3)]
        await asyncio.sleep(0.1)
        asked[2].cancel()
        since = time.monotonic()
        await http.close()
        assert 0.9 < time.monotonic() - since < 5
        assert await asyncio.gather(*asked[:2]) == [CUT_OFF, CUT_OFF]
        assert asked[2].cancelled()


async def test_an_answer_that_comes_while_a_client_closes_is_not_lost():
    async def slowly(request, writer):
        await asyncio.sleep(0.3)
        await OK(request, writer)

    async with loopback(slowly) as server:
        http = open_http(concurrency=1, patience=Patience())
        asked = asyncio.create_task(http.post(server.url, content=b"{}", headers={}))
        await asyncio.sleep(0.1)
        await http.close()
        assert (await asked).body == "ok"


class Leaked(httpx.AsyncBaseTransport):
    closed = False

    async def handle_async_request(self, request):
        raise httpcore.PoolTimeout

    async def aclose(self):
        self.closed = True


async def test_a_pool_that_leaked_is_replaced():
    leaked = Leaked()
    transports = iter(
        [leaked, httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(b"ok")))]
    )
    http = Http(lambda: next(transports), 1, SHORT)
    assert await http.post("http://a.example", content=b"", headers={}) == Retry(
        Fault.TIMEOUT, "no free connection in time"
    )
    assert leaked.closed
    assert (await http.post("http://a.example", content=b"", headers={})).body == "ok"
    await http.close()
