"""Runs operators' templates: they may read the message, decide and loop, within bounds.

A template is the operator's own file, so this guards against mistakes more than against attack. Bounded are the turns
of all loops and macros, what is built of text, and the size of the output. Not bounded is one step inside Python:
sorting a long list, or writing out a list that was nested in itself again and again.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping

from jinja2 import BaseLoader, ChainableUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alertsvc.channels.bounds import Run, check_operation, joined, measured, short_range

ALLOWED_FILTERS = (
    *("abs", "attr", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby"),
    *("int", "items", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse"),
    *("round", "select", "selectattr", "sort", "string", "title", "trim", "truncate", "unique", "upper", "urlencode"),
)
"""Jinja's filters without those that mark text as safe, and without those whose result has no bound."""

UNBOUNDED_METHODS = frozenset(
    {"center", "encode", "expandtabs", "join", "ljust", "replace", "rjust", "to_bytes", "translate", "zfill"}
)


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles and runs operators' templates. `run` is set afresh before each rendering; one rendering at a time."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, loader: BaseLoader, filters: Mapping[str, Callable[..., object]]) -> None:
        super().__init__(
            loader=loader,
            autoescape=_is_html,
            undefined=_unknown_in(self),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self.run = Run()
        self.measured = measured
        self.code_generator_class = _CountingGenerator
        self.concat = joined
        self.filters = {name: self.filters[name] for name in ALLOWED_FILTERS} | {"join": joined} | dict(filters)
        self.globals = {"range": short_range, "namespace": self.globals["namespace"]}

    def count_turn(self) -> None:
        """Called by the compiled template at each turn of a loop."""
        self.run.turn()

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """The result of `left operator right`, unless it would be huge."""
        if operator == "%" and isinstance(left, str):
            raise SecurityError("% does not format text here: use ~ and the filters")
        check_operation(left, operator, right)
        result: object = super().call_binop(context, operator, left, right)
        return result

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Whether a template may read `obj.attr`."""
        return attr not in UNBOUNDED_METHODS and super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: object, attribute: str) -> ChainableUndefined:
        """Refuse at once: an operator should see that a template reaches for something it may not have."""
        raise SecurityError(f"{type(obj).__name__}.{attribute} is not for templates")

    def wrap_str_format(self, value: object) -> None:
        """Refuse `str.format`: its widths have no bound."""
        if isinstance(getattr(value, "__self__", None), str) and getattr(value, "__name__", "").startswith("format"):
            raise SecurityError("str.format is not for templates: use ~ and the filters")


class _CountingGenerator(CodeGenerator):
    """Makes compiled templates count their turns and measure what they join."""

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802 - Jinja finds visitors by node name
        node.body.insert(0, _count_turn(node.lineno))
        super().visit_For(node, frame)

    def visit_Macro(self, node: nodes.Macro, frame: Frame) -> None:  # noqa: N802 - as above
        node.body.insert(0, _count_turn(node.lineno))
        super().visit_Macro(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - as above
        self.write("environment.measured(")
        super().visit_Concat(node, frame)
        self.write(")")


def _count_turn(line: int) -> nodes.Node:
    call = nodes.Call(nodes.EnvironmentAttribute("count_turn"), [], [], None, None)
    return nodes.ExprStmt(call).set_lineno(line, override=True)


def _is_html(name: str | None) -> bool:
    return name is None or name.endswith((".html", ".html.j2"))


def _unknown_in(sandbox: Sandbox) -> type[ChainableUndefined]:
    """The class of values that are missing: empty in every use, and noted when the name itself is wrong.

    A label or annotation that this one alert lacks is ordinary: it is empty and nobody is bothered.
    """

    class Unknown(ChainableUndefined):
        __slots__ = ()

        def _note(self) -> None:
            if not isinstance(self._undefined_obj, Mapping):
                sandbox.run.note_unknown(str(self._undefined_name), _running_line())

        def __str__(self) -> str:
            self._note()
            return ""

        def __bool__(self) -> bool:
            self._note()
            return False

        def __iter__(self) -> Iterator[object]:
            self._note()
            return iter(())

        def __eq__(self, other: object) -> bool:
            self._note()
            return isinstance(other, ChainableUndefined)

        __hash__ = ChainableUndefined.__hash__

    return Unknown


def _running_line() -> int | str:
    """The line of the template that is running now."""
    frame = inspect.currentframe()
    while frame is not None:
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            return int(template.get_corresponding_lineno(frame.f_lineno))
        frame = frame.f_back
    return "?"
