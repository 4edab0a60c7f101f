"""What `help()` says of the names that programs import: errors, units, and the command that each stands for."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import mini_slurm
from mini_slurm import AsyncClient, AsyncJob, Client, Job, LocalScheduler

COMMANDS = (
    *("sbatch", "squeue", "sinfo", "scancel", "sacct", "scontrol", "qsub", "qstat", "qdel", "bsub", "bjobs", "bkill"),
    *("nice", "mini-slurm"),
)
# what the methods of Job call; programs call those
OF_JOBS = {"change", "describe", "file_of", "follow", "output_of", "parts", "state_of", "target", "targets"}
# what no command does
NO_COMMAND = {
    *("close", "state", "id", "number", "cluster", "tasks", "as_completed", "wait_for_job", "wait_for_jobs", "wait"),
    *("wait_all", "follow", "output", "check", "get_result", "spawn_sweep", "run_sweep", "find", "job"),
}
# what finds nothing wrong
NO_ERROR = {"close", "state", "id", "number", "cluster", "get_status"}


def methods(kind: type) -> Iterator[tuple[str, str, Any]]:
    """Each public method and property of ours: its name, its docstring, itself."""
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        function = member.fget if isinstance(member, property) else inspect.unwrap(getattr(kind, name))
        if name.startswith("_") or name in OF_JOBS or not inspect.isroutine(function):
            continue
        if (getattr(function, "__module__", "") or "").startswith("mini_slurm"):
            yield name, " ".join((inspect.getdoc(member) or "").split()), function


def kinds() -> list[type]:
    """The classes that act; errors, enumerations and records have one docstring, and words beside their fields."""
    found = [getattr(mini_slurm, name) for name in mini_slurm._NAMES]  # type: ignore[attr-defined]
    plain = (Exception, enum.Enum)
    return [one for one in found if not issubclass(one, plain) and not dataclasses.is_dataclass(one)]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_each_method_says_what_it_raises_in_which_units_and_as_which_command(kind: type) -> None:
    wrong = []
    for name, text, function in methods(kind):
        if not re.search("Raises|Timeout", text) and name not in NO_ERROR:
            wrong.append(f"{name} does not say what it raises")
        is_said = kind is LocalScheduler or any(re.search(rf"\b{word}\b", text) for word in COMMANDS)
        if not is_said and name not in NO_COMMAND:
            wrong.append(f"{name} does not say which command it stands for")
        given = inspect.signature(function).parameters
        if {"timeout", "timeout_seconds"} & given.keys() and "seconds" not in text:
            wrong.append(f"{name} does not say that its timeout is in seconds")
        if "time_limit" in given and not re.search("minutes|as Slurm writes", text):
            wrong.append(f"{name} does not say what its time limit is in")
    assert not wrong, f"{kind.__name__}: " + "; ".join(wrong)


@pytest.mark.parametrize(("plain", "twin"), [(Client, AsyncClient), (Job, AsyncJob)])
def test_the_asynchronous_twin_has_all_of_it_and_says_the_same(plain: type, twin: type) -> None:
    theirs = {name: function for name, _, function in methods(twin)}
    assert theirs.keys() == {name for name, _, _ in methods(plain)}
    for name, text, function in methods(plain):
        assert [*inspect.signature(theirs[name]).parameters] == [*inspect.signature(function).parameters], name
        assert text in " ".join((inspect.getdoc(inspect.getattr_static(twin, name)) or "").split()), name


def test_every_error_of_the_client_can_be_imported_by_its_name() -> None:
    said = {word for kind in kinds() for _, text, _ in methods(kind) for word in re.findall(r"\b[A-Z]\w+\b", text)}
    errors = {name for name in said if name.endswith(("Error", "Failed", "Timeout")) or name in ("Refused", "BadUsage")}
    known = {*mini_slurm._NAMES, "TimeoutError", "NotImplementedError"}  # type: ignore[attr-defined]
    assert errors <= known, errors - known
