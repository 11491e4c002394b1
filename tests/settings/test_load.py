"""Files that cannot even be read, and what is taken from the folder of one that can."""

from pathlib import Path

import pytest

from alertsvc.settings import ConfigError, load_config, load_text
from tests.settings.kinds import KINDS

SMALL = "route: {receiver: a}\nreceivers: [{name: a}]\n"


def refusal(path):
    with pytest.raises(ConfigError) as caught:
        load_config(path, KINDS)
    return str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "alertsvc.yaml"
    assert refusal(path) == f"{path}: cannot be read: no such file or directory"


def test_a_folder_is_no_file(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read: is a directory"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(b"", "{}: the file is empty: it needs at least a route and a receiver", id="empty"),
        pytest.param(b"a: 1\nb: \xe9t\xe9\n", "{}:2:1: is not UTF-8: byte 0xe9", id="latin-1"),
        pytest.param("a: 1".encode("utf-16"), "{}:1:1: is not UTF-8: byte 0xff", id="utf-16"),
        pytest.param(b"# " + b"x" * 1024 * 1024, "{}: is larger than 1 MiB", id="too-large"),
        pytest.param(
            b"- route\n- receivers\n",
            "{}:1:1: a mapping of keys to values is needed, got a list\n- <hidden>\n^",
            id="list-at-the-top",
        ),
        pytest.param(
            b"just words\n",
            "{}:1:1: a mapping of keys to values is needed, got text\n<hidden>\n^",
            id="text-at-the-top",
        ),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, raw, message):
    path = tmp_path / "alertsvc.yaml"
    path.write_bytes(raw)
    assert refusal(path) == message.format(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "alertsvc.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert load_config(path, KINDS).rules.root.receiver == "a"


def test_windows_line_ends_are_no_mistake():
    assert load_text(SMALL.replace("\n", "\r\n"), "alertsvc.yaml", KINDS).rules.root.receiver == "a"


def test_files_are_found_from_the_folder_of_the_configuration():
    text = """
        database: {url_file: secrets/database}
        global: {slack_api_url_file: secrets/slack}
        route: {receiver: a}
        receivers:
          - name: a
            slack_configs:
              - {channel: "#near", api_url_file: slack, tls: {ca_file: ca.pem}}
              - {channel: "#far", api_url_file: /run/slack}
    """
    loaded = load_text(text, "/etc/alertsvc/alertsvc.yaml", KINDS)
    near, far = (loaded.channels[f"a/slack:{channel}"] for channel in ("#near", "#far"))
    assert loaded.settings.database.secret.place == "file /etc/alertsvc/secrets/database"
    assert near.globals.slack_api_url_file == Path("/etc/alertsvc/secrets/slack")
    assert near.config.api_url_file == Path("/etc/alertsvc/slack")
    assert near.config.tls.ca_file == Path("/etc/alertsvc/ca.pem")
    assert far.config.api_url_file == Path("/run/slack")


def test_the_operators_templates_are_read(tmp_path):
    (tmp_path / "title.txt.j2").write_text("{{ message.title }}")
    loaded = load_text(f"{SMALL}templates: ['*.j2']\n", str(tmp_path / "alertsvc.yaml"), KINDS)
    assert loaded.templates == {"title.txt.j2": "{{ message.title }}"}


def test_a_template_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_text(f"{SMALL}templates: [title.txt.j2]\n", str(tmp_path / "alertsvc.yaml"), KINDS)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.path) == (3, 13, "templates[0]")
    assert problem.message == f"template {tmp_path / 'title.txt.j2'} cannot be read: FileNotFoundError"


def test_the_same_text_has_the_same_fingerprint():
    one, same, other = (load_text(text, "a.yaml", KINDS).rules.fingerprint for text in (SMALL, SMALL, SMALL + "\n"))
    assert one == same != other


def test_mistakes_can_be_read_by_machines():
    with pytest.raises(ConfigError) as caught:
        load_text("route: {receiver: a}\n", "a.yaml", KINDS)
    assert caught.value.as_json() == [
        {"file": "a.yaml", "line": 1, "column": 1, "path": "", "message": "'receivers' is missing", "level": "error"}
    ]


@pytest.mark.parametrize(
    ("template", "flaw"),
    [
        pytest.param("{{ nonsuch }}", "nonsuch", id="a-name-that-does-not-exist"),
        pytest.param("{% for %}", "title.txt.j2 line 1: TemplateSyntaxError", id="no-jinja"),
        pytest.param("{{ message.labels.nope }}!", None, id="a-label-that-one-alert-lacks"),
        pytest.param("{{ message.title }}", None, id="well"),
    ],
)
def test_templates_are_tried_out_and_a_flaw_stands_at_its_entry(tmp_path, template, flaw):
    (tmp_path / "title.txt.j2").write_text(template)
    loaded = load_text(f"{SMALL}templates: ['*.j2']\n", str(tmp_path / "alertsvc.yaml"), KINDS)
    if flaw is None:
        assert loaded.strictly() is loaded
        return
    assert flaw in loaded.flaws[0].message
    assert (loaded.flaws[0].line, loaded.flaws[0].column) == (3, 13)
    with pytest.raises(ConfigError, match="templates"):
        loaded.strictly()


def test_the_secrets_that_stand_in_the_file_are_named_by_place():
    text = """
        database: {url: "postgresql://me:CANARY@host/name"}
        global: {slack_api_url: CANARY}
        route: {receiver: a}
        receivers:
          - {name: a, slack_configs: [{channel: "#a", api_url_file: x}, {channel: "#b", headers: {x: CANARY}}]}
    """
    assert load_text(text, "a.yaml", KINDS).inline_secrets == (
        "database.url",
        "global.slack_api_url",
        "receivers[0].slack_configs[1].headers.x",
    )


def test_a_database_without_a_password_is_no_secret():
    text = f"database: {{url: 'sqlite:///a.db'}}\n{SMALL}"
    assert load_text(text, "a.yaml", KINDS).inline_secrets == ()


def test_the_same_file_has_the_same_fingerprint_and_its_templates_count(tmp_path):
    def fingerprint(template):
        (tmp_path / "title.txt.j2").write_text(template)
        text = f"{SMALL}templates: ['*.j2']\n"
        return load_text(text, str(tmp_path / "alertsvc.yaml"), KINDS).rules.fingerprint

    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
