"""--export as sbatch and srun read it. Pure and light: it travels."""

from __future__ import annotations


def wanted(export: str | None) -> tuple[list[str], dict[str, str]]:
    """Names, and names with values; a comma in quotes does not part, and the quotes stay."""
    parts, quote = [""], ""
    for letter in export or "":
        if letter == "," and not quote:
            parts.append("")
            continue
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        parts[-1] += letter
    pairs = [part.partition("=") for part in parts if part]
    return [name for name, equals, _ in pairs if not equals], {name: value for name, equals, value in pairs if equals}
