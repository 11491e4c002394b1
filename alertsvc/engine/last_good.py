"""The last good configuration: kept in the database, and started with when the file is broken or gone."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from alertsvc import __version__, failpoints
from alertsvc.settings.errors import ConfigError, Problem
from alertsvc.settings.load import Loaded
from alertsvc.settings.process import DEFAULT_DATABASE_URL, DatabaseSection
from alertsvc.settings.source import ConfigSource
from alertsvc.settings.text_file import read_text
from alertsvc.store import configurations
from alertsvc.store.configurations import Kept
from alertsvc.store.connect import sqlite_path
from alertsvc.store.database import Database, StoreUnavailableError, describe, parse_url
from alertsvc.store.dsn import Dsn
from alertsvc.store.migrate import on_connection

log = logging.getLogger(__name__)

DATABASE_URL = "ALERTSVC_DATABASE_URL"
THRESHOLDS = "/thresholds"
"""The name under which the file of thresholds is kept beside the templates: no template's, as no file has it."""
_NOT_FILES = ("ALERTSVC_", "--")
_DATABASE_SECTION = re.compile(r"^[\"']?database[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a service starts with. `trouble` is what is wrong with the file when it is the last good configuration."""

    loaded: Loaded
    trouble: tuple[Problem, ...] = ()


async def keep(database: Database, loaded: Loaded, now: datetime) -> None:
    """Keep the configuration that is in force, unless it asks not to be kept. A database that is away is no trouble."""
    try:
        if not loaded.settings.database.keep_configuration:
            await database.transaction(configurations.forget)
            return
        taken = Kept(loaded.rules.fingerprint, loaded.text, _files_of(loaded), __version__)
        is_new = await database.transaction(partial(_keep, taken, now))
        failpoints.reach("reload.kept")
    except IntegrityError:  # another replica keeps the same one at this moment
        return
    except (StoreUnavailableError, SQLAlchemyError) as fault:
        log.warning("the configuration could not be kept as the last good one: %s", describe(fault))
        return
    if is_new and loaded.inline_secrets:
        log.warning(
            "the database keeps this configuration with the secrets that stand in it: %s; give them as files or"
            " variables (X_file, X_env), or set database.keep_configuration to false",
            ", ".join(loaded.inline_secrets),
        )


def _files_of(loaded: Loaded) -> Mapping[str, str]:
    return loaded.templates if loaded.thresholds is None else {**loaded.templates, THRESHOLDS: loaded.thresholds}


def _keep(taken: Kept, now: datetime, conn: Connection) -> bool:
    is_new = configurations.keep(conn, taken, now)
    failpoints.reach("reload.written")
    return is_new


def begin(source: ConfigSource) -> Beginning:
    """The configuration of the file, or the last good one when the file is broken or gone.

    Raises:
        ConfigError: The file is broken and nothing can stand in for it. One problem says why.
    """
    try:
        return Beginning(source.read())
    except ConfigError as error:
        if all(problem.file.startswith(_NOT_FILES) for problem in error.problems):
            raise  # another file would not mend a wrong variable
        url = source.environment.get(DATABASE_URL) or _default_url(source, error)
        return _last_good(source, url, error)


def tell(beginning: Beginning) -> None:
    """Log, loudly, that the file is not what the service runs on, and what is wrong with its templates."""
    if beginning.trouble:
        log.error("the configuration file is broken: this is the last good configuration, out of the database")
        log_problems(beginning.trouble)
    for flaw in beginning.loaded.flaws:
        log.warning("a template has a flaw, and the built-in text goes out instead: %s", flaw.headline)


def log_problems(problems: Iterable[Problem]) -> None:
    """Each mistake as a line of the log, with its place in the file."""
    for problem in problems:
        log.error("%s", problem.headline)


def _default_url(source: ConfigSource, error: ConfigError) -> str:
    """The database's URL when the environment has none: only a file that surely says nothing of it can be replaced."""
    try:
        text = read_text(source.path)
    except ConfigError:
        text = "" if not source.path.exists() else None
    if text is None or _DATABASE_SECTION.search(text):
        raise _with(error, source, f"where the database is stands only in this file: {DATABASE_URL} would say it too")
    return DEFAULT_DATABASE_URL


def _last_good(source: ConfigSource, url: str, error: ConfigError) -> Beginning:
    try:
        kept = _last_kept(url)
    except (OSError, ValueError, SQLAlchemyError) as fault:
        raise _with(error, source, f"the database cannot be asked for it: {describe(fault)}") from None
    if kept is None:
        raise _with(error, source, "the database has none")
    try:
        templates = {name: text for name, text in kept.templates.items() if name != THRESHOLDS}
        loaded = source.read_kept(kept.text, templates, kept.templates.get(THRESHOLDS))
    except ConfigError as refused:
        first = refused.problems[0].headline
        raise _with(error, source, f"alertsvc {kept.version} took it, this version does not: {first}") from None
    section = DatabaseSection(url=SecretStr(url), keep_configuration=loaded.settings.database.keep_configuration)
    return Beginning(replace(loaded, settings=replace(loaded.settings, database=section)), error.problems)


def _last_kept(url: str) -> Kept | None:
    parsed = parse_url(url)
    if not isinstance(parsed, Dsn) and not sqlite_path(parsed).is_file():
        return None  # to look would make it
    return on_connection(url, configurations.last, exclusive=False)


def _with(error: ConfigError, source: ConfigSource, why: str) -> ConfigError:
    return ConfigError([*error.problems, Problem(f"{source.path}", 0, 0, "", f"no last good configuration: {why}")])
