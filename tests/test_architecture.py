"""The borders between the parts, held by reading every module's syntax."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_slurm.agent import archive

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mini_slurm"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each package imports itself and what stands in earlier lines.
LAYERS = (
    {"errors", "search_path"},
    {"model"},
    {"options", "scheduler", "protocol", "output"},
    {"steps"},
    {"config", "store", "links", "agent"},
    {"clusters", "templating", "staging"},
    {"controller"},
    {"desk"},
    {"api"},
    {"cli"},
)
LEVEL = {package: level for level, layer in enumerate(LAYERS) for package in layer}
# The links hand the agent to the machines, so they are the one neighbour that knows it.
NEIGHBOURS = {("links", "agent")}
PURE = {"errors", "model", "options", "output", "scheduler", "protocol"}
WORLD = {"os", "socket", "subprocess", "time", "asyncio", "asyncssh", "sqlite3", "threading", "pathlib", "shutil"}
TRAVELS = sorted(PACKAGE / path for path in archive.sources())
ALONE = (
    *archive.STAYS,
    "clusters/there.py",
    *sorted(f"clusters/inside/{path.name}" for path in (PACKAGE / "clusters" / "inside").glob("[a-z]*.py")),
)
ASYNC = {"controller", "links", "api"}
SHELLS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
}
MODULE_LINES, FUNCTION_LINES = 400, 40


def package_of(path: Path) -> str:
    """The part that a module belongs to; "" for the package's own __init__."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in a module, for mypy alone or not."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the whole name of the module"
            yield node.module or ""
            if node.module == "mini_slurm":
                yield from (f"mini_slurm.{alias.name}" for alias in node.names)


def within(path: Path) -> set[str]:
    """The parts of mini_slurm that a module imports; a name out of the package's own __init__ is none."""
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("mini_slurm.")}
    return {part for part in parts if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").exists()}


def outside(path: Path) -> set[str]:
    """The top-level modules of others that a module imports."""
    return {name.split(".")[0] for name in imports(path)} - {"mini_slurm"}


def every(packages: set[str]) -> list[Path]:
    return [path for path in MODULES if package_of(path) in packages]


def identify(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_module = pytest.mark.parametrize("path", MODULES, ids=identify)


def test_every_part_has_its_place() -> None:
    assert {package_of(path) for path in MODULES} - {""} <= set(LEVEL)


@each_module
def test_imports_point_downwards(path: Path) -> None:
    package = package_of(path)
    for target in within(path) - {package}:
        below = LEVEL[target] < LEVEL.get(package, 0)
        assert below or (package, target) in NEIGHBOURS, f"{identify(path)} imports {target}"


@pytest.mark.parametrize("path", every(PURE), ids=identify)
def test_pure_modules_do_not_touch_the_world(path: Path) -> None:
    assert not outside(path) & WORLD


@pytest.mark.parametrize("path", TRAVELS, ids=identify)
def test_what_travels_needs_the_standard_library_and_what_travels_alone(path: Path) -> None:
    assert outside(path) <= sys.stdlib_module_names | {"_signal", "_socket"}
    assert set(modules(path)) <= set(TRAVELS)


@pytest.mark.parametrize("path", [*TRAVELS, *(PACKAGE / path for path in ALONE)], ids=identify)
def test_what_meets_a_machines_python_is_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("path", [PACKAGE / path for path in ALONE if path.startswith("clusters")], ids=identify)
def test_what_travels_to_clusters_has_annotations_that_no_python_reads(path: Path) -> None:
    assert "from __future__ import annotations\n" in path.read_text()


def modules(path: Path) -> Iterator[Path]:
    """The files of mini_slurm that a module imports."""
    for name in imports(path):
        place = ROOT.joinpath(*name.split("."))
        for found in (place.with_suffix(".py"), place / "__init__.py"):
            if name.startswith("mini_slurm") and found.exists():
                yield found


def test_only_the_link_by_ssh_imports_asyncssh() -> None:
    users = [identify(path) for path in MODULES if "asyncssh" in outside(path)]
    assert users == [f"mini_slurm/links/{name}.py" for name in ("ssh", "ssh_channel", "ssh_guard", "ssh_route")]


@pytest.mark.parametrize("path", every({"api", "cli", "desk"}), ids=identify)
def test_users_sides_know_of_the_controller_only_how_to_wake_it(path: Path) -> None:
    known = {name for name in imports(path) if name.startswith("mini_slurm.controller")}
    assert known <= {"mini_slurm.controller", "mini_slurm.controller.autostart"}
    assert not list(_names_from(path, "mini_slurm.controller") - {"autostart"})


def _names_from(path: Path, module: str) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == module]
    return {alias.name for node in found for alias in node.names}


@each_module
def test_only_controller_and_links_are_asynchronous(path: Path) -> None:
    coroutines = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.AsyncFunctionDef)]
    assert not coroutines or package_of(path) in ASYNC


@each_module
def test_no_shell_is_ever_used(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            pytest.fail(f"{identify(path)}:{node.lineno} passes shell=")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in SHELLS:
            pytest.fail(f"{identify(path)}:{node.lineno} uses {ast.unparse(node)}")


@each_module
def test_modules_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_LINES


@each_module
def test_functions_are_small(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{identify(path)}: {node.name} has {lines} lines"


@each_module
def test_modules_and_public_functions_say_what_they_are_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), identify(path)
    inside = [item for part in tree.body if isinstance(part, ast.ClassDef) for item in part.body]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in [*tree.body, *inside] if isinstance(node, kinds) and not node.name.startswith("_")]
    said = {node.name for node in public if ast.get_docstring(node)}  # once, where several classes have the same method
    assert not {node.name for node in public} - said
