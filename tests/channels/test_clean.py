"""Untrusted text: what may be shown of it, in a page, on a line and in a header."""

import pytest

from alertsvc.channels.clean import clean_line, clean_text, cut, header_text, web_link


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        pytest.param("a\r\nBcc: x@y", "a Bcc: x@y", id="line-end"),
        pytest.param("a\u2028b\u2029c\x85d\x0be\x0cf", "a b c d e f", id="every-other-line-end"),
        pytest.param("a\x00b\x1bc\x7fd\x9be", "a b c d e", id="controls"),
        pytest.param("a\u202eb\u2066c\u200fd\u061ce", "a b c d e", id="direction"),
        pytest.param("=?utf-8?q?=0ABcc:_x@y?=", "=\u200b?utf-8?q?=0ABcc:_x@y?=", id="encoded-word"),
        pytest.param("e\u0301", "é", id="composed"),
        pytest.param("  a \t b  ", "a b", id="blanks"),
        pytest.param("\ud800", "\ufffd", id="half-a-character"),
        pytest.param("x" * 100_000, "x" * 149 + "…", id="length"),
    ],
)
def test_a_header_gets_one_harmless_line(dirty, clean):
    assert header_text(dirty) == clean


@pytest.mark.parametrize(
    ("text", "limit", "shorter"),
    [
        pytest.param("short", 5, "short", id="fits"),
        pytest.param("longer", 5, "long…", id="cut"),
        pytest.param("ab e\u0301\u0301x", 6, "ab…", id="not-before-an-accent"),
        pytest.param("🇵🇹🇵🇹🇵🇹", 4, "🇵🇹…", id="not-inside-a-flag"),
        pytest.param("👨\u200d👩\u200d👧👨\u200d👩\u200d👧", 9, "👨\u200d👩\u200d👧…", id="not-inside-a-family"),
        pytest.param("ok👍🏽!", 4, "ok…", id="not-before-a-skin-tone"),
        pytest.param("a" + "\u0301" * 500, 100, "a" + "\u0301" * 67 + "…", id="but-nobody-writes-500-accents"),
    ],
)
def test_a_cut_never_splits_what_is_seen_as_one(text, limit, shorter):
    assert cut(text, limit) == shorter
    assert len(cut(text, limit)) <= limit


def test_a_text_keeps_its_lines_and_a_line_does_not():
    assert clean_text("\n\na\r\nb\u2028c\td\x00\n", 100) == "a\nb\nc\td"
    assert clean_line("\n\na\r\nb\u2028c\td\x00\n", 100) == "a b c d"


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        pytest.param("https://example.com/a?b=c&d=%20#e", True, id="https"),
        pytest.param("http://10.0.0.1:3000/d/x", True, id="http-inside"),
        pytest.param("HTTPS://Example.com/é", True, id="case-and-letters"),
        pytest.param("javascript:alert(1)", False, id="script"),
        pytest.param(" javascript:alert(1)", False, id="script-behind-a-blank"),
        pytest.param("java\nscript:alert(1)", False, id="script-across-lines"),
        pytest.param("data:text/html,x", False, id="data"),
        pytest.param("//example.com/x", False, id="no-scheme"),
        pytest.param("https:///x", False, id="no-host"),
        pytest.param("https://user:secret@example.com/", False, id="with-a-password"),
        pytest.param("https://example.com\\@evil.example/", False, id="backslash"),
        pytest.param('https://example.com/"onclick="x', False, id="quote"),
        pytest.param("https://example.com/<b>", False, id="angle"),
        pytest.param("https://example.com:99999/", False, id="no-such-port"),
        pytest.param("https://[::1", False, id="half-an-address"),
        pytest.param("https://example.com/" + "x" * 2000, False, id="too-long"),
        pytest.param("https://example.com/\u202egnp.exe", False, id="turned-around"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
    ],
)
def test_only_plain_web_addresses_become_links(url, usable):
    assert web_link(url) == (url if usable else None)
