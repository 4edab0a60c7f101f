"""A batch script: what must be true of its bytes, and its #SBATCH lines."""

from __future__ import annotations

from mini_slurm.errors import BadOption, BadUsage, Refused
from mini_slurm.options.grammar import Option, Setting, parse

DIRECTIVE = "#SBATCH"
LARGEST = 4 * 1024 * 1024  # bytes, as Slurm's max_script_size comes
NOT_IN_SCRIPT = frozenset({"help", "usage", "version", "wrap"})  # read from the command line alone, as sbatch does
WRAPPED = "#!/bin/sh\n# This script was created by sbatch --wrap.\n\n{}\n"


def check_script(script: bytes) -> None:
    """Is this a batch script? Raises Refused in sbatch's words."""
    if not script:
        raise Refused("Batch script is empty!")
    if not script.strip():
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
    if len(script) > LARGEST:
        raise Refused(
            "Batch job submission failed: Pathname of a file, directory or other parameter too long",
            hint=f"a script may have {LARGEST} bytes; keep data in files of their own",
        )


def script_settings(program: str, name: str, script: bytes, options: tuple[Option, ...]) -> list[Setting]:
    """The options in the #SBATCH lines, which end at the first command. Raises BadUsage and BadOption."""
    settings: list[Setting] = []
    for number, line in enumerate(script.decode("utf-8", "surrogateescape").split("\n"), start=1):
        if line.startswith(DIRECTIVE):
            words = _words(program, name, number, line)
            found, rest = parse(program, words, options, permute=False)
            if rest:
                raise BadOption(
                    f"Invalid directive found in batch script: {rest[0]}", hint=f"see {name}, line {number}"
                )
            settings += [setting for setting in found if setting.option.long not in NOT_IN_SCRIPT]
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return settings


def _words(program: str, name: str, number: int, line: str) -> list[str]:
    """The words of a directive: quotes hold words together, a number sign ends the line, a backslash means itself."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    for letter in line[len(DIRECTIVE) :]:
        if quote:
            word, quote = (word, "") if letter == quote else ((word or "") + letter, quote)
        elif letter in "\"'":
            word, quote = word or "", letter
        elif letter == "#":
            break
        elif not letter.isspace():
            word = (word or "") + letter
        elif word is not None:
            words.append(word)
            word = None
    if quote:
        raise BadUsage(f"{program}: fatal: {name}: line {number}: Unmatched `{quote}` in [{line}]", exit_code=1)
    return words if word is None else [*words, word]
