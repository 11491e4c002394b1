"""The operator's own templates: which files count, and which are refused with a reason."""

import pytest

from alertsvc.channels.template_files import TemplateFileError, read_templates


def test_files_and_wildcards_are_read_in_order_and_the_last_of_a_name_counts(tmp_path):
    for folder, text in (("a", "one"), ("b", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "title.txt.j2").write_text(text)
    (tmp_path / "b" / "summary.txt.j2").write_text("three")
    found = read_templates(["a/title.txt.j2", str(tmp_path / "b" / "*.j2"), "none/*.j2"], tmp_path)
    assert found == {"title.txt.j2": "two", "summary.txt.j2": "three"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("missing.txt.j2", None, "cannot be read: FileNotFoundError", id="missing"),
        pytest.param("title.txt.j2", b"\xff", "cannot be read: UnicodeDecodeError", id="not-utf-8"),
        pytest.param("title.txt.j2", b"x" * 300_000, "is larger than 262,144 bytes", id="too-large"),
        pytest.param("mail.tmpl", b"hello", "is a Go template", id="go-by-name"),
        pytest.param("title.txt.j2", b'{{ define "x" }}{{ .Status }}{{ end }}', "is a Go template", id="go-by-content"),
        pytest.param("mail.html", b"hello", "needs a name like one of those it replaces", id="name"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_reason(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TemplateFileError, match=reason):
        read_templates([name], tmp_path)
