"""Foreign text inside our sentences."""


def printable(text: str) -> str:
    """`text` on one line: what would steer a terminal becomes `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)


def quoted(text: str, limit: int = 80) -> str:
    """`text` in single quotes, printable, cut at `limit` characters."""
    return f"'{printable(text[:limit])}{'…' if len(text) > limit else ''}'"
