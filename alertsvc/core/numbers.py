"""How numbers are written for people: short, and never so short that a value looks like its limit."""

import math

SHORT, LONGEST = 3, 8


def short(value: float, digits: int = SHORT) -> str:
    """`value` with three significant digits; whole digits are never dropped: `0.3`, `1,834`, `4.2e-09`."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite" if value > 0 else "minus infinite"
    if 100 <= abs(value) < 1e15:
        whole = len(f"{abs(value):.0f}")
        return f"{value:,.{max(0, digits - whole)}f}"
    return f"{value:.{digits}g}"


def apart(value: float, limit: float) -> tuple[str, str]:
    """Both, with as many digits as it takes to tell them apart."""
    digits = SHORT
    while digits < LONGEST and short(value, digits) == short(limit, digits) and not math.isclose(value, limit):
        digits += 1
    return short(value, digits), short(limit, digits)
