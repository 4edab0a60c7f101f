"""mstrigger: what strigger answers where there are no triggers."""

from __future__ import annotations

import os
import pwd
import stat

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage
from mini_slurm.model.numbers import leading_number
from mini_slurm.options import strigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.listings import Chosen

ABOUT = "Show triggers, of which a fleet has none."
WORDS = ""
PERMANENT = "perm"  # what a flag begins with
FARTHEST = 32000  # seconds of --offset
NO_OCCASION = """\
You must specify a trigger (--down, --up, --reconfig, --time, --fini, --burst_buffer,
--primary_slurmctld_failure,
--primary_slurmctld_resumed_operation,
--primary_slurmctld_resumed_control,
--primary_slurmctld_acct_buffer_full,
--backup_slurmctld_failure,
--backup_slurmctld_resumed_operation,
--backup_slurmctld_as_ctrl,
--primary_slurmdbd_failure,
--primary_slurmdbd_resumed_operation,
--primary_database_failure, or 
--primary_database_resumed_operation)
"""


def main() -> int:
    """The console script."""
    return listing.leave(common.run("mstrigger", mstrigger, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, strigger.OPTIONS)


def mstrigger(program: str, arguments: list[str]) -> int:
    """Check what is asked for as Slurm does, and say that there are no triggers; the exit status."""
    read = listing.read(program, arguments, options(program), "mstrigger")
    if read is None:
        return 0
    chosen = read[0]
    wrong = _odd_value(chosen) or _what_is_wrong(chosen)
    if wrong is not None:
        raise BadUsage(f"{program}: error: {wrong}", exit_code=1)
    if "clusters" in chosen:
        listing.check_cluster(program, chosen, listing.cluster_name(listing.open_to_read()))
    if "set" in chosen:
        hint = "a fleet has no triggers: a job with --dependency runs after another one"
        raise BadUsage("slurm_set_trigger: Access/permission denied", exit_code=1, hint=hint)
    if "clear" in chosen and "quiet" not in chosen:
        raise BadUsage("slurm_clear_trigger: No such process", exit_code=1)
    if "get" in chosen and "verbose" in chosen:
        common.say(f"{program}: Read 0 trigger records")
    return 0


def _odd_value(chosen: Chosen) -> str | None:
    """What cannot be what its option asks for."""
    number, flags, user = chosen.text("jobid"), chosen.text("flags"), chosen.text("user")
    if number is not None and leading_number(number)[0] <= 0:
        return f"Invalid jobid {number}"
    if flags is not None and not flags.lower().startswith(PERMANENT):
        return f"Invalid flags {flags}"
    return f"Invalid user {user}" if user is not None and not _is_user(user) else None


def _is_user(name: str) -> bool:
    try:
        return bool(name) and (name.isdigit() or bool(pwd.getpwnam(name)))
    except KeyError:
        return False


def _what_is_wrong(chosen: Chosen) -> str | None:
    """Why the options do not make sense together."""
    if sum(mode in chosen for mode in ("set", "get", "clear")) != 1:
        return "You must use exactly one of the following options: --set, --get or --clear"
    named = leading_number(chosen.text("id") or "")[0] or any(key in chosen for key in ("jobid", "user"))
    if "clear" in chosen and not named:
        return "You must specify a --id, --jobid, or --user to clear"
    if "set" in chosen and not any(name in chosen for name, _ in strigger.OCCASIONS):
        return NO_OCCASION
    program = chosen.text("program")
    if "set" in chosen and program is None:
        return "You must specify a --program value"
    if ("fini" in chosen or "time" in chosen) and "jobid" not in chosen:
        return "You must specify a --jobid value"
    odd = None if program is None else _what_is_wrong_with(program)
    if odd is None and abs(leading_number(chosen.text("offset") or "0")[0]) > FARTHEST:
        return f"The --offset parameter must be between +/-{FARTHEST}"
    return odd


def _what_is_wrong_with(program: str) -> str | None:
    if not program.startswith("/"):
        return 'The --program value must start with "/"'
    try:
        mode = os.stat(program.split()[0]).st_mode
    except OSError:
        return "Invalid --program value, file not found"
    return None if stat.S_ISREG(mode) else "Invalid --program value, not regular file"
