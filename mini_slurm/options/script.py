"""A batch script: what must be true of its bytes, and its #SBATCH lines."""

from __future__ import annotations

from contextlib import suppress

from mini_slurm.errors import BadOption, Fatal, MiniSlurmError, Refused
from mini_slurm.model.numbers import SPACE
from mini_slurm.model.units import LARGEST_SCRIPT
from mini_slurm.options.grammar import Option, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mini_slurm.options.grammar import Setting

DIRECTIVE, OLD_DIRECTIVE = "#SBATCH", "#SLURM"
OLD_WORDS = "Change from #SLURM to #SBATCH in your script and verify the options are valid in sbatch"
WRAPPED = "#!/bin/sh\n# This script was created by sbatch --wrap.\n\n{}\n"
# what is said of one part of a heterogeneous job counts for the others, too, unless they say something else
INHERITED = frozenset(
    {
        *("account", "acctg-freq", "begin", "chdir", "cluster", "clusters", "comment", "deadline", "delay-boot"),
        *("dependency", "distribution", "error", "exclude", "export", "export-file", "get-user-env", "gid", "hold"),
        *("ignore-pbs", "input", "job-name", "kill-on-invalid-dep", "mail-type", "mail-user", "mcs-label", "mem"),
        *("nice", "no-kill", "no-requeue", "open-mode", "output", "parsable", "priority", "profile", "propagate"),
        *("qos", "quiet", "reboot", "requeue", "reservation", "signal", "test-only", "time", "time-min", "uid"),
        *("verbose", "wait", "wait-all-nodes", "wckey"),
    }
)
HETEROGENEOUS = (["hetjob"], ["packjob"])
OLD_PARTING = 'Warning: the "packjob" component separator is being deprecated. Please, use "hetjob" instead.'


def check_script(script: bytes) -> None:
    """Is this a batch script? Raises Refused in sbatch's words."""
    if not script:
        raise Refused("Batch script is empty!")
    if not script.partition(b"\0")[0].strip():
        raise Refused("Batch script contains only whitespace!")
    if not script.startswith(b"#!"):
        raise Refused(
            "This does not look like a batch script.  The first",
            "line must start with #! followed by the path to an interpreter.",
            "For instance: #!/bin/sh",
        )
    if b"\0" in script:
        raise Refused("The Slurm controller does not allow scripts that", "contain a NULL character '\\0'.")
    if b"\r\n" in script:
        raise Refused(
            "Batch script contains DOS line breaks (\\r\\n)",
            "instead of expected UNIX line breaks (\\n).",
            hint="convert it with: sed -i 's/\\r$//' SCRIPT",
        )
    if len(script) > LARGEST_SCRIPT:
        raise Refused(
            "Batch job submission failed: Pathname of a file, directory or other parameter too long",
            hint=f"a script may have {LARGEST_SCRIPT} bytes; keep data in files of their own",
        )


def lines_of(script: bytes) -> list[str]:
    """The script's lines; bytes that are no text are kept as they are."""
    return script.decode("utf-8", "surrogateescape").split("\n")


def script_settings(
    program: str,
    name: str,
    script: bytes,
    options: Sequence[Option],
    warn: Callable[[str], None],
    part: int = 0,
    inform: Callable[[str], None] | None = None,
) -> Iterator[Setting]:
    """The options in the #SBATCH lines for one part of the job; the first part warns. Raises MiniSlurmError.

    `inform` takes what is no error, `warn` where it is left out.
    """
    found = script_words(name, script, *((_say_nothing, _say_nothing) if part else (warn, inform or warn)))
    for number, words in enumerate(found[: part + 1]):
        reader = Reader(program, words, options)
        for setting in reader.settings():
            if number == part or setting.option.long in INHERITED:
                yield setting
        if reader.words:
            raise BadOption(f"Invalid directive found in batch script: {reader.words[0]}")


def _say_nothing(line: str) -> None:
    """Where the first part has said it."""


def has_parts(script: bytes) -> bool:
    """May it be a heterogeneous job?"""
    return any(word.encode() in script.lower() for (word,) in HETEROGENEOUS)


def script_words(
    name: str, script: bytes, warn: Callable[[str], None], inform: Callable[[str], None]
) -> list[list[str]]:
    """The words of the #SBATCH lines, which end at the first command, for each part of the job. Raises MiniSlurmError.

    A line `hetjob` parts them; all lines of a part together are one command line: a value may stand on the next one.
    """
    found: list[list[str]] = [[]]
    warned = has_old_parting = False
    for number, line in enumerate(lines_of(script), start=1):
        if line.startswith((DIRECTIVE, OLD_DIRECTIVE)):
            is_old = not line.startswith(DIRECTIVE)
            if is_old and not warned:
                warn(OLD_WORDS)
            warned = warned or is_old
            rest = line.removeprefix(OLD_DIRECTIVE if is_old else DIRECTIVE).lstrip(SPACE)
            parting = rest.lower().split()[:1]
            if parting in HETEROGENEOUS:
                if parting == HETEROGENEOUS[1] and not has_old_parting:
                    inform(OLD_PARTING)
                    has_old_parting = True
                found.append([])
            else:
                found[-1] += words_of(name, number, rest)
        elif line.strip(SPACE) and not line.lstrip(SPACE).startswith("#"):
            break
    return found


def of_part(script: bytes, offset: int) -> bytes:
    """What is kept as the script of a further part of a heterogeneous job: its lines, and that nothing runs."""
    first, *lines = lines_of(script)
    found, part = [first], 0
    for line in lines:
        if line.strip(SPACE) and not line.lstrip(SPACE).startswith("#"):
            break
        if line.startswith(DIRECTIVE) and line.removeprefix(DIRECTIVE).lower().split()[:1] in HETEROGENEOUS:
            part += 1
        elif part == offset and offset:
            found.append(line)
    return "\n".join([*found, "exit 0", ""]).encode("utf-8", "surrogateescape")


def directives(script: bytes) -> list[tuple[int, list[str]]]:
    """The words of each #SBATCH line, with the line's place: for another system, which says itself what is wrong."""
    found = []
    for number, line in enumerate(lines_of(script)):
        if line.startswith(DIRECTIVE):
            with suppress(MiniSlurmError):
                found.append((number, words_of("", number, line.removeprefix(DIRECTIVE).lstrip(SPACE))))
        elif line.strip(SPACE) and not line.lstrip(SPACE).startswith("#"):
            break
    return found


def join(words: list[str]) -> bytes:
    """A #SBATCH line of these words."""
    quoted = (word if word.isalnum() else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return " ".join([DIRECTIVE, *quoted]).encode("utf-8", "surrogateescape")


def words_of(name: str, number: int, line: str) -> list[str]:
    """The words of a directive: quotes hold together, a backslash makes the next letter plain, # ends the line."""
    words: list[str] = []
    while True:
        word, line = _next_word(name, number, line)
        if not word:
            return words
        words.append(word)


def _next_word(name: str, number: int, line: str) -> tuple[str, str]:
    """The next word, and what is left; no word where the line ends, or where there are but quotes."""
    rest = line.lstrip(SPACE)
    if rest.startswith(":"):
        raise Fatal(f"{name}: line {number}: Unexpected `:` in [{line}]")
    word, quote, plain, position = "", "", False, 0
    while position < len(rest) and (quote or rest[position] not in SPACE):
        letter = rest[position]
        position += 1
        if plain:
            word, plain = word + letter, False
        elif letter == "\\":
            plain = True
        elif quote and letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote = letter
        elif not quote and letter == "#":
            return word, ""
        else:
            word += letter
    if quote:
        raise Fatal(f"{name}: line {number}: Unmatched `{quote}` in [{line}]")
    return word, rest[position:]


def with_lines(script: bytes, lines: bytes) -> bytes:
    """The script with these lines after its first."""
    first, _, rest = script.partition(b"\n")
    return first + b"\n" + (lines if lines.endswith(b"\n") or not lines else lines + b"\n") + rest
