"""Who may come in: nobody without a token once there is one, and each only where the scopes allow."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from alertsvc.clock import utc_now
from tests.ingest.test_alertmanager import alert, body
from tests.web.conftest import Client

SOON = timedelta(seconds=0.5)
JSON = {"content-type": "application/json"}
OPEN_TO_ALL = {"/", "/-/healthy", "/livez", "/-/ready", "/readyz", "/health", "/metrics"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: what stands before it does not know which it is."""
    return sqlite_url


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def make(client: Client, *scopes: str, headers: dict[str, str] | None = None, **about: Any) -> dict[str, Any]:
    asked = {"name": "-".join(scopes), "scopes": list(scopes), **about}
    reply = await client.post("/api/v1/tokens", json=asked, headers=headers or {})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def test_every_door_needs_a_scope_or_is_meant_to_be_open(client: Client) -> None:
    app: Litestar = client.app
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith("/schema") or route.path in OPEN_TO_ALL:
            continue
        for handler in route.route_handlers:
            if str(handler) == "options_handler" or handler.http_methods == {"OPTIONS"}:
                continue
            scopes = [getattr(guard, "scope", None) for guard in handler.guards or ()]
            assert len([scope for scope in scopes if scope]) == 1, f"{route.path} {handler}"


async def test_without_tokens_this_machine_may_come_in_and_no_other_name(client: Client) -> None:
    assert (await client.get("/api/v1/incidents")).status_code == 200
    foreign = await client.get("/api/v1/incidents", headers={"host": "evil.example"})
    assert foreign.status_code == 401


MATRIX = [
    ("GET", "/api/v1/incidents", {"read", "admin"}),
    ("GET", "/api/v1/deliveries", {"read", "admin"}),
    ("GET", "/api/v1/quarantine", {"read", "admin"}),
    ("POST", "/api/v1/explain", {"read", "admin"}),
    ("GET", "/api/v1/incidents/1/explain", {"read", "admin"}),
    ("GET", "/api/v1/notifications/00000000-0000-7000-8000-000000000000/explain", {"read", "admin"}),
    ("POST", "/api/v1/incidents/1/acknowledge", {"act", "admin"}),
    ("POST", "/api/v1/hooks/alertmanager", {"ingest", "admin"}),
    ("POST", "/api/v1/events", {"ingest", "admin"}),
    ("GET", "/api/v1/silences", {"read", "admin"}),
    ("POST", "/api/v1/silences", {"act", "admin"}),
    ("POST", "/api/v1/silences/preview", {"read", "admin"}),
    ("GET", "/api/v2/status", {"read", "admin"}),
    ("GET", "/api/v2/alerts", {"read", "admin"}),
    ("GET", "/api/v2/alerts/groups", {"read", "admin"}),
    ("POST", "/api/v2/alerts", {"ingest", "admin"}),
    ("GET", "/api/v2/silences", {"read", "admin"}),
    ("POST", "/api/v2/silences", {"act", "admin"}),
    ("DELETE", "/api/v2/silence/x", {"act", "admin"}),
    ("GET", "/api/v1/tokens", {"admin"}),
    ("POST", "/api/v1/receivers/team/test", {"admin"}),
]


@pytest.mark.parametrize(("method", "path", "allowed"), MATRIX, ids=[f"{method} {path}" for method, path, _ in MATRIX])
async def test_a_token_opens_what_its_scope_says(client: Client, method: str, path: str, allowed: set[str]) -> None:
    admin = (await make(client, "admin"))["token"]
    assert (await client.request(method, path, content=b"{}", headers=JSON)).status_code == 401
    for scope in ("ingest", "read", "act", "admin"):
        token = (await make(client, scope, headers=bearer(admin)))["token"]
        reply = await client.request(method, path, content=b"{}", headers={**JSON, **bearer(token)})
        assert (reply.status_code != 403) is (scope in allowed), (scope, reply.text)
        assert reply.status_code != 401


async def test_alertmanager_may_use_basic_auth(client: Client) -> None:
    token = (await make(client, "ingest"))["token"]
    basic = base64.b64encode(f"alertmanager:{token}".encode()).decode()
    reply = await client.post(
        "/api/v1/hooks/alertmanager", content=body(alert()), headers={**JSON, "authorization": f"Basic {basic}"}
    )
    assert reply.status_code == 202


@pytest.mark.parametrize(
    "header",
    [
        "Bearer nonsense",
        "Bearer als_000000000000_wrong",
        "Bearer",
        "Bearer als__",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Digest x",
        "Bearer \xe9\xff",
        "",
    ],
)
async def test_a_worthless_credential_is_refused(client: Client, header: str) -> None:
    await make(client, "admin")
    reply = await client.get("/api/v1/incidents", headers={b"authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert reply.status_code == 401
    assert "bearer" in reply.headers["www-authenticate"].lower()


async def test_a_revoked_or_expired_token_opens_nothing(client: Client) -> None:
    admin = bearer((await make(client, "admin"))["token"])
    made = await make(client, "read", headers=admin)
    late = await make(client, "read", headers=admin, expires_at=str(utc_now() + SOON))
    await asyncio.sleep(2 * SOON.total_seconds())
    assert (await client.get("/api/v1/incidents", headers=bearer(made["token"]))).status_code == 200
    assert (await client.get("/api/v1/incidents", headers=bearer(late["token"]))).status_code == 401
    assert (await client.delete(f"/api/v1/tokens/{made['id']}", headers=admin)).status_code == 204
    assert (await client.get("/api/v1/incidents", headers=bearer(made["token"]))).status_code == 401


async def test_a_token_that_opens_nothing_is_not_made(client: Client) -> None:
    asked = {"name": "late", "scopes": ["admin"], "expires_at": str(utc_now())}
    reply = await client.post("/api/v1/tokens", json=asked)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/expires_at")
    assert (await client.get("/api/v1/tokens")).json()["items"] == [], "and the doors are as open as before"


async def test_a_secret_is_shown_once_and_kept_nowhere(client: Client) -> None:
    made = await make(client, "admin")
    listed = await client.get("/api/v1/tokens", headers=bearer(made["token"]))
    secret = made["token"].split("_", 2)[2]  # which may have such a character itself
    assert len(secret) > 40
    assert secret not in listed.text
    assert "token" not in listed.json()["items"][0]


async def test_an_unknown_scope_is_refused(client: Client) -> None:
    reply = await client.post("/api/v1/tokens", json={"name": "x", "scopes": ["root"]})
    assert reply.status_code == 422


async def test_probes_and_metrics_need_no_token(client: Client) -> None:
    await make(client, "admin")
    for path in sorted(OPEN_TO_ALL):
        assert (await client.get(path)).status_code == 200, path
    metrics = (await client.get("/metrics")).text
    assert "alertsvc_database_up 1.0" in metrics


FOREIGN = [
    pytest.param({"origin": "http://evil.example", "content-type": "text/plain"}, 403, id="another-site"),
    pytest.param({"origin": "null", "content-type": "application/json"}, 403, id="a-page-without-a-site"),
    pytest.param({"sec-fetch-site": "cross-site"}, 403, id="the-browser-says-so"),
    pytest.param({"sec-fetch-site": "same-site"}, 403, id="a-neighbour"),
    pytest.param({"content-type": "text/plain;charset=UTF-8"}, 415, id="what-any-page-may-send"),
    pytest.param({"content-type": "application/x-www-form-urlencoded"}, 415, id="a-form"),
]


@pytest.mark.parametrize(("headers", "status"), FOREIGN)
async def test_a_page_of_another_site_may_not_act_while_there_are_no_tokens(
    client: Client, headers: dict[str, str], status: int
) -> None:
    asked = b'{"name": "mine", "scopes": ["admin"]}'
    reply = await client.post("/api/v1/tokens", content=asked, headers=headers)
    assert reply.status_code == status
    assert (await client.get("/api/v1/tokens")).json() == {"items": []}


COMMANDS = [
    pytest.param({}, b"", 200, id="nothing-needs-no-type"),
    pytest.param(JSON, b"", 200, id="nothing"),
    pytest.param(JSON, b'{"by": "ann"}', 200, id="json"),
    pytest.param({"content-type": "application/json; charset=utf-8"}, b"{}", 200, id="with-charset"),
    pytest.param({"content-type": "text/plain"}, b'{"by": "ann"}', 415, id="text"),
    pytest.param({"content-type": "application/x-www-form-urlencoded"}, b"", 415, id="a-form-without-fields"),
    pytest.param({"content-type": "application/x-yaml"}, b"by: ann", 415, id="yaml"),
    pytest.param({"content-type": "application/msgpack"}, b"\x80", 415, id="msgpack"),
    pytest.param({"content-type": ""}, b"{}", 415, id="empty-type"),
    pytest.param({}, b'{"by": "ann"}', 415, id="no-type"),
    pytest.param({**JSON, "content-encoding": "gzip"}, b"x", 415, id="compressed"),
]


@pytest.mark.parametrize("with_token", [True, False], ids=["token", "open"])
@pytest.mark.parametrize(("headers", "content", "status"), COMMANDS)
async def test_a_command_is_json_and_says_so(
    client: Client, headers: dict[str, str], content: bytes, status: int, with_token: bool
) -> None:
    await client.post("/api/v1/hooks/alertmanager", content=body(alert()), headers=JSON)
    admin = bearer((await make(client, "admin"))["token"]) if with_token else {}
    reply = await client.post("/api/v1/incidents/1/acknowledge", content=content, headers={**headers, **admin})
    assert reply.status_code == status, reply.text


async def test_our_own_page_may_act_while_there_are_no_tokens(client: Client) -> None:
    ours = {**JSON, "origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    reply = await client.post("/api/v1/tokens", content=b'{"name": "x", "scopes": ["read"]}', headers=ours)
    assert reply.status_code == 201


async def test_no_door_opens_again_when_the_last_token_is_over(client: Client) -> None:
    made = await make(client, "admin")
    await make(client, "read", headers=bearer(made["token"]), expires_at=str(utc_now() + SOON))
    await asyncio.sleep(2 * SOON.total_seconds())
    await client.delete(f"/api/v1/tokens/{made['id']}", headers=bearer(made["token"]))
    assert (await client.get("/api/v1/incidents")).status_code == 401
