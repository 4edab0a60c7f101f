"""What there is now: jobs and users of the state, partitions and nodes of the fleet. A fault is silent: no answer."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module

from mini_slurm.config import cache
from mini_slurm.config.paths import state_folder
from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.states import JobState
from mini_slurm.output.job_fields import job_id
from mini_slurm.output.layout import View
from mini_slurm.store import queries
from mini_slurm.store.schema import UNFINISHED

MOST_JOBS = 500  # of the newest
COLUMNS = ("job_id", "array_job_id", "array_task_id", "array_tasks", "name", "state")

Values = Iterable[tuple[str, str]]


def look(kind: str) -> Values:
    """The values of a kind, and what each means; those alone that a shell can take as they are."""
    try:
        return [(word, meaning) for word, meaning in _SOURCES[kind]() if _is_plain(word)] if kind in _SOURCES else ()
    except (MiniSlurmError, sqlite3.Error, OSError):
        return ()


def _is_plain(word: str) -> bool:
    return bool(word) and all(letter.isalnum() or letter in "_-.+@/" for letter in word)


def _database() -> sqlite3.Connection | None:
    return queries.open_to_read(state_folder(create=False))


def _fleet() -> Fleet:
    db = _database()
    return cache.load(lambda key: queries.get_setting(db, key), lambda key, value: None)


def _jobs(*, over: bool) -> Iterator[tuple[str, str]]:
    where = _newest() if over else queries.Where(UNFINISHED)
    view = View(0, str)
    for job in reversed(queries.select_jobs(_database(), COLUMNS, where)[-MOST_JOBS:]):
        number = str(job.array_job_id) if job.array_tasks is not None else job_id(job, view)
        yield number, f"{job.name} {job.state.name}"


def _newest() -> queries.Where:
    where = queries.Where()
    where.add("job_id > (SELECT max(job_id) FROM job) - ?", MOST_JOBS)
    return where


def _users() -> Iterator[tuple[str, str]]:
    found = {job.user for job in queries.select_jobs(_database(), ("user",), _newest())}
    found |= {name for users in _fleet().accounts.values() for name in users}
    for name in sorted(found | {pwd.getpwuid(os.getuid()).pw_name}):
        yield name, ""


def _nodes() -> Iterator[tuple[str, str]]:
    for name, entry in _fleet().machines.items():
        yield name, ",".join(entry.features)


def _features() -> Iterator[tuple[str, str]]:
    for name in sorted({feature for entry in _fleet().machines.values() for feature in entry.features}):
        yield name, ""


def _named(names: Iterable[str]) -> Values:
    return [(name, "") for name in names]


def _signals() -> Values:
    import signal

    return _named(member.name.removeprefix("SIG") for member in signal.Signals)


def _columns(module: str, table: str) -> Callable[[], Values]:
    return lambda: [(field.name, field.header) for field in getattr(import_module(module), table)]


def _verbs() -> Values:
    from mini_slurm.cli import mscontrol

    return mscontrol.verbs()


def _entities() -> Values:
    from mini_slurm.cli.control.verbs import ENTITIES

    return _named(entity.name for entity in ENTITIES)


def _subcommands() -> Values:
    from mini_slurm.cli.manual import admin

    return [(word, meaning) for word, meaning in admin.pages()[0].verbs]


def _templates() -> Values:
    """Those that can be read, each with what it is for."""
    from mini_slurm import templating

    found = []
    for name in templating.names():
        try:
            found.append((name, templating.load(name).header.about))
        except MiniSlurmError:
            found.append((name, ""))
    return found


_SOURCES: dict[str, Callable[[], Values]] = {
    "accounting_columns": _columns("mini_slurm.output.accounting_fields", "ACCOUNTING_FIELDS"),
    "accounts": lambda: _named(_fleet().accounts),
    "admin": _subcommands,
    "all_jobs": lambda: _jobs(over=True),
    "clusters": lambda: _named([_fleet().name]),
    "entities": _entities,
    "features": _features,
    "job_columns": _columns("mini_slurm.output.job_fields", "JOB_FIELDS"),
    "jobs": lambda: _jobs(over=False),
    "node_columns": _columns("mini_slurm.output.node_fields", "NODE_FIELDS"),
    "node_states": lambda: _named(("idle", "alloc", "mixed", "drain", "draining", "down", "resume")),
    "nodes": _nodes,
    "partitions": lambda: _named(_fleet().partitions),
    "qos": lambda: _named(_fleet().qos),
    "signals": _signals,
    "states": lambda: [(state.name, state.value) for state in JobState],
    "templates": _templates,
    "users": _users,
    "verbs": _verbs,
}
