"""Numbers for people."""

import pytest

from alertsvc.core.numbers import apart


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        pytest.param(0.1 + 0.2, 0.3, ("0.3", "0.3"), id="a-rounding-error-is-none"),
        pytest.param(0.99961, 0.99952, ("0.9996", "0.9995"), id="as-many-digits-as-it-takes"),
        pytest.param(0.84999, 0.85, ("0.84999", "0.85"), id="just-below"),
        pytest.param(1834.2, 1834.0, ("1,834.2", "1,834.0"), id="of-whole-ones-too"),
        pytest.param(1834.2, 500, ("1,834", "500"), id="no-more-than-that"),
        pytest.param(0.5 + 1e-9, 0.5, ("0.5", "0.5"), id="but-not-any-number"),
    ],
)
def test_a_value_and_its_limit_are_told_apart(value: float, limit: float, said: tuple[str, str]) -> None:
    assert apart(value, limit) == said
