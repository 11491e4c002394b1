"""Foreign text becomes fit to be stored and shown; what is too much is cut with a mark."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.ingest.clean import (
    CUT,
    BadFieldError,
    clean_annotations,
    clean_instant,
    clean_labels,
    clean_text,
    clean_url,
    mend_surrogates,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m", id="nul-and-escape"),
        pytest.param("a\tb\r\nc", "a\tb\r\nc", id="tab-and-line-ends-stay"),
        pytest.param("x\x7fy", "x\ufffdy", id="delete"),
        pytest.param("x\ud800y", "x\ufffdy", id="half-a-character"),
        pytest.param("モデル 🚨 \u2028", "モデル 🚨 \u2028", id="unicode-stays"),
        pytest.param("v" * 64, "v" * 64, id="as-long-as-it-may-be"),
        pytest.param("v" * 65, "v" * 55 + CUT, id="one-byte-too-long"),
        pytest.param("é" * 32, "é" * 32, id="bytes-count-and-fit"),
        pytest.param("é" * 33, "é" * 27 + CUT, id="bytes-count-and-do-not-fit"),
        pytest.param("🚨" * 20, "🚨" * 13 + CUT, id="no-character-is-cut-in-two"),
    ],
)
def test_text_is_cleaned_and_cut_to_bytes(text: str, cleaned: str) -> None:
    assert clean_text(text, 64) == cleaned


@given(ANY_TEXT, st.integers(20, 100))
@settings(deadline=None)
def test_cleaned_text_always_fits_and_can_always_be_written(text: str, most_bytes: int) -> None:
    raw = clean_text(text, most_bytes).encode()
    assert len(raw) <= most_bytes
    assert b"\x00" not in raw


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        pytest.param({"a": "1", "b": ""}, {"a": "1"}, id="empty-values-are-dropped"),
        pytest.param({"größe": "x"}, {"größe": "x"}, id="names-may-be-any-text"),
        pytest.param({"a": "x\x00"}, {"a": "x\ufffd"}, id="values-are-cleaned"),
        pytest.param({"n" * 256: "x"}, {"n" * 256: "x"}, id="name-of-256-bytes"),
        pytest.param({f"l{n}": "v" for n in range(64)}, {f"l{n}": "v" for n in range(64)}, id="64-labels"),
        pytest.param({"a": "v" * 4096}, {"a": "v" * 4096}, id="value-of-4096-bytes"),
        pytest.param({"a": "v" * 4097}, {"a": "v" * 4087 + CUT}, id="value-of-4097-bytes"),
        pytest.param({f"e{n}": "" for n in range(99)} | {"a": "1"}, {"a": "1"}, id="empty-ones-do-not-count"),
    ],
)
def test_labels_are_kept_within_their_bounds(labels: dict[str, str], kept: dict[str, str]) -> None:
    assert clean_labels(labels) == kept


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        pytest.param({}, "no identity", id="none"),
        pytest.param({"a": ""}, "no identity", id="only-empty-values"),
        pytest.param({f"l{n}": "v" for n in range(65)}, "65 of them; at most 64", id="65-labels"),
        pytest.param({"": "v"}, "empty, too long", id="empty-name"),
        pytest.param({"n" * 257: "v"}, "empty, too long", id="name-of-257-bytes"),
        pytest.param({"é" * 129: "v"}, "empty, too long", id="name-of-258-bytes-in-129-characters"),
        pytest.param({"a\nb\x00": "v"}, "control characters", id="control-in-a-name"),
    ],
)
def test_labels_that_cannot_be_an_identity_are_refused(labels: dict[str, str], reason: str) -> None:
    with pytest.raises(BadFieldError, match=f"labels: .*{reason}"):
        clean_labels(labels)


@pytest.mark.parametrize(
    ("annotations", "found"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"summary": ""}, {"summary": ""}, id="empty-ones-are-kept"),
        pytest.param({"s": "a\x00"}, {"s": "a\ufffd"}, id="cleaned"),
        pytest.param({"s": "v" * 16384}, {"s": "v" * 16384}, id="16-kib"),
        pytest.param({"s": "v" * 16385}, {"s": "v" * 16375 + CUT}, id="more-than-16-kib"),
        pytest.param({"n" * 300: "v"}, {"n" * 247 + CUT: "v"}, id="long-name"),
        pytest.param(
            {f"a{n}": "v" for n in range(66)},
            {f"a{n}": "v" for n in range(64)} | {"alertsvc_cut": "2 of 66 annotations were left out"},
            id="66-annotations",
        ),
        pytest.param(
            {f"a{n}": "v" * 16000 for n in range(5)} | {"z": "v"},
            {f"a{n}": "v" * 16000 for n in range(4)}
            | {"a4": "v" * 1527 + CUT, "alertsvc_cut": "1 of 6 annotations were left out"},
            id="64-kib-in-all",
        ),
    ],
)
def test_annotations_are_cut_and_never_cost_the_alert(annotations: dict[str, str], found: dict[str, str]) -> None:
    assert clean_annotations(annotations) == found


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        pytest.param("https://w.example/r?x=1#y", True, id="https"),
        pytest.param("HTTP://w.example", True, id="any-case"),
        pytest.param("http://prom.example/graph?g0.expr=a+%3E+0.2&g0.tab=1", True, id="prometheus"),
        pytest.param("https://w.example/" + "p" * 2030, True, id="2048-bytes"),
        pytest.param("https://w.example/" + "p" * 2031, False, id="2049-bytes"),
        pytest.param("https://w.example/" + "é" * 1020, False, id="2058-bytes-in-1038-characters"),
        pytest.param("javascript:alert(1)", False, id="javascript"),
        pytest.param("data:text/html,x", False, id="data"),
        pytest.param("//w.example", False, id="no-scheme"),
        pytest.param("https://", False, id="no-host"),
        pytest.param("https://w.example/a b", False, id="space"),
        pytest.param("https://w.example/\n", False, id="line-end"),
        pytest.param('https://w.example/">', False, id="quote"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
    ],
)
def test_only_web_addresses_become_links(url: str | None, is_link: bool) -> None:
    assert clean_url(url) == (url if is_link else None)


HALF_PAST_FIVE = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("moment", "cleaned"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), id="utc"),
        pytest.param(
            datetime(2026, 3, 2, 9, tzinfo=HALF_PAST_FIVE), datetime(2026, 3, 2, 3, 30, tzinfo=UTC), id="offset"
        ),
        pytest.param(datetime(2026, 3, 2, 9), None, id="no-zone"),  # noqa: DTZ001  # that is the case
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), None, id="year-1"),
        pytest.param(datetime(1, 1, 1, tzinfo=HALF_PAST_FIVE), None, id="before-year-1-in-utc"),
        pytest.param(datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=9))), None, id="after-year-9999"),
        pytest.param(datetime(1970, 1, 1, 1, tzinfo=HALF_PAST_FIVE), None, id="before-1970-in-utc"),
        pytest.param(datetime(2200, 12, 31, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC), id="year-2200"),
        pytest.param(datetime(2201, 1, 1, tzinfo=UTC), None, id="year-2201"),
    ],
)
def test_an_instant_is_in_utc_or_none(moment: datetime | None, cleaned: datetime | None) -> None:
    found = clean_instant(moment)
    assert found == cleaned
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("body", "mended"),
    [
        pytest.param(rb'"\ud83d\ude00"', rb'"\ud83d\ude00"', id="a-pair-stays"),
        pytest.param(rb'"x\ud800y"', rb'"x\ufffdy"', id="high-half"),
        pytest.param(rb'"x\uDC00y"', rb'"x\ufffdy"', id="low-half"),
        pytest.param(rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"', id="the-wrong-way-round"),
        pytest.param(rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"', id="half-before-a-pair"),
        pytest.param(rb'"C:\\ud800"', rb'"C:\\ud800"', id="a-backslash-before-the-letters-ud800"),
        pytest.param(rb'"\\\ud800"', rb'"\\\ufffd"', id="a-backslash-before-half-a-character"),
        pytest.param(rb'"\n\ud8"', rb'"\n\ud8"', id="no-whole-escape"),
    ],
)
def test_half_a_character_is_replaced_where_json_means_one(body: bytes, mended: bytes) -> None:
    assert mend_surrogates(body) == mended
