"""`mini-slurm shims DIR`: Slurm's names for the commands."""

from __future__ import annotations

import os
import sys
import sysconfig

from mini_slurm.errors import Refused

SHIMS = {
    "sbatch": "msbatch",
    "squeue": "msqueue",
    "sinfo": "msinfo",
    "scancel": "mscancel",
    "sacct": "msacct",
    "scontrol": "mscontrol",
    "sacctmgr": "msacctmgr",
    "sshare": "msshare",
    "sprio": "msprio",
    "sreport": "msreport",
    "strigger": "mstrigger",
    "sbcast": "msbcast",
    "sstat": "msstat",
    "sdiag": "msdiag",
    "srun": "msrun",
    "salloc": "msalloc",
    "sattach": "msattach",
}


def make_shims(folder: str) -> None:
    """Make the links; nothing is made where one name is taken by something else. Raises Refused."""
    folder = os.path.abspath(folder)
    programs = {name: os.path.join(_programs(), command) for name, command in SHIMS.items()}
    try:
        os.makedirs(folder, exist_ok=True)
        _refuse_strangers(folder)
        for name, program in programs.items():
            _link(program, os.path.join(folder, name))
    except OSError as error:
        raise Refused(f"cannot make links in {folder}: {error.strerror}") from error
    print(f"{' '.join(SHIMS)} are in {folder}. To use them: export PATH={folder}:$PATH")


def _programs() -> str:
    """The folder of our own commands: that of this one, or where pip puts them."""
    for folder in (os.path.dirname(os.path.realpath(sys.argv[0])), sysconfig.get_path("scripts")):
        if all(os.path.exists(os.path.join(folder, command)) for command in SHIMS.values()):
            return folder
    raise Refused("msbatch and the other commands are not installed", hint="pip install mini-slurm, then try again")


def _refuse_strangers(folder: str) -> None:
    """A real sbatch must never be replaced."""
    taken = [name for name in SHIMS if not _is_ours_or_free(os.path.join(folder, name), SHIMS[name])]
    if taken:
        raise Refused(
            *(f"{os.path.join(folder, name)} exists and is no link to {SHIMS[name]}" for name in taken),
            hint="name another folder",
        )


def _is_ours_or_free(path: str, command: str) -> bool:
    if os.path.islink(path):
        return os.path.basename(os.readlink(path)) == command
    return not os.path.exists(path)


def _link(program: str, path: str) -> None:
    """In one step: a job that starts meanwhile finds the old link or the new one."""
    draft = f"{path}.{os.getpid()}"
    os.symlink(program, draft)
    os.replace(draft, path)
