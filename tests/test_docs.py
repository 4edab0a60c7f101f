"""What the pages name is there: modules and folders of the project, other pages, and each part of the package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mini_slurm"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
OF_THE_CODE = [ROOT / "docs" / "architecture.md", *sorted((ROOT / "docs" / "design").glob("*.md"))]
PARTS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
QUOTED = re.compile(r"`([\w./*]+)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def identify(page: Path) -> str:
    return str(page.relative_to(ROOT))


def named(page: Path) -> Iterator[str]:
    """The modules by name, and the modules and folders by path, of which a page speaks as the project's own."""
    for word in QUOTED.findall(page.read_text()):
        path = word.removeprefix("mini_slurm/")
        if "/" in path:
            if path.endswith((".py", "/")) and path.partition("/")[0] in PARTS:
                yield path
        elif path.endswith(".py") and not path.startswith("test_"):  # tests of other projects are named, too
            yield f"**/{path}"


@pytest.mark.parametrize("page", OF_THE_CODE, ids=identify)
def test_modules_that_a_page_names_are_there(page: Path) -> None:
    here = [PACKAGE, ROOT / "tests", ROOT / "benchmarks"]
    assert [word for word in named(page) if not any(next(top.glob(word), None) for top in here)] == []


@pytest.mark.parametrize("page", PAGES, ids=identify)
def test_pages_that_a_page_leads_to_are_there(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("part", PARTS)
def test_the_first_page_names_every_part(part: str) -> None:
    assert f"`{part}/`" in (ROOT / "docs" / "architecture.md").read_text()
