"""Submitting: the way of msbatch, from keywords instead of a command line."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from mini_slurm.api.faults import PROGRAM
from mini_slurm.api.places import Places
from mini_slurm.api.records import Target
from mini_slurm.api.words import option_words
from mini_slurm.desk import batch, places, submission
from mini_slurm.desk.submission import Script
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.model.environment import is_machine_own
from mini_slurm.options.grammar import parse
from mini_slurm.options.script import check_script
from mini_slurm.options.staging import STAGING
from mini_slurm.options.table import OPTIONS, OURS
from mini_slurm.store.database import set_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.job import Job

log = logging.getLogger("mini_slurm")
NAME = "sbatch"  # of a job whose script is given as text, as if it came from standard input
NOT_PLAIN = frozenset(",'\"\n")  # what --export cannot hold in a value


def submit(
    all_places: Places, arguments: tuple[Any, ...], script: str | bytes | None, options: dict[str, Any]
) -> tuple[Target, list[Target]]:
    """Store a job; what it is called, and its tasks or parts. Raises MiniSlurmError.

    `arguments`: the script's path, unless it is given, and its arguments.
    """
    if options.get("template") is not None or options.get("set") is not None:
        script = _from_template(options.pop("template", None), options.pop("set", None), script, arguments, options)
    export = options.pop("export", None)
    words = option_words({"clusters": all_places.cluster, **options})
    variables: Mapping[str, str] = {}
    if isinstance(export, Mapping):
        variables = {str(name): str(value) for name, value in export.items()}
    elif export is not None:
        words += option_words({"export": export})
    given = None if script is None else _given(script)
    if given is not None and options.get("wrap") is not None:
        raise BadUsage("script and wrap exclude each other", hint="give one of them")
    rest = [os.fspath(one) if isinstance(one, os.PathLike) else str(one) for one in arguments]
    if given is None and not rest and options.get("wrap") is None:
        raise BadUsage("submit() was given nothing to run", hint='write submit("job.sh"), or submit(wrap="hostname")')
    with all_places.store.open() as db:
        if places.survey(db, lambda key, value: set_setting(db, key, value)).clusters:
            found = _submit_elsewhere(all_places, [*words, *_exported(variables), "--", *rest], given, db)
            if found is not None:
                return found
        jobs = _submit(all_places, words, rest, given, variables, db)
    all_places.store.wake()
    return _names(jobs)


def _from_template(name: Any, values: Any, script: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> str:
    """The script that `template` and `set` describe. Raises BadUsage and TemplateError."""
    if not isinstance(name, str | os.PathLike) or not isinstance(values or {}, Mapping):
        raise BadUsage(
            "template is a name, and set a mapping",
            hint='write submit(template="ray", set={"nodes": 2, "command": "ls"})',
        )
    if script is not None or arguments or options.get("wrap") is not None:
        raise BadUsage("a template makes the whole script", hint="give no script, no arguments, and no wrap with it")
    from mini_slurm import templating  # few jobs come from one

    name = os.fspath(name)
    if templating.load(name).header.on_login:
        hint = "run the script that mini_slurm.templating.render() gives with bash"
        raise BadUsage(f"the script of template {name} is no job: it submits jobs itself", hint=hint)
    return templating.render(name, values or {})


def _given(script: str | bytes) -> Script:
    data = os.fsencode(script) if isinstance(script, str) else script
    check_script(data)
    return Script(data, NAME)


def _submit(
    all_places: Places,
    words: list[str],
    rest: list[str],
    given: Script | None,
    variables: Mapping[str, str],
    db: sqlite3.Connection,
) -> list[Job]:
    """Submit to the fleet."""
    memory = all_places.memory
    own = {name: value for name, value in variables.items() if is_machine_own(name)}  # these travel by name alone
    words = [*words, *_exported(own)]
    settings, _ = parse(PROGRAM, words, (*OPTIONS, *OURS), permute=False)
    script = given or submission.read_script(settings, rest)
    line = submission.command_line(PROGRAM, [*words, *rest])
    made = batch.make(PROGRAM, [settings], script, rest if given else rest[1:], line, _log, variables, memory)
    made.admit(db, strict=True, memory=memory)
    if any(one.of.get(field) for one in made.values for field in STAGING):
        made.stage(all_places.store.state, lambda done, of: None)
    made.store(db)
    return made.jobs


def _exported(variables: Mapping[str, str]) -> list[str]:
    """--export for these variables and all others. Raises BadUsage for what it cannot hold."""
    for name, value in variables.items():
        if NOT_PLAIN.intersection(value):
            raise BadUsage(
                f"--export cannot hold a comma, a quote or a line's end: {name}", hint="set it in the script"
            )
    words = [f"{name}={value}" for name, value in variables.items()]
    return [f"--export={','.join(['ALL', *words])}"] if words else []


def _log(line: str) -> None:
    log.warning("%s", line.removeprefix(f"{PROGRAM}: ").removeprefix("error: "))


def _names(jobs: list[Job]) -> tuple[Target, list[Target]]:
    """What the job is called, and its tasks or parts."""
    from mini_slurm.model.arrays import tasks_of

    first = jobs[0]
    whole = Target(first.job_id)
    if len(jobs) > 1:
        return whole, [Target(first.job_id, part=number) for number in range(len(jobs))]
    if first.array_tasks is None:
        return whole, [whole]
    return whole, [Target(first.job_id, task) for task in tasks_of(first.array_tasks)]


def _submit_elsewhere(
    all_places: Places, words: list[str], given: Script | None, db: sqlite3.Connection
) -> tuple[Target, list[Target]] | None:
    """Submit to the cluster that is meant; None: the fleet is meant."""
    from mini_slurm.desk.foreign import submit as foreign
    from mini_slurm.model.arrays import tasks_of

    there = places.survey(db)
    request = foreign.Request(words, given)
    name = foreign.goal(PROGRAM, request.of, there, db)
    if name is None:
        return None
    place = all_places.place(name)
    done = foreign.submit(foreign.make_order(PROGRAM, words, request, place, _log), place)
    if done.job is None:
        said = (done.answer.err or done.answer.out).decode(errors="replace").strip().split("\n")
        raise Refused(*[line.removeprefix("sbatch: ").removeprefix("error: ") for line in said], hint=f"so says {name}")
    whole = Target(done.job.job_id, cluster=name)
    tasks = done.job.array_tasks
    return whole, [whole] if tasks is None else [whole._replace(task=task) for task in tasks_of(tasks)]
