"""The identity of labels is the one that Alertmanager computes."""

import pytest

from alertsvc.ingest.fingerprint import fingerprint, fingerprint_behind, is_fingerprint, key_to
from tests.ingest.expected_captures import CAPTURES, Capture


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
def test_it_is_what_alertmanager_sends_for_the_same_labels(capture: Capture) -> None:
    for sent in capture.load()["body"]["alerts"]:
        assert fingerprint(sent["labels"]) == sent["fingerprint"]


@pytest.mark.parametrize(
    ("one", "other", "are_equal"),
    [
        pytest.param({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, True, id="order-is-nothing"),
        pytest.param({"a": "1", "b": ""}, {"a": "1"}, True, id="an-empty-value-is-no-label"),
        pytest.param({"a": "bc"}, {"ab": "c"}, False, id="names-end-where-values-begin"),
        pytest.param({"a": "1"}, {"a": "2"}, False, id="values-count"),
        pytest.param({"a": "é"}, {"a": "e\u0301"}, False, id="nothing-is-normalised"),
    ],
)
def test_only_names_and_values_count(one: dict[str, str], other: dict[str, str], are_equal: bool) -> None:
    assert (fingerprint(one) == fingerprint(other)) is are_equal


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        pytest.param("00000000000000ab", True, id="sixteen-digits"),
        pytest.param("00000000000000AB", False, id="upper-case"),
        pytest.param("0000000000000ab", False, id="fifteen"),
        pytest.param("00000000000000abc", False, id="seventeen"),
        pytest.param("../../etc/passwd", False, id="sixteen-others"),
        pytest.param("", False, id="empty"),
    ],
)
def test_what_a_sender_supplies_must_look_like_one(text: str, is_one: bool) -> None:
    assert is_fingerprint(text) is is_one


@pytest.mark.parametrize(
    ("key", "known"),
    [
        pytest.param(key_to("0123456789abcdef"), "0123456789abcdef", id="a-key-of-ours"),
        pytest.param("0123456789abcdef", fingerprint({"dedup_key": "0123456789abcdef"}), id="a-senders-own-hash"),
        pytest.param("fingerprint:x", fingerprint({"dedup_key": "fingerprint:x"}), id="what-only-begins-like-ours"),
    ],
)
def test_a_key_leads_to_the_fingerprint_it_names_or_has(key: str, known: str) -> None:
    assert fingerprint_behind(key) == known
