"""Tokens: make, list, revoke."""

from functools import partial
from typing import Any

from litestar import Request, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Connection

from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.store import tokens
from alertsvc.store.tokens import Token
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.problems import Problem
from alertsvc.web.views import NewTokenView, TokenListView, TokenRequest, TokenView


@get("/", guards=[needs("admin")])
async def list_tokens(service: NamedDependency[Service]) -> TokenListView:
    """All tokens, without their secrets."""
    return TokenListView(items=[TokenView.of(each) for each in await service.database.snapshot(tokens.listed)])


@post("/", guards=[needs("admin")])
async def create_token(
    data: JSONBody[TokenRequest], request: Request[Caller, Any, Any], service: NamedDependency[Service]
) -> NewTokenView:
    """Make a token. Its secret is in this answer and nowhere else."""
    expires_at = asking.aware("expires_at", data.expires_at)
    now = service.clock()
    if expires_at is not None and expires_at <= now:  # it would open nothing, and as the first shut all doors
        said = "lies in the past; give a later time, or none for a token that does not expire"
        raise Problem(422, "invalid", f"expires_at: {said}", errors=[{"pointer": "/expires_at", "message": said}])

    def make(conn: Connection) -> tuple[Token, str]:
        return tokens.create(conn, data.name, data.scopes, now, expires_at)

    try:
        made, text = await service.database.transaction(make)
    except ValueError as fault:
        raise Problem(422, "invalid", str(fault), errors=[{"pointer": "/scopes", "message": str(fault)}]) from None
    request.app.state.gate.forget()
    return NewTokenView(**TokenView.of(made).model_dump(), token=text)


@delete("/{token_id:str}", status_code=204, guards=[needs("admin")])
async def revoke_token(
    token_id: FromPath[str], request: Request[Caller, Any, Any], service: NamedDependency[Service]
) -> None:
    """The token opens nothing any more, here at once, on other replicas within seconds."""
    revoke = partial(_revoke, token_id, service)
    if not await service.database.transaction(revoke):
        raise UnknownThingError(f"token {token_id[:40]!r}")
    request.app.state.gate.forget()


def _revoke(token_id: str, service: Service, conn: Connection) -> bool:
    return tokens.revoke(conn, token_id, service.clock())


ROUTER = Router("/api/v1/tokens", route_handlers=[list_tokens, create_token, revoke_token], tags=["tokens"])
