"""What the shells' scripts ask: `mini-slurm --complete SHELL ...` answers with a first line for the shell, then words.

The first line names what the shell itself has to complete (files, folders, commands) or is `nospace`, else it is empty;
every other line is a word, and in zsh and fish a tab and what it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from mini_slurm.cli import common
from mini_slurm.cli.admin.shims import SHIMS
from mini_slurm.cli.complete.engine import Answer, Candidate, complete
from mini_slurm.cli.complete.values import look
from mini_slurm.options.grammar import Option

ADMIN = "mini-slurm"
NOSPACE = "nospace"


def answer(arguments: Sequence[str]) -> int:
    """Answer one question; the exit status. bash gives its line and COMP_WORDBREAKS, the others give the words."""
    shell, *rest = arguments
    if shell == "bash":
        line, breaks = rest
        words, strip = split(line), _settled(split(line)[-1], breaks)
    else:
        words, strip = list(rest), 0
    found = _complete(words)
    told = [found.shells or NOSPACE * _goes_on(found.candidates)]
    for candidate in found.candidates:
        word = candidate.word[strip:]
        told.append(word if shell == "bash" or not candidate.meaning else f"{word}\t{candidate.meaning}")
    common.tell("".join(f"{line}\n" for line in told))
    return 0


def _complete(words: Sequence[str]) -> Answer:
    program = words[0].rpartition("/")[2]
    command = SHIMS.get(program, program)
    if command == ADMIN:
        return complete(command, _admin_options(words[1:]), words[1:], look)
    if command not in SHIMS.values() or len(words) < 2:
        return Answer()
    table: Sequence[Option] = import_module(f"mini_slurm.cli.{command}").options(program)
    return complete(command, table, words[1:], look)


def _admin_options(words: Sequence[str]) -> Sequence[Option]:
    """The options of mini-slurm, or of the subcommand that is named."""
    from mini_slurm.cli.manual import admin

    pages = {page.name: page for page in admin.pages()}
    named = next((pages[f"{ADMIN} {word}"] for word in words[:-1] if f"{ADMIN} {word}" in pages), pages[ADMIN])
    return named.options


def _goes_on(candidates: Sequence[Candidate]) -> bool:
    """Is there more to type after each of the words?"""
    return bool(candidates) and all(candidate.continues for candidate in candidates)


def split(line: str) -> list[str]:
    """A shell's line in words, the last of which may be unfinished; what is quoted stays together."""
    words, quote, escaped, inside = [""], "", False, False
    for letter in line:
        if escaped:
            words[-1] += letter
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = inside = True
        elif letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote, inside = letter, True
        elif not quote and letter in " \t\n":
            if words[-1] or inside:
                words.append("")
            inside = False
        else:
            words[-1] += letter
    return words


def _settled(word: str, breaks: str) -> int:
    """How much of the word bash leaves as it is: it completes what stands after the last of its break characters."""
    return max((word.rfind(letter) + 1 for letter in breaks if letter in "=:"), default=0)
