"""The agent as one file, and what is sent to a machine to reach it. Used by the controller; does not travel itself."""

import hashlib
import io
import json
import os
import zipfile
from typing import Iterator, Tuple

from mini_slurm.options.srun import rows, sattach_rows, sbatch_rows, sbcast_rows
from mini_slurm.protocol.messages import VERSION

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAIN = b"import sys\n\nfrom mini_slurm.agent.main import main\n\nsys.exit(main(sys.argv[1:]))\n"
PARTS = ("agent", "protocol", "steps")
# of the packages that stay: pure modules that srun on a machine needs too
ALSO = (
    *("__init__.py", "errors.py", "model/__init__.py", "model/export.py", "model/gres.py"),
    *("model/hostlist.py", "model/loose_hostlist.py", "model/numbers.py", "model/tuples.py", "model/units.py"),
    *("options/__init__.py", "options/grammar.py"),
)
STAYS = ("agent/archive.py", "agent/bootstrap.py", "agent/checkup.py")
ROWS = {
    "mini_slurm/steps/srun.rows": rows,
    "mini_slurm/steps/sbatch.rows": sbatch_rows,
    "mini_slurm/steps/sbcast.rows": sbcast_rows,
    "mini_slurm/steps/sattach.rows": sattach_rows,
}

# A constant: no shell that a login may have (sh, bash, csh, fish) reads anything into it, and any Python parses it.
COMMAND = """python3 -I -c "import sys;s=getattr(sys.stdin,'buffer',sys.stdin);exec(s.read(int(s.readline())))\""""

# Must be parsed by any Python, or an old one would answer with a traceback instead of this line.
CHECK = b"""\
v = sys.version_info
if v < (3, 8):
    sys.stdout.write('{"status": "error", "error": "python3 is Python %d.%d.%d there, and 3.8 or newer is needed", '
                     '"hint": "install one there, or put its folder first on PATH at the top of ~/.bashrc"}\\n' % v[:3])
    sys.stdout.flush()
    sys.exit(1)
exec(compile(s.read(int(s.readline())), 'bootstrap', 'exec'))
"""


def build_agent() -> Tuple[str, bytes]:
    """The archive's name, which holds a hash of the content, and its bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), MAIN)
        for inside in sources():
            with open(os.path.join(PACKAGE, inside), "rb") as file:
                archive.writestr(zipfile.ZipInfo("mini_slurm/" + inside), file.read())
        for inside, made in ROWS.items():
            archive.writestr(zipfile.ZipInfo(inside), made())
    data = buffer.getvalue()
    return f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz", data


def greeting(name: str, size: int, stager: bool = False) -> bytes:
    """What follows COMMAND on the channel: the version check, the bootstrap, and which agent is wanted.

    `stager`: it is not the agent that is wanted, but what brings files.
    """
    wanted = json.dumps({"name": name, "size": size, "version": VERSION, "stager": stager}).encode()
    return program("bootstrap.py") + wanted + b"\n"


def program(name: str) -> bytes:
    """What follows COMMAND to run a file of this package that stands alone: the version check, and the file."""
    with open(os.path.join(PACKAGE, "agent", name), "rb") as file:
        source = file.read()
    return b"%d\n%s%d\n%s" % (len(CHECK), CHECK, len(source), source)


def sources() -> Iterator[str]:
    """The files that travel, as paths within the package."""
    yield from ALSO
    for part in PARTS:
        for folder, folders, names in os.walk(os.path.join(PACKAGE, part)):
            folders.sort()
            for name in sorted(names):
                inside = os.path.relpath(os.path.join(folder, name), PACKAGE)
                if name.endswith(".py") and inside not in STAYS:
                    yield inside
