"""From the words of a command line, up to the cursor, to what could stand there. Reads no file: `look` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from mini_slurm.cli.complete import kinds
from mini_slurm.options.grammar import Option

Look = Callable[[str], Iterable[tuple[str, str]]]  # a kind's values, and what each means


class Candidate(NamedTuple):
    """One word that could stand there, whole; more follows it at once when it `continues`."""

    word: str
    meaning: str = ""
    continues: bool = False


class Answer(NamedTuple):
    """Words, or what the shell is to complete after `prefix`: files, folders or commands."""

    candidates: Sequence[Candidate] = ()
    shells: str = ""
    prefix: str = ""


class _Place(NamedTuple):
    """Where the cursor is: the option whose value is expected, and the words that are no options."""

    option: Option | None
    words: list[str]
    options_over: bool


def complete(command: str, table: Sequence[Option], words: Sequence[str], look: Look) -> Answer:
    """`words` are those after the command's name; the last is the one that is being typed, "" where none is begun."""
    *before, word = words
    place = _walk(before, table, command in kinds.ENDS_OPTIONS)
    if place.option is not None:
        return _value(kinds.of(command, place.option), "", word, look)
    if not place.options_over and word.startswith("-"):
        return _option(command, table, word, look)
    return _word(command, place.words, word, look)


def _walk(words: Sequence[str], table: Sequence[Option], first_word_ends: bool) -> _Place:
    """Go through the words as the command would; what it would refuse is passed over."""
    others: list[str] = []
    expecting: Option | None = None
    for word in words:
        if expecting is not None:
            expecting = None
        elif word == "--":
            return _Place(None, others, True)
        elif word.startswith("-") and word != "-":
            expecting = _expecting(word, table)
        else:
            others.append(word)
            if first_word_ends:
                return _Place(None, others, True)
    return _Place(expecting, others, False)


def _expecting(word: str, table: Sequence[Option]) -> Option | None:
    """The option of this word whose value is the next word, if any."""
    if word.startswith("--"):
        found = _by_name(word[2:], table)
        return found if found and found.value == "required" else None
    for index, letter in enumerate(word[1:], start=2):
        option = _by_letter(letter, table)
        if option is None or option.value == "optional":
            return None
        if option.value == "required":
            return option if index == len(word) else None
    return None


def _by_name(name: str, table: Sequence[Option]) -> Option | None:
    """The option of this name, or of which it is the unique beginning."""
    found = [option for option in table if any(long.startswith(name) for long in (option.long, *option.aliases))]
    exact = [option for option in found if name in (option.long, *option.aliases)]
    return exact[0] if exact else found[0] if len(found) == 1 else None


def _by_letter(letter: str, table: Sequence[Option]) -> Option | None:
    return next((option for option in table if option.short == letter), None)


def _option(command: str, table: Sequence[Option], word: str, look: Look) -> Answer:
    """An option's name, or the value that is glued to it."""
    name, equals, value = word.partition("=")
    if word.startswith("--") and equals:
        option = _by_name(name[2:], table)
        return _value(kinds.of(command, option), name + equals, value, look) if option else Answer()
    option = _by_letter(word[1:2], table)
    if option and len(word) > 2 and not word.startswith("--") and option.value != "none":
        return _value(kinds.of(command, option), word[:2], word[2:], look)
    return Answer([found for found in _names(table) if found.word.startswith(word)])


def _names(table: Sequence[Option]) -> Iterator[Candidate]:
    for option in table:
        required = option.value == "required"
        if option.long:
            yield Candidate(f"--{option.long}" + "=" * required, option.help, required)
    for option in table:
        if option.short:
            yield Candidate(f"-{option.short}", option.help)


def _value(kind: str, prefix: str, typed: str, look: Look) -> Answer:
    """The values of a kind, after what of the word is settled already."""
    if kind in kinds.SHELLS_OWN:
        return Answer(shells=kind, prefix=prefix)
    head, last = _split_list(kind, typed)
    if kind == "dependencies":
        found = _dependencies(head, look)
    elif "|" in kind:
        found = [Candidate(word) for word in kind.split("|")]
    else:
        found = [Candidate(word, meaning) for word, meaning in (look(kind) if kind else ())]
    # Case does not matter in states and columns, so it does not either where somebody begins to type one.
    fitting = [one for one in found if one.word.lower().startswith(last.lower())]
    return Answer([Candidate(prefix + head + one.word, one.meaning, one.continues) for one in fitting])


def _split_list(kind: str, typed: str) -> tuple[str, str]:
    """What is settled of a list, and its last part."""
    separators = ",:?" if kind == "dependencies" else "," if kind in kinds.LISTS else ""
    cut = max((typed.rfind(separator) + 1 for separator in separators), default=0)
    return typed[:cut], typed[cut:]


def _dependencies(head: str, look: Look) -> list[Candidate]:
    if head.endswith(":"):
        return [Candidate(word, meaning) for word, meaning in look("all_jobs")]
    return [Candidate(word, "", word.endswith(":")) for word in kinds.DEPENDENCIES]


def _word(command: str, before: Sequence[str], word: str, look: Look) -> Answer:
    """A word that is no option."""
    kind = kinds.WORDS.get(command, "")
    if before and command in kinds.ENDS_OPTIONS:
        kind = kinds.FILES  # the arguments of a script or a program
    if kind == "control":
        return _control(before, word, look)
    taken = set(before)
    answer = _value(kind, "", word, look)
    return answer._replace(candidates=[one for one in answer.candidates if one.word not in taken])


def _control(before: Sequence[str], word: str, look: Look) -> Answer:
    """A verb of mscontrol, or what follows it."""
    if not before:
        return _value("verbs", "", word, look)
    kind = kinds.CONTROL.get(before[0].lower(), "")
    if kind == "entities" and len(before) > 1:
        kind = next((found for name, found in kinds.ENTITIES.items() if before[1].lower().startswith(name)), "")
    if kind != "specifications":
        return _value(kind, "", word, look)
    name, equals, value = word.partition("=")
    if not equals:
        found = [Candidate(one, "", True) for one in kinds.SPECIFICATIONS]
        return Answer([one for one in found if one.word.lower().startswith(name.lower())])
    known = {one.lower(): found for one, found in kinds.SPECIFICATIONS.items()}
    return _value(known.get(f"{name.lower()}=", ""), name + equals, value, look)
