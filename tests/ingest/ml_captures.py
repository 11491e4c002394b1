"""What ML tools really sent, and what it must come to."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "captures" / "ml"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())["expected"]


def raw(file: str) -> bytes:
    """A recording, byte for byte."""
    return (FOLDER / file).read_bytes()


def report(file: str) -> bytes:
    """The report in a recording: its body, where the request was recorded around it."""
    found = json.loads(raw(file)) if "nan" not in file else {}
    return json.dumps(found["body"]).encode() if "_note" in found and "body" in found else raw(file)


def mlflow_requests(file: str) -> list[dict[str, Any]]:
    """The requests of a recording of MLflow's webhooks."""
    found: dict[str, Any] = json.loads(raw(f"mlflow/{file}.json"))
    return list(found["requests"])


def grafana(file: str) -> dict[str, Any]:
    """A webhook of Grafana's, without the note on where it comes from."""
    found: dict[str, Any] = json.loads(raw(f"grafana/webhook_{file}_documented.json"))
    return {name: value for name, value in found.items() if name != "_note"}
