"""Finds the secrets that stand in the file itself, so that people can be told where a copy of the file has them too."""

from collections.abc import Iterator

from alertsvc.settings.document import Document
from alertsvc.settings.errors import Loc, shown_path
from alertsvc.settings.scalars import Tree
from alertsvc.settings.shape import Shape

_DATABASE_URL: Loc = ("database", "url")


def inline_secrets(document: Document, shape: Shape) -> Iterator[str]:
    """The paths of the secrets in the file, such as `global.slack_api_url`, in its order."""
    yield from (shown_path(loc) for loc in _below((), document.tree, shape))


def _below(loc: Loc, tree: Tree, shape: Shape) -> Iterator[Loc]:
    if isinstance(tree, dict | list):
        for part, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _below((*loc, part), value, shape.below(part))
    elif shape.is_secret and not (loc == _DATABASE_URL and _has_no_password(str(tree))):
        yield loc


def _has_no_password(url: str) -> bool:
    return "@" not in url and "password" not in url
