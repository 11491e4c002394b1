"""The same data as the last time, or data that moved."""

import numpy as np
import pandas as pd


def frame(seed: int = 1) -> pd.DataFrame:
    """800 rows of three columns."""
    dice = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": dice.normal(40.0, 10.0, 800),
            "income": dice.lognormal(8.0, 0.5, 800),
            "tenure": dice.exponential(5.0, 800),
        }
    )


def moved() -> pd.DataFrame:
    """The same, but older and richer."""
    found = frame(2)
    return found.assign(age=found["age"] + 15.0, income=found["income"] * 2.0)


def current(which: str) -> pd.DataFrame:
    """What a `bad` or a `good` run looks at."""
    return moved() if which == "bad" else frame()
