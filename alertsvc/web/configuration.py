"""The configuration: taken anew from its file, and why it was not."""

from litestar import post
from litestar.di import NamedDependency
from sqlmodel import SQLModel

from alertsvc.engine.reload import Reloaded, Reloader
from alertsvc.settings.errors import ConfigError
from alertsvc.web.access import needs
from alertsvc.web.problems import Problem

MOST_IN_DETAIL = 5


class ReloadView(SQLModel):
    """What a reload came to. `needs_restart` is what the file says differently and was left as it was."""

    config_hash: str
    changed: list[dict[str, str]]
    needs_restart: list[str]

    @classmethod
    def of(cls, done: Reloaded) -> "ReloadView":
        """The view of `done`."""
        changed = [{"what": each.what, "how": str(each.how)} for each in done.differences]
        return cls(config_hash=done.fingerprint, changed=changed, needs_restart=list(done.left))


@post("/-/reload", status_code=200, guards=[needs("admin")], tags=["operation"])
async def reload(reloader: NamedDependency[Reloader | None]) -> ReloadView:
    """Read the configuration file again and put it in force. 400: it has mistakes, and the one in force stays."""
    if reloader is None:
        raise Problem(409, "not-possible", "this service was started without a configuration file")
    try:
        return ReloadView.of(await reloader.reload())
    except ConfigError as fault:
        raise as_problem(fault) from None


def as_problem(fault: ConfigError) -> Problem:
    """The document that lists every mistake, each with its place in the file."""
    first = "; ".join(problem.headline for problem in fault.problems[:MOST_IN_DETAIL])
    more = len(fault.problems) - MOST_IN_DETAIL
    return Problem(
        400,
        "bad-configuration",
        f"the configuration in force stays; the file has mistakes: {first}{f'; and {more} more' if more > 0 else ''}",
        errors=[{"pointer": each["path"], **each} for each in fault.as_json()],
    )
