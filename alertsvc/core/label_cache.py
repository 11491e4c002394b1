"""Answers that depend on some labels only, each worked out once."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Generic, TypeVar

from alertsvc.core.model import Labels

AnswerT = TypeVar("AnswerT")

CACHED_COUNT = 16_384
MAX_CACHED_CHARS = 512
"""Label sets with longer texts are not kept: 16,384 of the longest would take a gigabyte."""


class LabelCache(Generic[AnswerT]):
    """The answers of `work`, which may look at no labels but `names` and takes a missing one for an empty one.

    It keeps the latest `size` label sets that differ in one of the names. Several threads may ask at once; at worst
    two of them work out the same answer.
    """

    def __init__(self, names: Iterable[str], work: Callable[[Labels], AnswerT], size: int = CACHED_COUNT) -> None:
        known = tuple(sorted(set(names)))

        def answer(texts: tuple[str, ...]) -> AnswerT:
            return work(dict(zip(known, texts, strict=True)))

        self._names = known
        self._work = work
        self._answer = lru_cache(maxsize=size)(answer)

    def __call__(self, labels: Labels) -> AnswerT:
        """The answer for `labels`."""
        texts = tuple([labels.get(name, "") for name in self._names])
        if len("".join(texts)) > MAX_CACHED_CHARS:
            return self._work(labels)
        return self._answer(texts)
