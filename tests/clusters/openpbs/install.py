"""The stand-in under the names of PBS's commands, in a folder of its own."""

# mypy: ignore-errors

import shutil
import sys
from pathlib import Path

COMMANDS = (
    "qsub", "qstat", "qdel", "qhold", "qrls", "qalter", "qsig", "qrerun", "qselect", "pbsnodes", "pbsdsh", "pbs_tmrsh",
    "qmgr",
)  # fmt: skip
PROGRAM = """\
#!{python} -IS
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {library!r})
from openpbs.main import main
sys.exit(main({command!r}, sys.argv[1:]))
"""


def install(folder: Path, python: str = sys.executable) -> Path:
    """The folder, with the programs and what they need."""
    library = folder / ".lib"
    library.mkdir(parents=True)
    shutil.copytree(Path(__file__).parent, library / "openpbs", ignore=shutil.ignore_patterns("__pycache__"))
    for command in COMMANDS:
        (folder / command).write_text(PROGRAM.format(python=python, library=str(library), command=command))
        (folder / command).chmod(0o755)
    return folder
