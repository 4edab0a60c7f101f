"""msbatch: submit a batch script."""

from __future__ import annotations

import sys

from mini_slurm.cli import admit, common, places, submission
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.model.job import Job
from mini_slurm.options.collect import Values
from mini_slurm.options.grammar import Option, parse
from mini_slurm.options.script import NO_HETEROGENEOUS
from mini_slurm.options.table import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

ABOUT = "Submit a batch script."
WORDS = "[SCRIPT [ARGUMENT...]]"


def main() -> None:
    """The console script."""
    common.leave(common.run("msbatch", msbatch))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, OPTIONS)


def msbatch(program: str, arguments: list[str]) -> int:
    """Submit what the arguments describe; the exit status."""
    try:
        given, words = parse(program, arguments, options(program), permute=False)
    except BadUsage:
        # a cluster may know options that we do not; its own words say what is wrong
        code = _elsewhere(program, arguments, *common.open_store())
        if code is None:
            raise
        return code
    for setting in given:
        if setting.option.field in ("help", "usage", "version"):
            return _tell(program, setting.option.field)
        if setting.option is common.FLEET:
            common.use_fleet(setting.text or "")
    state, db = common.open_store()
    code = _elsewhere(program, arguments, state, db)
    if code is not None:
        return code
    if ":" in words:
        raise Refused(NO_HETEROGENEOUS)
    given = [setting for setting in given if setting.option is not common.FLEET]
    script = submission.read_script(given, words)
    values = submission.read_values(program, given, script)
    script.data = admit.splice(script, values)
    job = submission.describe(values, script, words[1:])
    job.submit_line = submission.command_line(program, arguments)
    environment = admit.environment(job, values)
    if values.of.get("test_only"):
        from mini_slurm.cli.test_only import test_only

        return test_only(program, job, values, db)
    admit.admit(program, job, values, db)
    _hint_at_options(program, words)
    return _submit(job, script.data, environment, values, state, db)


def _elsewhere(program: str, arguments: list[str], state: str, db: sqlite3.Connection) -> int | None:
    """Submit to a cluster, if one is meant: the exit status, else None."""
    if not places.survey(db).clusters:
        return None
    from mini_slurm.cli.foreign.submit import submit_elsewhere

    return submit_elsewhere(program, arguments, state, db)


def _tell(program: str, what: str) -> int:
    if what == "version":
        print(common.version(program))
    else:
        from mini_slurm.cli import help

        help.show(program, "msbatch", short=what == "usage")
    return 0


def _hint_at_options(program: str, words: list[str]) -> None:
    """What follows the script is the script's, which those who look at a terminal may not have meant."""
    if common.is_slurms_name(program) or not sys.stderr.isatty():
        return
    names = {f"--{option.long}" for option in OPTIONS} | {f"-{option.short}" for option in OPTIONS if option.short}
    odd = next((word for word in words[1:] if word.partition("=")[0] in names), None)
    if odd is not None:
        common.say(f"{program}: hint: {odd} is given to the script, as it follows it: options stand before the script")


def _submit(job: Job, script: bytes, environment: bytes, values: Values, state: str, db: sqlite3.Connection) -> int:
    from mini_slurm.store.database import submit

    number = submit(db, job, script, environment)
    try:
        if not values.of.get("quiet"):
            common.tell(_answer(number, values, db))
    except Refused as error:
        raise Refused(f"batch job {number} is submitted, but {error}") from None
    finally:
        common.wake_controller(state)
    if values.of.get("wait"):
        from mini_slurm.cli.wait import wait_for

        return wait_for(number, state, db)
    return 0


def _answer(number: int, values: Values, db: sqlite3.Connection) -> str:
    """The job's number; and the cluster's name when clusters were given to choose from."""
    cluster = common.fleet(db).name if values.of.get("clusters") else ""
    if values.of.get("parsable"):
        return f"{number};{cluster}\n" if cluster else f"{number}\n"
    return f"Submitted batch job {number}" + (f" on cluster {cluster}\n" if cluster else "\n")
