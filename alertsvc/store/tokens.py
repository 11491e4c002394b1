"""Bearer tokens: made, found, revoked. Of the secret only a hash is kept."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from alertsvc.store.bulk import AnyRow
from alertsvc.store.tables import token

PREFIX = "als"
SCOPES = ("ingest", "read", "act", "admin")
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """What a token is, without its secret. `scopes` are of SCOPES; `admin` holds the others."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def holds(self, scope: str) -> bool:
        """Whether it may do what `scope` stands for."""
        return scope in self.scopes or "admin" in self.scopes


def create(
    conn: Connection, name: str, scopes: Sequence[str], now: datetime, expires_at: datetime | None = None
) -> tuple[Token, str]:
    """Make a token. Returns it with the text to present, which is shown this once.

    Raises:
        ValueError: An unknown scope, or none.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ValueError(f"scopes: one or more of {', '.join(SCOPES)}; not {', '.join(unknown) or 'none'}")
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    made = Token(token_id, name, tuple(scope for scope in SCOPES if scope in scopes), now, expires_at, None, None)
    conn.execute(
        insert(token),
        [
            {
                "id": token_id,
                "name": name,
                "scopes": list(made.scopes),
                "secret_hash": _hash(secret),
                "created_at": now,
                "expires_at": expires_at,
            }
        ],
    )
    return made, f"{PREFIX}_{token_id}_{secret}"


def listed(conn: Connection) -> list[Token]:
    """All tokens, the newest first."""
    return [_token(row) for row in conn.execute(select(token).order_by(token.c.created_at.desc(), token.c.id))]


def count(conn: Connection) -> int:
    """How many tokens were ever made. Those that are over count: with the last one no door opens again by itself."""
    return int(conn.execute(select(func.count()).select_from(token)).scalar_one())


def revoke(conn: Connection, token_id: str, now: datetime) -> bool:
    """The token opens nothing any more. False when there is no such token."""
    chosen = update(token).where(token.c.id == token_id)
    return conn.execute(chosen.values(revoked_at=func.coalesce(token.c.revoked_at, now))).rowcount == 1


def used(conn: Connection, token_id: str, now: datetime) -> None:
    """Remember that the token was presented."""
    conn.execute(update(token).where(token.c.id == token_id).values(last_used_at=now))


def verify(conn: Connection, presented: str, now: datetime) -> Token | None:
    """The token that `presented` is the text of, if it is valid now. An unknown one takes as long as a wrong one."""
    parts = presented.split("_", 2)
    token_id, secret = (parts[1], parts[2]) if len(parts) == 3 and parts[0] == PREFIX else ("", "")
    row = conn.execute(select(token).where(token.c.id == token_id)).one_or_none()
    stored = row.secret_hash if row is not None else _NOBODY
    if not hmac.compare_digest(_hash(secret).encode(), stored.encode()) or row is None:
        return None
    found = _token(row)
    expired = found.expires_at is not None and found.expires_at <= now
    return None if expired or found.revoked_at is not None else found


def _hash(secret: str) -> str:
    """SHA-256: the secret has 256 bits of its own, so there is nothing for a slow hash to protect."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: AnyRow) -> Token:
    return Token(row.id, row.name, tuple(row.scopes), row.created_at, row.expires_at, row.revoked_at, row.last_used_at)
