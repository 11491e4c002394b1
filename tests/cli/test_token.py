"""`token create`, `list` and `revoke`, on both databases."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertsvc.clock import utc_now
from alertsvc.store import migrate, tokens
from tests.cli.conftest import Run

LATER = timedelta(days=30)


def create(run: Run, config: Path, *more: str, name: str = "grafana") -> str:
    """The text of a new token, the only thing that is printed."""
    made = run("token", "create", "-c", config, "--name", name, *more)
    assert (made.exit_code, made.stderr) == (0, "")
    (text,) = made.stdout.splitlines()
    return text


def verified(url: str, text: str, at: datetime | None = None) -> tokens.Token | None:
    return migrate.on_connection(url, lambda conn: tokens.verify(conn, text, at or utc_now()), exclusive=False)


def listed(run: Run, config: Path) -> list[list[str]]:
    """The columns of each line."""
    shown = run("token", "list", "-c", config)
    assert (shown.exit_code, shown.stderr) == (0, "")
    return [re.split(r"\s{2,}", line) for line in shown.stdout.splitlines()]


def test_a_token_that_was_made_opens_what_its_scopes_say(run: Run, config: Path, database_url: str) -> None:
    text = create(run, config, "--scope", "read", "--scope", "act")
    found = verified(database_url, text)
    assert found is not None
    assert (found.name, found.scopes, found.expires_at) == ("grafana", ("read", "act"), None)
    assert not found.holds("admin")


def test_a_token_that_expires_opens_nothing_afterwards(run: Run, config: Path, database_url: str) -> None:
    text = create(run, config, "--scope", "read", "--expires-in", "30d")
    assert verified(database_url, text, utc_now() + LATER - timedelta(minutes=1)) is not None
    assert verified(database_url, text, utc_now() + LATER + timedelta(minutes=1)) is None


def test_tokens_are_listed_the_newest_first_without_their_secrets(run: Run, config: Path) -> None:
    assert listed(run, config) == []
    first = create(run, config, "--scope", "ingest", name="alertmanager")
    second = create(run, config, "--scope", "admin", "--expires-in", "90d", name="ann")
    ids = [text.split("_")[1] for text in (second, first)]
    ends = f"expires {(datetime.now(UTC) + timedelta(days=90)):%Y-%m-%d}"
    assert listed(run, config) == [[ids[0], ends, "admin", "ann"], [ids[1], "active", "ingest", "alertmanager"]]
    shown = run("token", "list", "-c", config).stdout
    for text in (first, second):
        assert text.split("_", 2)[2] not in shown


def test_a_token_that_has_expired_is_listed_as_that(run: Run, config: Path, database_url: str) -> None:
    text = create(run, config, "--scope", "admin", "--expires-in", "1ms")
    assert verified(database_url, text) is None
    (row,) = listed(run, config)
    assert row[1] == f"expired {datetime.now(UTC):%Y-%m-%d}"


def test_a_token_that_was_revoked_opens_nothing_and_is_still_listed(run: Run, config: Path, database_url: str) -> None:
    text = create(run, config, "--scope", "admin")
    token_id = text.split("_")[1]
    for _ in range(2):
        revoked = run("token", "revoke", "-c", config, token_id)
        assert (revoked.exit_code, revoked.stdout) == (0, f"revoked {token_id}\n")
    assert verified(database_url, text) is None
    assert listed(run, config) == [[token_id, "revoked", "admin", "grafana"]]


def test_revoking_what_is_not_there_is_said(run: Run, config: Path) -> None:
    refused = run("token", "revoke", "-c", config, "000000000000")
    assert (refused.exit_code, refused.stderr) == (5, "there is no token 000000000000\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--name", "x", "--scope", "root"], "not root", id="an-unknown-scope"),
        pytest.param(["--name", "x", "--scope", "read", "--scope", "root"], "not root", id="unknown-beside-known"),
        pytest.param(["--name", "x"], "--scope", id="no-scope"),
        pytest.param(["--scope", "read"], "--name", id="no-name"),
        pytest.param(["--name", "x", "--scope", "read", "--expires-in", "soon"], "got 'soon'", id="no-duration"),
        pytest.param(["--name", "x", "--scope", "read", "--expires-in", "999y"], "100 years", id="too-long"),
        pytest.param(["--name", "x", "--scope", "read", "--expires-in", "0"], "zero", id="expired-at-once"),
    ],
)
def test_a_mistake_makes_no_token_and_says_what_is_wrong(
    run: Run, config: Path, arguments: list[str], words: str
) -> None:
    refused = run("token", "create", "-c", config, *arguments)
    assert refused.exit_code == 2
    assert words in " ".join(refused.stderr.replace("│", " ").split())
    assert listed(run, config) == []
