"""msbatch: submit a batch script."""

from __future__ import annotations

import sys

from mini_slurm.cli import common, exits
from mini_slurm.desk import places, submission
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.options.collect import Values
from mini_slurm.options.grammar import Option
from mini_slurm.options.staging import STAGING
from mini_slurm.options.table import OPTIONS, OURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from mini_slurm.desk.batch import Batch

ABOUT = "Submit a batch script."
WORDS = "[SCRIPT [ARGUMENT...]]"


def main() -> None:
    """The console script."""
    common.leave(common.run("msbatch", exits.heeding(msbatch, options)))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, OPTIONS if common.is_slurms_name(program) else (*OPTIONS, *OURS))


def msbatch(program: str, arguments: list[str]) -> int:
    """Submit what the arguments describe; the exit status."""
    return _msbatch(program, arguments, submission.command_line(program, arguments))


def _msbatch(program: str, arguments: list[str], line: str) -> int:
    """The same; `line`: what was typed."""
    try:
        parts, words = common.parse_parts(program, arguments, options(program))
    except BadUsage:
        # a cluster may know options that we do not; its own words say what is wrong
        if (code := _elsewhere(program, arguments, *common.open_store())) is None:
            raise
        return code
    settings = common.take_first(program, "msbatch", parts)
    if settings is None:
        return 0
    if any(setting.option.field in ("set", "template") for part in settings for setting in part):
        from mini_slurm.cli.template_job import take

        rest = take(program, arguments, options(program), settings, words)
        return 0 if rest is None else _msbatch(program, rest, line)
    state, db = common.open_store()
    code = _elsewhere(program, arguments, state, db)
    if code is not None:
        return code
    from mini_slurm.desk import batch  # what goes to a cluster needs nothing of the scheduler's modules

    for part in settings:
        submission.check_command_line(program, part)
    script = submission.read_script([setting for part in settings for setting in part], words)
    made = batch.make(program, settings, script, words[1:], line, common.say)
    if made.values[0].of.get("test_only"):
        from mini_slurm.cli.test_only import test_only

        return max(test_only(program, job, one, db) for job, one in zip(made.jobs, made.values, strict=True))
    if made.values[0].of.get("verbose"):
        _chat(program, made)
    made.admit(db, strict=not common.is_slurms_name(program))
    _hint_at_options(program, words)
    if any(one.of.get(field) for one in made.values for field in STAGING):
        from mini_slurm.cli.staging import progress

        made.stage(state, progress())
    return _submit(program, made, state, db)


def _elsewhere(program: str, arguments: list[str], state: str, db: sqlite3.Connection) -> int | None:
    """Submit to a cluster, if one is meant: the exit status, else None."""
    from mini_slurm.store.database import set_setting

    if not places.survey(db, lambda key, value: set_setting(db, key, value)).clusters:
        places.check_variable(program, db)
        return None
    from mini_slurm.cli.foreign.submit import submit_elsewhere

    return submit_elsewhere(program, arguments, state, db)


def _chat(program: str, made: Batch) -> None:
    from mini_slurm.cli import defined

    for values in made.values:
        for line in defined.lines(values, OPTIONS):
            common.say(f"{program}: {line}")
    for line in defined.loaded() if made.values[0].was_said("verbose") else ():  # a variable is read too late for them
        common.say(f"{program}: {line}")


def _hint_at_options(program: str, words: list[str]) -> None:
    """What follows the script is the script's, which those who look at a terminal may not have meant."""
    if common.is_slurms_name(program) or not sys.stderr.isatty():
        return
    names = {f"--{option.long}" for option in OPTIONS} | {f"-{option.short}" for option in OPTIONS if option.short}
    odd = next((word for word in words[1:] if word.partition("=")[0] in names), None)
    if odd is not None:
        common.say(f"{program}: hint: {odd} is given to the script, as it follows it: options stand before the script")


def _submit(program: str, made: Batch, state: str, db: sqlite3.Connection) -> int:
    values, number = made.values[0], made.store(db)
    try:
        if not values.of.get("quiet"):
            common.tell(_answer(number, values, db))
    except Refused as error:
        raise Refused(f"batch job {number} is submitted, but {error}") from None
    finally:
        common.wake_controller(state)
    if values.of.get("wait"):
        from mini_slurm.cli.wait import wait_for

        return wait_for(number, state, db, _attended(program, made, db))
    return 0


def _attended(program: str, made: Batch, db: sqlite3.Connection) -> Callable[[Iterable[str]], None]:
    """What hears why the job waits, and tells somebody who waits too."""
    if made.jobs[0].stage is not None or made.values[0].of.get("quiet"):
        return _travels(made)
    from mini_slurm.cli.unreached import teller

    return teller(program, made.jobs[0], db)


def _travels(made: Batch) -> Callable[[Iterable[str]], None]:
    """What shows how far files of a job are, where it has some."""
    if all(job.stage is None for job in made.jobs):
        return lambda reasons: None
    from mini_slurm.cli.staging import travels

    return travels()


def _answer(number: int, values: Values, db: sqlite3.Connection) -> str:
    """The job's number; and the cluster's name when clusters were given to choose from."""
    cluster = common.fleet(db).name if values.of.get("clusters") else ""
    if values.of.get("parsable"):
        return f"{number};{cluster}\n" if cluster else f"{number}\n"
    return f"Submitted batch job {number}" + (f" on cluster {cluster}\n" if cluster else "\n")
