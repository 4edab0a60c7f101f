"""Files with names of machines, as --nodefile names one: several on a line, `node1*3` for three times the same."""

from __future__ import annotations

from mini_slurm.errors import BadOption, Refused
from mini_slurm.model.numbers import leading_number

MOST_TASKS = 65533  # of a job, as in Slurm
MOST_BYTES = 64 * 1024 * 1024


def read_hosts(path: str, count: int | None) -> str:
    """The names in a file, with commas between. Raises Refused, BadOption.

    `count`: of machines that the job wants, after which the rest is not read; 0: the file is that of --nodefile.
    """
    names: list[str] = []
    for number, line in enumerate(_text(path, count).split("\n"), start=1):
        line = line.partition("#")[0].strip()
        if line and not (line[0].isascii() and line[0].isalnum()):
            raise Refused(f"Invalid hostfile {path} contents on line {number}")
        for word in filter(None, line.split(",")):
            name, star, times = word.partition("*")
            repeated = leading_number(times)[0] if star else 1
            names += [name] * min(max(repeated, 1), MOST_TASKS)
        if count is not None and len(names) == count:
            break
    if not names and count == 0:
        raise BadOption("Hostlist is empty!", "Invalid --nodefile node file")
    if not names:
        raise Refused("Hostlist is empty!")
    if count is not None and len(names) < count:
        raise Refused("Too few NodeNames in Slurm Hostfile")
    return ",".join(names)


def _text(path: str, count: int | None) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES).decode(errors="surrogateescape")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file can have this name"
        line = f"slurm_allocate_resources error opening file {path}, {why}"
        if count == 0:
            raise BadOption(*filter(None, [path and line]), "Invalid --nodefile node file") from None
        raise Refused(line) from None
