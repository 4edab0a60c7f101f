"""The stand-in under the names of PBS's commands, in a folder of its own."""

# mypy: ignore-errors

import shutil
import sys
from pathlib import Path

COMMANDS = (
    "qsub", "qstat", "qdel", "qhold", "qrls", "qalter", "qsig", "qrerun", "qselect", "pbsnodes", "pbsdsh", "pbs_tmrsh",
    "qmgr",
)  # fmt: skip
OF_TORQUE = (*(name for name in COMMANDS if name not in ("pbs_tmrsh", "qselect", "qmgr")), "pbs-config")
PROGRAM = """\
#!{python} -IS
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {library!r})
from openpbs.{module} import main
sys.exit(main({command!r}, sys.argv[1:]))
"""


def install(folder: Path, python: str = sys.executable, *, torque: bool = False) -> Path:
    """The folder, with the programs and what they need; those of Torque have their nodes in $STAND_IN_TORQUE."""
    module, commands = ("torque", OF_TORQUE) if torque else ("main", COMMANDS)
    library = folder / ".lib"
    library.mkdir(parents=True)
    shutil.copytree(Path(__file__).parent, library / "openpbs", ignore=shutil.ignore_patterns("__pycache__"))
    values = {"python": python, "library": str(library), "module": module}
    for command in commands:
        (folder / command).write_text(PROGRAM.format(command=command, **values))
        (folder / command).chmod(0o755)
    return folder
