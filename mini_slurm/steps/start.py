"""How a command in a job begins: the modules that it used before come out of one file, its pack.

To find and open each of two dozen modules would be a third of what a short srun costs. Whoever needs one that is not in
the pack, or finds none, adds it for the next. A pack is a cache: one that is missing, broken or of another Python is
passed over, and made anew.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, NoReturn

    Entries = dict[str, tuple[str, bool, bytes]]  # by the module's name: its file, whether it is a package, its code

FURTHER = "__future__"  # the only module of Python's own that is looked for in a folder


class Pack:
    """An importer."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._entries: Entries = {}
        try:
            with open(path, "rb") as file:
                version, entries = marshal.load(file)
            if version == sys.version:
                self._entries = entries
        except (OSError, EOFError, ValueError, TypeError):
            return  # there is none yet

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Python asks: is this module here?"""
        entry = self._entries.get(name)
        return ModuleSpec(name, self, is_package=entry[1]) if entry else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Python makes an ordinary one."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module."""
        path, is_package, code = self._entries[module.__name__]
        module.__file__ = path
        if is_package:
            module.__path__ = [os.path.dirname(path)]
        exec(marshal.loads(code), module.__dict__)

    def complete(self) -> None:
        """Add what this process has needed besides."""
        found = dict(self._entries)
        for name, module in list(sys.modules.items()):
            if name not in found and (name == FURTHER or name.startswith("mini_slurm")):
                found[name] = _entry(module)
        if len(found) > len(self._entries):
            draft = f"{self._path}.{os.getpid()}"
            try:
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    marshal.dump((sys.version, found), file)
                os.rename(draft, self._path)
            except OSError:
                return  # a full disk: the next one tries it again


def _entry(module: Any) -> tuple[str, bool, bytes]:
    code = module.__spec__.loader.get_code(module.__name__)
    return module.__file__, hasattr(module, "__path__"), marshal.dumps(code)


def run(module: str, name: str) -> NoReturn:
    """Be the command of this name, which this module has the main() of."""
    pack = Pack(f"{os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))}/{module}.pack")
    sys.meta_path.insert(0, pack)
    main = __import__(f"mini_slurm.steps.{module}", fromlist=["main"]).main
    code = 1
    try:
        code = main(name, sys.argv[1:])
        pack.complete()
        _flush(name)
    except BrokenPipeError:
        if name != "srun":
            end_by_pipe()
        code = code or 1  # it is not ended by that, in Slurm neither
    os._exit(code)  # to take the interpreter down in good order would cost a tenth of it all


def end_by_pipe() -> NoReturn:
    """Whoever read the output has gone: end by SIGPIPE, which Python ignores, as Slurm's commands do."""
    import atexit
    import signal

    atexit._run_exitfuncs()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    os._exit(1)  # it is blocked


def _flush(name: str) -> None:
    """Bring the output out. Raises BrokenPipeError."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.write(2, f"{name}: error: the output cannot be written: {error.strerror}\n".encode())
        os._exit(1)
