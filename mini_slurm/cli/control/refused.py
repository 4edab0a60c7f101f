"""Verbs for those who run Slurm's daemons: there are none of these here, and scontrol's own words say no."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

# verb -> what scontrol says when it may not; whoever looks after a fleet has mini-slurm for it
WORDS = {
    "abort": "slurm_shutdown error",
    "cancel_reboot": "slurm_update error",
    "fairsharedampeningfactor": "slurm_set_fs_dampeningfactor error",
    "fsdampeningfactor": "slurm_set_fs_dampeningfactor error",
    "reboot_nodes": "scontrol_reboot_nodes error",
    "schedloglevel": "slurm_set_schedlog_level error",
    "setdebug": "slurm_set_debug_level error",
    "setdebugflags": "slurm_set_debug_flags error",
    "shutdown": "slurm_shutdown error",
    "takeover": "slurm_takeover error",
}


def refuse(session: Session, verb: str, words: list[str]) -> None:
    """Say that the user may not do this."""
    name = next(name for name in WORDS if name.startswith(verb.lower()))
    session.fail(f"{WORDS[name]}: Invalid user id")
    if verb.lower().startswith(("shutdown", "abort")):
        session.advise("mini-slurm stop ends the controller")


def absent(session: Session, verb: str, words: list[str]) -> None:
    """What needs Slurm's daemons on the machines."""
    session.fail(f"{verb}: not available: the machines of a fleet run no slurmd")
