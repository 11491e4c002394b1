"""`alertsvc explain`: what it asks a service, what it prints, how it exits."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alertsvc.core.explain import explain
from alertsvc.web.explanation_views import ExplanationView
from tests.cli.conftest import Run
from tests.programs import free_port
from tests.world import rules

KEY = "00000000-0000-7000-8000-000000000001"
INCIDENT = {
    "id": KEY,
    "number": 412,
    "title": "churn: Drift\x1b[2J",
    "summary": "",
    "status": "firing",
    "severity": "critical",
    "peak_severity": "critical",
    "labels": {"model": "churn"},
    "firing_count": 60,
    "alert_count": 60,
    "opened_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "version": 1,
}
MUTE = {
    "kind": "silence",
    "ref": f"silence:{KEY}",
    "said": "silenced by ann until 2026-03-02 10:00 UTC: we know",
    "until": None,
    "silence": {
        "id": KEY,
        "created_by": "ann",
        "comment": "we know",
        "starts_at": "2026-03-02T09:00:00Z",
        "ends_at": "2026-03-02T10:00:00Z",
        "matchers": ['model="churn"'],
    },
}


def notification(reason: str, state: str, **changes: Any) -> dict[str, Any]:
    known = {
        "id": KEY,
        "destination": "team/chat",
        "receiver": "team",
        "route": "root",
        "reason": reason,
        "severity": "critical",
        "state": state,
        "why": "route root: critical is delivered immediately",
        "ended_why": "",
        "created_at": "2026-03-02T09:00:00Z",
        "ended_at": None,
        "mute": None,
        "digest": None,
        "delivery": None,
        "took_its_place": None,
    }
    return {**dict.fromkeys(("delivery_id", "digest_id", "superseded_by")), **known, **changes}


FAILED = {
    "id": KEY,
    "state": "failed",
    "destination": "team/chat",
    "receiver": "team",
    "reason": "opened",
    "severity": "critical",
    "incident_id": KEY,
    "digest_id": None,
    "attempt_count": 1,
    "unknown_count": 0,
    "detail": "no such channel",
    "created_at": "2026-03-02T09:00:00Z",
    "due_at": None,
    "finished_at": "2026-03-02T09:00:01Z",
    "attempts": [
        {
            "number": 1,
            "outcome": "rejected",
            "fault": "client_error",
            "status_code": 400,
            "detail": "no such channel",
            "started_at": "2026-03-02T09:00:00Z",
            "finished_at": "2026-03-02T09:00:01Z",
        }
    ],
}


def destination(*notifications: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = {"destination": "team/chat", "receiver": "team", "belief": None, "notifications": list(notifications)}
    return {**known, "kept_back": [], "next": [], "today": None, "differs": None, **changes}


def story(*destinations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = {"incident": INCIDENT, "now": "2026-03-02T09:05:00Z", "destinations": list(destinations)}
    return {**known, "flapping": None, "firing_count": 60, "alerts": [], "next_cursor": None, **changes}


class Service(ThreadingHTTPServer):
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, *answers: tuple[int, Any], **headers: str) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.answers, self.headers = list(answers), headers
        self.asked: list[tuple[str, str, str | None, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Door(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        self.server.asked.append((self.command, self.path, self.headers.get("authorization"), body))
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    do_POST = do_GET  # noqa: N815  # the name the library asks for

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(*answers: tuple[int, Any], **headers: str) -> Iterator[Service]:
    with Service(*answers, **headers) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


def explanation(labels: dict[str, str], **changes: Any) -> dict[str, Any]:
    known = rules()
    return {**ExplanationView.of(explain(known, labels), (), known).model_dump(mode="json"), **changes}


def test_labels_are_asked_about_with_the_token_and_told_to_people(run: Run, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("als_secret\n")
    outcome = {
        "destination": "team/chat",
        "receiver": "team",
        "route": "root",
        "way": "muted",
        "reason": "opened",
        "why": "silenced by ann",
        "due_at": None,
        "digest": None,
        "hears": True,
    }
    answer = explanation({"model": "churn"}, at="2026-03-02T09:00:00Z", outcomes=[outcome], mutes=[MUTE])
    with served((200, answer)) as service:
        told = run(
            *("explain", "model=churn", "--severity", "error", "--at", "2026-03-02T10:00:00+01:00"),
            *("--url", service.url + "/", "--token-file", token),
        )
    assert told.exit_code == 0, told.stderr
    body = {"labels": {"model": "churn"}, "severity": "error", "at": "2026-03-02T09:00:00+00:00", "status": "firing"}
    assert service.asked == [("POST", "/api/v1/explain", "Bearer als_secret", body)]
    assert told.stdout.splitlines()[:8] == [
        'labels: model="churn"',
        "severity: warning",
        'incident: model="churn" (rule model: by model)',
        "if it begins to fire at 2026-03-02 09:00:00 UTC:",
        "  team/chat: muted (opened): silenced by ann",
        "muted: silenced by ann until 2026-03-02 10:00 UTC: we know",
        f"  silence {KEY} by ann: we know",
        '  it fits model="churn"',
    ]
    assert "als_secret" not in told.output


def test_an_incident_is_told_over_all_its_pages(run: Run) -> None:
    first = story(destination(notification("opened", "failed", delivery=FAILED)), next_cursor="abc")
    ended = {**MUTE, "until": "2026-03-02T09:07:00Z"}
    coming = {"what": "repeat", "at": "2026-03-02T13:00:00Z", "said": "it is told again"}
    second = story(
        destination(notification("updated", "suppressed", why="silenced", mute=ended), kept_back=[MUTE], next=[coming]),
        destination(notification("opened", "delivered"), destination="team/mail"),
    )
    with served((200, first), (200, second)) as service:
        told = run("explain", "--incident", "#412", environment={"ALERTSVC_URL": service.url})
    assert [path for _, path, _, _ in service.asked] == [
        "/api/v1/incidents/412/explain?limit=500",
        "/api/v1/incidents/412/explain?limit=500&cursor=abc",
    ]
    assert told.stdout.splitlines() == [
        "#412 churn: Drift?[2J",
        "firing, critical, opened 2026-03-02 09:00:00 UTC",
        "",
        "team/chat",
        "  2026-03-02 09:00:00 UTC  opened: failed",
        "    route root: critical is delivered immediately",
        "    message failed, tries: 1: no such channel",
        "      try 1, 2026-03-02 09:00:00 UTC: rejected 400: no such channel",
        "  2026-03-02 09:00:00 UTC  updated: suppressed",
        "    silenced",
        "    muted: silenced by ann until 2026-03-02 10:00 UTC: we know",
        f"      silence {KEY} by ann: we know",
        "      as it is by now, it mutes until 2026-03-02 09:07:00 UTC",
        '      it fits model="churn"',
        "",
        "team/mail",
        "  2026-03-02 09:00:00 UTC  opened: delivered",
        "    route root: critical is delivered immediately",
    ]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        pytest.param("source", "resolved: ended at its source, 2026-03-02 09:04:00 UTC", id="at-its-source"),
        pytest.param("expired", "resolved: its source fell silent, 2026-03-02 09:04:00 UTC", id="lapsed"),
        pytest.param("ann", "resolved by ann, 2026-03-02 09:04:00 UTC", id="by-a-person"),
    ],
)
def test_what_resolved_an_incident_is_said(run: Run, by: str, said: str) -> None:
    over = {**INCIDENT, "status": "resolved", "resolved_at": "2026-03-02T09:04:00Z", "resolved_by": by}
    with served((200, story(incident=over))) as service:
        told = run("explain", "--incident", "412", "--url", service.url)
    assert told.stdout.splitlines()[2] == said


def test_one_notification_is_told_with_what_comes_next(run: Run) -> None:
    coming = {"what": "mute_check", "at": None, "said": "it is told what still fires"}
    answer = {
        "incident": INCIDENT,
        "now": "2026-03-02T09:05:00Z",
        "notification": notification("opened", "suppressed", why="inhibited"),
        "destination": destination(next=[coming], differs="then root, today root/fraud"),
        "flapping": {"alert_count": 2, "until": "2026-03-02T09:15:00Z"},
    }
    with served((200, answer)) as service:
        told = run("explain", "--notification", KEY, "--url", service.url)
    assert [path for _, path, _, _ in service.asked] == [f"/api/v1/notifications/{KEY}/explain"]
    assert told.stdout.splitlines()[2:] == [
        "2 of its alerts flap: quiet until 2026-03-02 09:15:00 UTC at least",
        "",
        "team/chat",
        "  2026-03-02 09:00:00 UTC  opened: suppressed",
        "    inhibited",
        "  next: nobody knows when: it is told what still fires",
        "  routing has changed: then root, today root/fraud",
    ]


def test_machines_get_what_the_service_answered(run: Run) -> None:
    answer = {**explanation({}), "a field of a later version": 1}
    with served((200, answer)) as service:
        told = run("explain", "--json", "--url", service.url)
    assert json.loads(told.stdout) == answer


@pytest.mark.parametrize(
    ("status", "answer", "code", "said"),
    [
        pytest.param(404, {"detail": "there is no incident '7'"}, 5, "there is no incident '7'", id="not-there"),
        pytest.param(403, {"detail": "the token lacks the scope"}, 1, "the token lacks the scope", id="forbidden"),
        pytest.param(503, {}, 1, "it answered 503", id="without-a-reason"),
        pytest.param(200, b"<html>", 4, "answered 200, and not with JSON: is alertsvc there?", id="somebody-else"),
        pytest.param(302, b"", 4, "answered 302, and not with JSON", id="a-redirect-is-not-followed"),
    ],
)
def test_a_refusal_has_its_exit_code(run: Run, status: int, answer: Any, code: int, said: str) -> None:
    with served((status, answer), Location="http://127.0.0.1:1/elsewhere") as service:
        told = run("explain", "--incident", "7", "--url", service.url)
    assert (told.exit_code, told.stdout) == (code, "")
    assert said in told.stderr
    assert len(service.asked) == 1


def test_a_service_that_is_not_there_is_named(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    told = run("explain", "a=b", "--url", url)
    assert told.exit_code == 4
    assert f"{url} does not answer: " in told.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--incident", "1", "a=b"], "or --incident, or --notification", id="both"),
        pytest.param(["--incident", "1", "--resolved"], "or --incident, or --notification", id="an-option-for-labels"),
        pytest.param(["--incident", "1", "--notification", KEY], "or --incident, or --notification", id="two-stories"),
        pytest.param(["team"], "a label such as team=fraud is needed", id="no-label"),
        pytest.param(["--at", "9999-01-01T00:00:00Z"], "from the year 1971 to 9000", id="too-far"),
        pytest.param(["--url", "alerts.example.com"], "an address such as https://", id="no-scheme"),
        pytest.param(["--url", "https://t:secret@alerts.example.com"], "goes into --token-file", id="a-password"),
        pytest.param(["--url", "http://localhost:x"], "--url", id="a-port-that-is-none"),
        pytest.param(["--token-file", "nowhere"], "nowhere cannot be read: No such file", id="no-such-file"),
    ],
)
def test_wrong_arguments_are_refused(run: Run, arguments: list[str], said: str) -> None:
    told = run("explain", *arguments)
    assert told.exit_code == 2
    assert said in " ".join(told.stderr.replace("│", " ").split())
    assert "secret" not in told.stderr


@pytest.mark.parametrize("text", ["", "two words\nand lines", "\x80"])
def test_a_file_that_holds_no_token_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(text.encode("latin-1"))
    assert run("explain", "a=b", "--token-file", file).exit_code == 2
