"""Makes foreign text fit to be stored and shown, and bounds it. A long text is cut with a mark, never refused."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

MAX_LABELS = 64
MAX_NAME_BYTES = 256
MAX_VALUE_BYTES = 4 * 1024
MAX_ANNOTATIONS = 64
MAX_ANNOTATION_BYTES = 16 * 1024
MAX_ANNOTATIONS_BYTES = 64 * 1024
MAX_URL_BYTES = 2 * 1024
CUT = " …[cut]"
CUT_NOTE = "alertsvc_cut"
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(2201, 1, 1, tzinfo=UTC)

_CUT_BYTES = len(CUT.encode())
_WEB_ADDRESS = re.compile(
    r"(?i:https?)://[^\s/?#\"'<>\\^`{|}\x00-\x20\x7f-\xa0]+(?:[/?#][^\s\"<>\\^`\x00-\x20\x7f-\xa0]*)?\Z"
)
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_STEP = re.compile(r"[^.\[\]]+")


class BadFieldError(ValueError):
    """A field breaks a limit that cutting cannot mend: `what` says which.

    `field` is its path, such as `links[0].url`; empty for the whole item. `pointer` is the same as RFC 6901 writes it.
    """

    def __init__(self, field: str, what: str, pointer: str | None = None) -> None:
        super().__init__(f"{field}: {what}" if field else what)
        self.field = field
        self.what = what
        self.pointer = _pointer_to(field) if pointer is None else pointer


def _pointer_to(field: str) -> str:
    return "".join(f"/{part}" for part in _STEP.findall(field))


def clean_text(text: str, most_bytes: int) -> str:
    """`text` without control characters (tab and line ends stay), cut to `most_bytes` of UTF-8 with a mark."""
    if not text.isprintable():
        text = _UNWANTED.sub("\ufffd", text)
    if len(text) * 4 <= most_bytes:
        return text
    raw = text.encode()
    return text if len(raw) <= most_bytes else raw[: most_bytes - _CUT_BYTES].decode(errors="ignore") + CUT


def has_controls(text: str) -> bool:
    """Whether `text` has characters that `clean_text` would replace."""
    return _UNWANTED.search(text) is not None


def clean_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels fit to be stored; those with an empty value are dropped, as Alertmanager does.

    Raises:
        BadFieldError: None, too many, an empty name or one too long.
    """
    kept = dict(labels) if all(labels.values()) else {name: value for name, value in labels.items() if value}
    if not kept:
        raise BadFieldError("labels", "an alert without labels has no identity")
    if len(kept) > MAX_LABELS:
        raise BadFieldError("labels", f"{len(kept)} of them; at most {MAX_LABELS} are taken")
    if "" not in kept and _fit_together(kept, MAX_NAME_BYTES) and _fit_together(kept.values(), MAX_VALUE_BYTES):
        return kept
    for name in kept:
        if not name or len(name.encode()) > MAX_NAME_BYTES or has_controls(name):
            raise BadFieldError("labels", f"the name {name[:40]!r} is empty, too long or has control characters")
    return {name: clean_text(value, MAX_VALUE_BYTES) for name, value in kept.items()}


def clean_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations within their bounds. What is too long is cut; how many were left out stands in `alertsvc_cut`."""
    few = len(annotations) <= MAX_ANNOTATIONS
    if few and _fit_together(annotations, MAX_NAME_BYTES) and _fit_together(annotations.values(), MAX_ANNOTATION_BYTES):
        return dict(annotations)
    found: dict[str, str] = {}
    room = MAX_ANNOTATIONS_BYTES
    for name, value in annotations.items():
        text = clean_text(value, min(MAX_ANNOTATION_BYTES, max(room, _CUT_BYTES)))
        size = len(text.encode())
        if len(found) < MAX_ANNOTATIONS and size <= room:
            found[clean_text(name, MAX_NAME_BYTES)] = text
            room -= size
    if len(found) < len(annotations):
        found[CUT_NOTE] = f"{len(annotations) - len(found)} of {len(annotations)} annotations were left out"
    return found


def _fit_together(texts: Iterable[str], most_bytes: int) -> bool:
    """Whether the texts surely need no cleaning: all of them at once are clean, and short enough for one."""
    whole = "".join(texts)
    size = len(whole) if whole.isascii() else 4 * len(whole)
    return size <= most_bytes and whole.isprintable()


def clean_url(url: str | None) -> str | None:
    """An http or https address with a host, free of white space, quotes and controls, that may become a link.

    None for everything else: an address that is cut leads nowhere.
    """
    if not url or len(url) > MAX_URL_BYTES or not _WEB_ADDRESS.match(url):
        return None
    return url if url.isascii() or len(url.encode(errors="replace")) <= MAX_URL_BYTES else None


def clean_instant(moment: datetime | None) -> datetime | None:
    """An instant in UTC, or None for what senders write when they mean none (year 1) or cannot mean.

    One without a time zone says nothing either: a wrong guess would put an episode into another hour.
    """
    if moment is None or moment.tzinfo is None or not FIRST <= moment < LAST:
        return None
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def mend_surrogates(body: bytes) -> bytes:
    """JSON whose escapes name half a character gets the replacement character there, and becomes readable."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
