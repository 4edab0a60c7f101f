"""--export as sbatch and srun read it. Pure and light: it travels."""

from __future__ import annotations


def wanted(export: str | None) -> tuple[list[str], dict[str, str]]:
    """Names, and names with values."""
    pairs = [word.partition("=") for word in words(export or "")]
    return [name for name, equals, _ in pairs if not equals], {name: value for name, equals, value in pairs if equals}


def words(export: str) -> list[str]:
    """The words between commas; a comma in quotes does not part, and only quotes around a whole word go."""
    found = [""]
    quotes: set[str] = set()
    for letter in export:
        if letter == "," and not quotes:
            found.append("")
            continue
        if letter in "\"'":
            quotes ^= {letter}
        found[-1] += letter
    return [_bare(word) for word in found if word]


def _bare(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
