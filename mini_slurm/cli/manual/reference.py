"""All generated pages: docs/reference/*.md and docs/man/*.1. scripts/reference runs this module to write them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mini_slurm.cli.manual import admin, markdown, roff
from mini_slurm.cli.manual.pages import COMMANDS, Page, page
from mini_slurm.config import keys

TABLES = {
    "[fleet]": keys.FLEET,
    "[machines.NAME]": keys.MACHINE,
    "[partitions.NAME]": keys.PARTITION,
    "[qos.NAME]": keys.QOS,
    "[preempt]": keys.PREEMPT,
    "[mail]": keys.MAIL,
    "[notices]": keys.NOTICES,
    "[accounts.NAME]": keys.ACCOUNT,
    "[accounts.NAME] users.LOGIN": keys.USER,
}
FLEET = ("fleet-file", "The keys of a fleet file.")


def files() -> dict[str, str]:
    """The files' names below docs/, and what they hold."""
    documents = [*([page(command)] for command in COMMANDS), admin.pages()]
    names = [pages[0].name for pages in documents]
    made = {f"reference/{pages[0].name}.md": markdown.document(pages) for pages in documents}
    made["reference/README.md"] = markdown.index([pages[0] for pages in documents], [FLEET])
    made[f"reference/{FLEET[0]}.md"] = _fleet_file()
    for pages in documents:
        made[f"man/{pages[0].name}.1"] = roff.document(pages, _others(pages, names))
    return made


def _others(pages: Sequence[Page], names: Sequence[str]) -> list[str]:
    return [name for name in names if name != pages[0].name]


def _fleet_file() -> str:
    lines = [markdown.NOTE, "", "# The fleet file", ""]
    lines.append(f"{FLEET[1]} [fleet.example.toml](../../fleet.example.toml) shows each with a comment.")
    for title, table in TABLES.items():
        rows = [(f"`{name}`", key.wants, f"`{key.example}`") for name, key in table.items()]
        lines += ["", f"`{title}`", "", *markdown.table(("key", "what it may be", "for example"), rows)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write all files below the folder that the command line names; what is there and is not made any more goes."""
    docs = Path(sys.argv[1])
    made = files()
    for folder in ("reference", "man"):
        (docs / folder).mkdir(exist_ok=True)
        for path in (docs / folder).iterdir():
            if f"{folder}/{path.name}" not in made:
                path.unlink()
    for name, text in made.items():
        (docs / name).write_text(text)


if __name__ == "__main__":
    main()
