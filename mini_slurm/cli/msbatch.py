"""msbatch: submit a batch script."""

from __future__ import annotations

from mini_slurm.cli import common, submission
from mini_slurm.errors import Refused
from mini_slurm.model.job import Job
from mini_slurm.options.collect import Values
from mini_slurm.options.grammar import Option, parse
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
    given, words = parse(program, arguments, options(program), permute=False)
    for setting in given:
        if setting.option.field in ("help", "usage", "version"):
            return _tell(program, setting.option.field)
        if setting.option is common.FLEET:
            common.use_fleet(setting.text or "")
    given = [setting for setting in given if setting.option is not common.FLEET]
    script = submission.read_script(given, words)
    values = submission.read_values(program, given, script)
    job = submission.describe(program, values, script, words[1:])
    state, db = common.open_store()
    if values.of.get("test_only"):
        from mini_slurm.cli.test_only import test_only

        return test_only(program, job, values, db)
    submission.admit(program, job, values, db)
    return _submit(program, job, script, values, state, db)


def _tell(program: str, what: str) -> int:
    if what == "version":
        print(common.version(program))
    else:
        from mini_slurm.cli import help

        help.show(program, "msbatch", short=what == "usage")
    return 0


def _submit(
    program: str, job: Job, script: submission.Script, values: Values, state: str, db: sqlite3.Connection
) -> int:
    from mini_slurm.store.database import submit

    for warning in values.warnings:
        common.say(f"{program}: {warning}")
    number = submit(db, job, script.data, submission.environment(job, values))
    try:
        if not values.of.get("quiet"):
            common.tell(f"{number}\n" if values.of.get("parsable") else f"Submitted batch job {number}\n")
    except Refused as error:
        raise Refused(f"batch job {number} is submitted, but {error}") from None
    finally:
        common.wake_controller(state)
    if values.of.get("wait"):
        from mini_slurm.cli.wait import wait_for

        return wait_for(number, state, db)
    return 0
