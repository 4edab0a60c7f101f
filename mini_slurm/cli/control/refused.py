"""Verbs for those who run Slurm's daemons: there are none of these here, and scontrol's own words say no.

Who types something wrong hears of that first, as from scontrol.
"""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

# verb -> what scontrol says when it may not; whoever looks after a fleet has mini-slurm for it
WORDS = {
    "abort": "slurm_shutdown error: Invalid user id",
    "cancel_reboot": "slurm_update error: Invalid user id",
    "fairsharedampeningfactor": "slurm_set_fs_dampeningfactor error: Permission denied",
    "fsdampeningfactor": "slurm_set_fs_dampeningfactor error: Permission denied",
    "schedloglevel": "slurm_set_schedlog_level error: Permission denied",
    "setdebug": "slurm_set_debug_level error: Permission denied",
    "setdebugflags": "slurm_set_debug_flags error: Permission denied",
    "shutdown": "slurm_shutdown error: Invalid user id",
}
# the names that a level may have besides its number; how many levels there are, and what an unknown one is called
DEBUG = ("quiet", "fatal", "error", "info", "verbose", "debug", "debug2", "debug3", "debug4", "debug5")
LEVELS = {"setdebug": (DEBUG, 9, "debug"), "schedloglevel": (("disable", "enable"), 1, "schedlog")}
# DebugFlags that slurm.conf(5) names, and those that Slurm takes besides
FLAGS = (
    " accrue agent backfill backfillmap burstbuffer cgroup cpu_bind cpufrequency data db_archive db_assoc db_event"
    " db_job db_qos db_query db_reservation db_resource db_step db_tres db_usage db_wckey dependency elasticsearch"
    " energy extsensors federation frontend gang gres hetjob interconnect jag jobaccountgather jobcontainer license mpi"
    " net netraw network networkraw no_conf_hash nodefeatures power powersave priority profile protocol reservation"
    " route script selecttype steps switch task timecray tracejobs trigger triggers workq workqueue "
)
REBOOT_STATES = ("DOWN", "RESUME")


def refuse(session: Session, verb: str, words: list[str]) -> None:
    """Say that the user may not do this."""
    session.fail(WORDS[_name(verb)])
    if verb.lower().startswith(("shutdown", "abort")):
        session.advise("mini-slurm stop ends the controller")


def _name(verb: str) -> str:
    return next(name for name in WORDS if name.startswith(verb.lower()))


def shutdown(session: Session, verb: str, words: list[str]) -> None:
    """End Slurm's daemons."""
    if words and words[0] not in ("slurmctld", "controller"):
        session.reject(f"invalid shutdown argument:{words[0]}")
    else:
        refuse(session, verb, words)


def level(session: Session, verb: str, words: list[str]) -> None:
    """How much the daemons' logs tell."""
    names, highest, what = LEVELS[_name(verb)]
    word = words[0]
    if word.lower() in names or (word.isascii() and word.isdigit() and int(word) <= highest):
        refuse(session, verb, words)
    else:
        session.fail(f"invalid {what} level: {word}")


def debug_flags(session: Session, verb: str, words: list[str]) -> None:
    """What else the daemons' logs tell."""
    unknown = next((flag for flag in words[0][1:].split(",") if f" {flag.lower()} " not in FLAGS), None)
    if words[0][:1] in ("+", "-") and unknown is None:
        refuse(session, verb, words)
    elif words[0][:1] in ("+", "-"):
        session.complain(f"Invalid DebugFlag: {unknown}")
        session.fail(f"invalid debug flag: {words[0]}")
    else:
        session.fail(f"invalid debug flag: {words[0]}")
        session.fail("Usage: setdebugflags [+|-]NAME")


def dampening(session: Session, verb: str, words: list[str]) -> None:
    """How fair share weighs."""
    if words[0].isascii() and words[0].isdigit() and int(words[0]) % 2**16:
        refuse(session, verb, words)
    elif not session.quiet:
        common.say(f"invalid dampening factor: {words[0]}")


def takeover(session: Session, verb: str, words: list[str]) -> None:
    """Let a second controller take over: there is one only, and the other has no address."""
    if not words:
        session.complain("slurm_get_port: Address family '0' not supported")
        session.complain("Error connecting, bad data: family = 0, port = 0")
        session.fail("slurm_takeover error: Unable to contact slurm controller (connect failure)")
        session.advise("there is one controller for each user, which each command starts again where it is lost")
        return
    index = words[0]
    number = int(index) if index.isascii() and index.isdigit() else 0
    session.reject(f"{verb}: invalid backup controller index ({number})")


def reboot(session: Session, verb: str, words: list[str]) -> None:
    """Restart machines: no program for that is known."""
    nodes = list(words)
    for word in words[:3]:
        name, equals, value = word.lower().partition("=")
        if name == "asap" or (equals and name in ("reason", "nextstate")):
            nodes.remove(word)
        if equals and name in ("reason", "nextstate") and not value:
            session.fail(f"missing {name.removeprefix('next')}")
            return
        if name == "nextstate" and not any(one.startswith(value.upper()) for one in REBOOT_STATES):
            session.fail(f"Invalid state: {word.partition('=')[2]}")
            session.fail("Valid states: DOWN, RESUME")
            return
    if len(nodes) > 1:
        session.reject(f"too many arguments for keyword:{verb}")
    elif not nodes:
        session.reject("Missing node list. Specify ALL|<NodeList>")
    else:
        session.complain("RebootProgram isn't defined")
        session.fail("scontrol_reboot_nodes error: Unspecified error")


def token(session: Session, verb: str, words: list[str]) -> None:
    """A key to Slurm's web interface, which there is not."""
    bad = [word for word in words if not word.lower().startswith(("lifespan=", "username="))]
    names = [word.partition("=")[2] for word in words if word.lower().startswith("username=")]
    if not bad and names[-1:] not in ([], [listing.user_name(os.getuid())]):
        session.complain("slurm_fetch_token: error with request: Invalid user id")
    session.reject(f"Invalid option: `{bad[0]}`" if bad else "Error fetching token")


def slurmd(session: Session, verb: str, words: list[str]) -> None:
    """The daemon of this machine, which there is not."""
    session.complain("slurm_slurmd_info: Connection refused")
    session.fail("slurm_load_slurmd_status: Connection refused")


def absent(session: Session, verb: str, words: list[str]) -> None:
    """What needs Slurm's daemons on the machines."""
    session.fail(f"{verb}: not available: the machines of a fleet run no slurmd")
