"""srun --multi-prog: a file that says which tasks run which program. Pure but for reading it."""

from __future__ import annotations

from mini_slurm.errors import Refused


def read(path: str, tasks: int) -> list[list[str]]:
    """The program of each task. Raises Refused."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError as error:
        raise Refused(f"Unable to open configuration file {path}: {error.strerror}") from None
    return parse(text, path, tasks)


def parse(text: str, path: str, tasks: int) -> list[list[str]]:
    """The program of each task. A line has ranks (`0`, `1-2`, `4,6`, `*`), a program, and its words. Raises Refused."""
    programs: dict[int, list[str]] = {}
    for line in _lines(text):
        ranks, *words = split(line)
        numbers = _ranks(ranks, tasks, path, line)
        if not words:
            raise Refused(f'Configuration file {path} invalid, line "{line}" has no program')
        for offset, rank in enumerate(numbers):
            programs.setdefault(rank, [_fill(word, rank, offset) for word in words])
    for task in range(tasks):
        if task not in programs:
            raise Refused(f"Configuration file {path} invalid, no record for task id {task}")
    return [programs[task] for task in range(tasks)]


def _lines(text: str) -> list[str]:
    """Lines that say something; a backslash at the end joins one with the next."""
    lines = text.replace("\\\n", " ").split("\n")
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def _ranks(text: str, tasks: int, path: str, line: str) -> list[int]:
    if text == "*":
        return list(range(tasks))
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise Refused(f'Configuration file {path} invalid, bad task range in "{line}"')
        found += range(int(first), int(last if dash else first) + 1)
    return found


def _fill(word: str, task: int, offset: int) -> str:
    return word.replace("%t", str(task)).replace("%o", str(offset))


def split(line: str) -> list[str]:
    """The words of a line; quotes of both kinds keep blanks, a backslash the letter after it."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    escaped = False
    for letter in line:
        if escaped:
            word, escaped = (word or "") + letter, False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, (word or "") + letter)
        elif letter in "'\"":
            quote, word = letter, word or ""
        elif letter.isspace():
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + letter
    return words if word is None else [*words, word]
