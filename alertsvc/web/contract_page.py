"""The description of the API as a page to read: no script, nothing from elsewhere."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from alertsvc.web.contract_document import operations

Json = dict[str, Any]
_CODE = re.compile("`([^`]+)`")

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font-family: ui-monospace, monospace; }
summary { cursor: pointer; padding: .2rem 0; }
summary span { opacity: .75; margin-left: .6rem; }
details > :not(summary) { margin-left: 1.2rem; }
dt { margin-top: .4rem; } dd { margin-left: 1.2rem; }
"""


def page(described: Json, document_path: str) -> str:
    """One foldable entry for each operation of the OpenAPI document `described`, which stands at `document_path`."""
    about = described["info"]
    by_tag: dict[str, list[str]] = {}
    for path, method, operation in operations(described):
        tag = next(iter(operation.get("tags", ())), "other")
        by_tag.setdefault(tag, []).append(_operation(path, method, operation, described["components"]["schemas"]))
    sections = "".join(f"<h2>{escape(tag)}</h2>\n{''.join(found)}" for tag, found in by_tag.items())
    title = f"{escape(about['title'])} {escape(about['version'])}"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title><style>{STYLE}</style></head>
<body><h1>{title}</h1>
<p>{escape(about["description"])} For programs: <a href="{document_path}">{document_path}</a> (OpenAPI).</p>
{sections}</body></html>
"""


def _operation(path: str, method: str, operation: Json, schemas: Json) -> str:
    scope = next((names[0] for each in operation["security"] for names in each.values()), None)
    parts = [
        f"<p>{_said(operation.get('description', ''))}</p>",
        f"<p>{f'Needs a token with the scope <code>{escape(scope)}</code>.' if scope else 'Open to all.'}</p>",
        _listed("Parameters", _parameters(operation)),
        _listed("Body", _body(operation, schemas)),
        _listed("Answers", _answers(operation, schemas)),
    ]
    head = f"<code>{method.upper()} {escape(path)}</code><span>{_said(_first(operation))}</span>"
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>\n"


def _said(text: str) -> str:
    """A text, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _first(operation: Json) -> str:
    """The first sentence of what an operation does."""
    return str(operation.get("description", "")).split("\n", 1)[0].partition(". ")[0].rstrip(".")


def _listed(title: str, entries: Iterator[tuple[str, str]]) -> str:
    found = "".join(f"<dt><code>{escape(name)}</code></dt><dd>{_said(said)}</dd>" for name, said in entries)
    return f"<h4>{title}</h4><dl>{found}</dl>" if found else ""


def _parameters(operation: Json) -> Iterator[tuple[str, str]]:
    for each in operation.get("parameters", ()):
        yield each["name"], f"{each['description']} ({each['in']})"


def _body(operation: Json, schemas: Json) -> Iterator[tuple[str, str]]:
    body = operation.get("requestBody")
    if body is None:
        return
    if body.get("description"):
        yield "", body["description"]
    for content in body["content"].values():
        for schema in _objects(content["schema"], schemas):
            required = schema.get("required", ())
            for name, field in schema["properties"].items():
                said = [_kind(field), "required" if name in required else "", field.get("description", "")]
                yield name, "; ".join(filter(None, said))


def _answers(operation: Json, schemas: Json) -> Iterator[tuple[str, str]]:
    for status, answer in sorted(operation["responses"].items()):
        shown = [] if status >= "400" else [_fields(each["schema"], schemas) for each in _contents(answer)]
        yield status, "; ".join(filter(None, [answer["description"], *shown]))


def _contents(answer: Json) -> list[Json]:
    return [each for each in answer.get("content", {}).values() if "schema" in each]


def _fields(schema: Json, schemas: Json) -> str:
    """The names of the fields of an answer; of a page those of its items."""
    found = [name for each in _objects(schema, schemas) for name in each["properties"]]
    items = [each["properties"].get("items", {}).get("items", {}) for each in _objects(schema, schemas)]
    inner = "; ".join(filter(None, (_fields(each, schemas) for each in items)))
    return ", ".join(found) + (f"; each of items: {inner}" if inner else "")


def _objects(schema: Json, schemas: Mapping[str, Json]) -> Iterator[Json]:
    """The shapes with fields that a schema names or chooses from."""
    if "$ref" in schema:
        yield from _objects(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    elif "properties" in schema:
        yield schema
    else:
        for word in ("anyOf", "oneOf", "allOf"):
            for each in schema.get(word, ()):
                yield from _objects(each, schemas)


def _kind(schema: Json) -> str:
    """The type of a field in a word or a few."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    chosen = [_kind(each) for word in ("anyOf", "oneOf") for each in schema.get(word, ())]
    if chosen:
        return " or ".join(filter(None, chosen))
    return str(schema.get("type", ""))
