"""srun --multi-prog: a file that says which tasks run which program. Pure but for reading it."""

from __future__ import annotations

from mini_slurm.errors import Refused


def read(path: str, tasks: int, *, is_fixed: bool) -> list[list[str]]:
    """The program of each task. Raises Refused."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except IsADirectoryError:
        raise Refused(f"Error reading multi_prog config file {path}") from None
    except OSError:
        raise Refused(f"Could not open multi_prog config file {path}") from None
    return parse(text, path, tasks, is_fixed=is_fixed)


def parse(text: str, path: str, tasks: int, *, is_fixed: bool = True) -> list[list[str]]:
    """The program of each task. A line has ranks (`0`, `1-2`, `4,6`, `*`), a program, and its words. Raises Refused.

    A number of tasks that is not fixed grows, once, with the first line that names more.
    """
    programs: dict[int, list[str]] = {}
    is_rest_named = False
    for number, line in _lines(text):
        ranks, *command = line.split(None, 1)
        try:
            found = _ranks(ranks, tasks)
            if not command:
                raise ValueError
            if is_rest_named and ranks != "*":
                raise ValueError("Task range specification with asterisk must be last")
            is_rest_named |= ranks == "*"
            if max(found) >= tasks and not is_fixed:
                tasks, is_fixed = max(found) + 1, True
            _check_ranks(found, tasks, programs, is_rest=ranks == "*")
        except ValueError as error:
            raise Refused(*error.args, f"Line {number} of configuration file {path} invalid") from None
        for offset, rank in enumerate(found):
            programs.setdefault(rank, words(command[0], rank, offset))
    for task in range(tasks):
        if task not in programs:
            raise Refused(f"Configuration file {path} invalid, no record for task id {task}")
    return [programs[task] for task in range(tasks)]


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers; a backslash at the end joins one with the next."""
    found: list[tuple[int, str]] = []
    is_joined = False
    for number, line in enumerate(text.split("\n"), start=1):
        is_open = line.endswith("\\")
        bare = line[:-1] if is_open else line
        if is_joined:
            found[-1] = (found[-1][0], found[-1][1] + bare)
        else:
            found.append((number, bare))
        is_joined = is_open
    stripped = [(number, line.strip()) for number, line in found]
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def _ranks(text: str, tasks: int) -> list[int]:
    """Raises ValueError."""
    if text == "*":
        return list(range(tasks))
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit():
            raise ValueError(f"Invalid task range specification ({part})")
        if dash and not last.isdigit():
            raise ValueError("Invalid task range specification")
        if int(last or first) < int(first):
            raise ValueError(f"Invalid task range, {int(first)}-{int(last)}")
        found += range(int(first), int(last or first) + 1)
    return found


def _check_ranks(found: list[int], tasks: int, programs: dict[int, list[str]], *, is_rest: bool) -> None:
    """Raises ValueError."""
    if max(found) >= tasks:
        raise ValueError(f"Invalid task id, {max(found)} >= ntasks")
    seen = set() if is_rest else set(programs)
    for rank in found:
        if rank in seen:
            raise ValueError(f"Duplicate record for task {rank}")
        seen.add(rank)


def words(text: str, task: int, offset: int) -> list[str]:
    """The words of a task's command, as Slurm's machines read them.

    Single quotes keep all between them, a backslash the letter after it; `%t` is the task, `%o` its place among the
    ranks of the line, and any other letter goes with its percent sign. Double quotes are letters.
    """
    numbers = {"t": str(task), "o": str(offset)}
    found: list[str] = []
    word: str | None = None
    quoted = False
    letters = iter(text)
    for letter in letters:
        if letter == "'":
            quoted, word = not quoted, word or ""
        elif quoted:
            word = (word or "") + letter
        elif letter == "\\":
            word = (word or "") + next(letters, "")
        elif letter == "%":
            word = (word or "") + numbers.get(next(letters, ""), "")
        elif not letter.isspace():
            word = (word or "") + letter
        elif word is not None:
            found.append(word)
            word = None
    return found if word is None else [*found, word]
