"""What all commands share: the name they were called by, errors and exit statuses, the store and the fleet."""

from __future__ import annotations

import atexit
import os
import sys

from mini_slurm.desk.state import FLEET as FLEET
from mini_slurm.desk.state import fleet as fleet
from mini_slurm.desk.state import open_store as open_store
from mini_slurm.desk.state import use_fleet as use_fleet
from mini_slurm.desk.state import wake_controller as wake_controller
from mini_slurm.errors import Answer, BadUsage, MiniSlurmError, NotThere, Refused, visible
from mini_slurm.options.grammar import Option, Setting, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

SLURMS_NAMES = frozenset(
    {
        *("sbatch", "squeue", "sinfo", "scancel", "sacct", "srun", "salloc", "scontrol", "sstat", "sprio", "sshare"),
        *("sacctmgr", "sdiag", "sreport", "sattach", "sbcast", "strigger", "scrontab"),
    }
)
INTERRUPTED = 130


def run(
    name: str, body: Callable[[str, list[str]], int], options: Callable[[str], tuple[Option, ...]] | None = None
) -> int:
    """Run a command: `body` gets the name it goes by and its arguments. The exit status, all errors printed.

    `options`: of a command that knows the fleet alone, to which a real Slurm is asked by its own.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _fill_streams()
    program = os.path.basename(sys.argv[0])
    if program not in SLURMS_NAMES:
        program = name
    try:
        if os.geteuid() == 0:
            from mini_slurm.config.paths import act_as_owner

            act_as_owner()
        try:
            code = _ask_slurm(program, name, sys.argv[1:], options(program)) if options else None
            return body(program, sys.argv[1:]) if code is None else code
        finally:
            tell("")
    except MiniSlurmError as error:
        _print_error(program, error)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        from mini_slurm.steps.start import end_by_pipe

        end_by_pipe()
    except Exception as error:
        if isinstance(error, FileNotFoundError) and (lost := _lost_folder()):
            _print_error(program, lost)
            return lost.exit_code
        if not _print_database_trouble(program, error):
            _print_bug(program, error)
        return 1


def _ask_slurm(program: str, name: str, arguments: list[str], table: tuple[Option, ...]) -> int | None:
    """Become the command of a real Slurm where one is meant; None: the fleet is. Raises MiniSlurmError."""
    from mini_slurm.config.paths import state_folder
    from mini_slurm.desk import places
    from mini_slurm.store import queries

    db = queries.open_to_read(state_folder(create=False))
    if places.only_fleet(db):
        return None
    from mini_slurm.cli.foreign.whole import ask

    return ask(program, name[1:], arguments, table, db)


def _lost_folder() -> MiniSlurmError | None:
    """What is to be said where the folder in which the command was called is gone."""
    from mini_slurm.steps.scripts import current_folder

    try:
        current_folder()
    except MiniSlurmError as error:
        return error
    return None


def _print_database_trouble(program: str, error: Exception) -> bool:
    """A question that the database could not answer: damaged, locked for long, or its disk is gone. Was it that?"""
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is None or not isinstance(error, sqlite3.Error):
        return False
    from mini_slurm.store.schema import state_error

    _print_error(program, state_error("the state folder's database", error))
    return True


def _fill_streams() -> None:
    """Standard streams that were closed lead nowhere; no file that is opened later may pass for one of them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def tell(text: str) -> None:
    """Bring this, and all output before it, out. Raises BrokenPipeError and Refused; then the output is dropped."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout.flush()
        if isinstance(error, BrokenPipeError):
            raise
        raise Refused(f"the output cannot be written: {error.strerror}") from None


def leave(code: int) -> NoReturn:
    """End the process now: to take the interpreter down in good order costs a fifth of a command's time.

    Nothing is lost by it: what was written to the database is on disk, and the output is flushed.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - contextlib is slow to import
            stream.flush()
        except OSError:
            pass  # nobody reads it
    os._exit(code)


def leave_to_cluster(program: str, command: str, arguments: list[str], table: tuple[Option, ...]) -> None:
    """Become the command of a cluster where one is meant; come back for the fleet. Raises MiniSlurmError."""
    from mini_slurm.desk import places

    if arguments[:1] in (["--help"], ["-h"], ["--usage"], ["--version"], ["-V"]):
        return
    state, db = open_store()
    if places.only_fleet(db):
        places.check_variable(program, db)
        return
    from mini_slurm.cli.foreign.front import become

    become(program, command, arguments, table, state, db)


def with_ours(program: str, table: tuple[Option, ...], ours: tuple[Option, ...] = ()) -> tuple[Option, ...]:
    """A command's options under this name: those of ours that Slurm has not are not taken under Slurm's names."""
    return table if is_slurms_name(program) else (*table, *ours, FLEET)


def parse_parts(program: str, arguments: list[str], table: tuple[Option, ...]) -> tuple[list[list[Setting]], list[str]]:
    """The options of each part of a job, which colons keep apart, and the words after them. Raises BadUsage."""
    parts, words = [], [":", *arguments]
    while words[:1] == [":"]:
        given, words = parse(program, words[1:], table, permute=False)
        parts.append(given)
    return parts, words


def take_first(program: str, command: str, parts: list[list[Setting]]) -> list[list[Setting]] | None:
    """What counts before all else: help and version are shown (None then), the fleet file is taken; all other settings.

    `command` is our name for what is called. Raises FleetError.
    """
    for setting in [setting for part in parts for setting in part]:
        if setting.option.field in ("help", "usage", "version"):
            _tell(program, command, setting.option.field)
            return None
        if setting.option is FLEET:
            use_fleet(setting.text or "")
    return [[setting for setting in part if setting.option is not FLEET] for part in parts]


def _tell(program: str, command: str, what: str) -> None:
    if what == "version":
        print(version(program))
    else:
        from mini_slurm.cli import help

        help.show(program, command, short=what == "usage")


def is_slurms_name(program: str) -> bool:
    """Was the command called by its name in Slurm? Then it says nothing that Slurm would not say."""
    return program in SLURMS_NAMES


def version(program: str) -> str:
    """What --version prints."""
    if is_slurms_name(program):
        from mini_slurm.output.values import SLURM_VERSION

        return f"slurm-wlm {SLURM_VERSION}"
    from mini_slurm import __version__

    return f"mini_slurm {__version__}"


def each_place(program: str, names: list[str], show: Callable[[int, str], int]) -> int:
    """Show one place after the other; the worst exit status. Raises MiniSlurmError.

    One of several that cannot be shown is told of, as squeue does, and the others are shown all the same.
    """
    code = 0
    for number, name in enumerate(names):
        try:
            code = max(code, show(number, name))
        except MiniSlurmError as error:
            if len(names) == 1 or (isinstance(error, BadUsage) and not isinstance(error, NotThere)):
                raise
            tell("")
            _print_error(program, error)
            code = max(code, error.exit_code)
    return code


def _print_error(program: str, error: MiniSlurmError) -> None:
    if isinstance(error, Answer):
        sys.stdout.write("".join(f"{line}\n" for line in error.lines))
        return
    for text in error.lines:
        for line in text.split("\n"):
            say(line if isinstance(error, BadUsage) else f"{program}: {error.word}: {line}")
    if error.remark:
        say(f"{program}: {error.remark}")
    if error.hint and not is_slurms_name(program):
        say(f"{program}: hint: {error.hint}")


def echo(out: bytes, err: bytes) -> None:
    """Print what another program printed, as it came."""
    tell("")
    sys.stdout.buffer.write(out)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(err)
    sys.stderr.flush()


def say(line: str) -> None:
    """Print a line on standard error, control characters made visible."""
    try:  # noqa: SIM105 - contextlib is slow to import
        sys.stderr.write(visible(line) + "\n")
    except OSError:
        pass  # nobody reads it


def _print_bug(program: str, error: Exception) -> None:
    """A fault of ours: the details go into a file that the user can send us."""
    what = f"{type(error).__name__}: {error}".split("\n")[0]
    try:
        place = f"the details are in {_write_report(program)}"
    except (OSError, MiniSlurmError):
        place = "and the state folder could not take a report of it"
    say(f"{program}: error: this is a fault of mini_slurm ({what}); {place}")


def _write_report(program: str) -> str:
    import time
    import traceback

    from mini_slurm.config.paths import state_folder

    path = os.path.join(state_folder(), f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{version('')}\nPython {sys.version}\n{program} {sys.argv[1:]!r}\n\n{traceback.format_exc()}")
    return path
