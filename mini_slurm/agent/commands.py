"""Slurm's commands in jobs: a folder of the spool, first on a job's PATH, has those that ask the agent."""

import os
import shutil
import sys
import zipfile
from contextlib import suppress
from typing import Dict, Optional

from mini_slurm.agent.log import log
from mini_slurm.agent.script import DEFAULT_PATH

PREFIX = "commands-"
MESSAGES = "mini_slurm/protocol/messages.py"
OWN = ("sattach", "sbcast", "scontrol", "srun")  # each has a module of its name
ERRANDS = ("sacct", "sacctmgr", "sbatch", "scancel", "sdiag", "sinfo", "sprio", "squeue", "sreport", "sshare", "sstat")
AGENT = "MINI_SLURM_AGENT"  # tells srun where its agent is
SCRIPT = """#!{python} -IS
import sys
sys.path.insert(0, {library!r})
from mini_slurm.steps.start import run
run({module!r}, {name!r})
"""


def is_agents(name: str) -> bool:
    """Is this file of the archive one that only the agent itself needs?"""
    return name.startswith("mini_slurm/agent/") or name in ("mini_slurm/protocol/framing.py", MESSAGES)


class Commands:
    """The commands of this agent's version."""

    def __init__(self, spool: str, archive: str) -> None:
        self._spool = spool
        self._archive = archive
        self.folder: Optional[str] = None

    def install(self) -> None:
        """Unpack them, unless they are there; those of agents that are gone stay until nothing runs here."""
        name = PREFIX + os.path.basename(self._archive)[: -len(".pyz")]
        place = os.path.join(self._spool, name)
        draft = f"{place}.{os.getpid()}"
        try:
            if not os.path.isdir(place):
                self._unpack(draft, place)
            self.folder = os.path.join(place, "bin")
        except (OSError, zipfile.BadZipFile) as error:
            log(f"jobs have no srun: {error}")
            shutil.rmtree(draft, ignore_errors=True)

    def tidy(self) -> None:
        """Remove those of other agents: nothing runs that could use them."""
        mine = os.path.basename(os.path.dirname(self.folder or ""))
        for name in os.listdir(self._spool):
            if name.startswith(PREFIX) and name != mine:
                shutil.rmtree(os.path.join(self._spool, name), ignore_errors=True)

    def _unpack(self, draft: str, place: str) -> None:
        library = os.path.join(place, "lib")
        with zipfile.ZipFile(self._archive) as archive:
            needed = [name for name in archive.namelist() if name.startswith("mini_slurm/") and not is_agents(name)]
            archive.extractall(os.path.join(draft, "lib"), needed)
        os.mkdir(os.path.join(draft, "bin"), 0o700)
        for name in (*OWN, *ERRANDS):
            path = os.path.join(draft, "bin", name)
            module = name if name in OWN else "errand"
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w") as file:
                file.write(SCRIPT.format(python=sys.executable, library=library, module=module, name=name))
        with suppress(FileExistsError):
            os.rename(draft, place)

    def variables(self, environment: Dict[str, str]) -> Dict[str, str]:
        """What a job's environment needs, so that it finds them and they find the agent."""
        if self.folder is None:
            return {}
        return {"PATH": f"{self.folder}:{environment.get('PATH', DEFAULT_PATH)}", AGENT: self._spool}

    def moved(self, environment: Dict[str, str]) -> Dict[str, str]:
        """The environment of a job's process on another machine, where it is to find the ones of this machine."""
        theirs = environment.get(AGENT)
        if theirs is None:
            return environment
        start = os.path.join(theirs, PREFIX)
        folders = environment.get("PATH", DEFAULT_PATH).split(":")
        rest = ":".join(folder for folder in folders if not folder.startswith(start))
        return {**environment, **self.variables({"PATH": rest})}
