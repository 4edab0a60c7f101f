"""Python's values as the words of a command line: keywords are Slurm's long options, `_` written for `-`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mini_slurm.errors import BadUsage
from mini_slurm.model.arrays import format_tasks
from mini_slurm.model.units import format_duration
from mini_slurm.options.table import OPTIONS, OURS, JobOption

NOT_OURS = {
    "help": "there is help(mini_slurm.Client.submit)",
    "usage": "there is help(mini_slurm.Client.submit)",
    "version": "it is mini_slurm.__version__",
    "wait": "call wait() of the job that submit() returns",
    "test_only": "call msbatch --test-only",
    "parsable": "submit() returns the job, which has its number",
    "quiet": "nothing is printed",
    "verbose": "nothing is printed",
}
NAMED = {name: option for option in (*OPTIONS, *OURS) for name in (option.long, *option.aliases)}
MOMENTS = ("begin", "deadline", "starttime", "endtime")
MOMENT = "%Y-%m-%dT%H:%M:%S"


def option_words(options: Mapping[str, Any]) -> list[str]:
    """The words of a command line for these keywords. Raises BadUsage."""
    words: list[str] = []
    for keyword, value in options.items():
        if keyword in NOT_OURS:
            raise BadUsage(f"submit() takes no {keyword}", hint=NOT_OURS[keyword])
        if value is not None:
            words += _words(keyword.replace("_", "-"), value)
    return words


def find(name: str) -> JobOption | None:
    """The option of this long name."""
    return NAMED.get(name)


def _words(name: str, value: Any) -> list[str]:
    option = find(name)
    if value is True:
        return [f"--{name}"]
    if value is False:
        if find(f"no-{name}") is not None:
            return [f"--no-{name}"]
        if option is not None and option.value != "required":
            return []
        raise BadUsage(f"option '--{name}' cannot be False", hint="leave it out, or give None")
    if option is not None and option.value == "none":
        raise BadUsage(f"option '--{name}' doesn't allow an argument", hint=f"write {name.replace('-', '_')}=True")
    if option is not None and option.adds and isinstance(value, list | tuple):
        return [f"--{name}={value_text(name, one)}" for one in value]
    return [f"--{name}={value_text(name, value)}"]


def value_text(name: str, value: Any) -> str:
    """The value of an option of this name as Slurm writes it. Raises BadUsage."""
    name = name.lower()
    if name == "array" and isinstance(value, Iterable) and not isinstance(value, str):
        return format_tasks(sorted({int(task) for task in value}))
    if name == "dependency" and isinstance(value, Mapping):
        return ",".join(":".join([kind, *_ids(jobs)]) for kind, jobs in value.items())
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"now+{seconds}seconds" if name in MOMENTS else format_duration(seconds)
    if isinstance(value, datetime):
        return (value.astimezone().replace(tzinfo=None) if value.tzinfo else value).strftime(MOMENT)
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, Sequence):
        return ",".join(value_text("", one) for one in value)
    if isinstance(value, int | float):
        return str(value)
    shown = getattr(value, "id", None)
    if isinstance(shown, str):
        return shown
    raise BadUsage(f"a {type(value).__name__} cannot be the value of an option", hint="give a text or a number")


def _ids(jobs: Any) -> list[str]:
    """The numbers of one job, or of several."""
    many = jobs if isinstance(jobs, Iterable) and not isinstance(jobs, str) else [jobs]
    return [str(getattr(job, "id", job)) for job in many]
