"""Programs where a cluster's commands are: how they are found, and how one is run on a login node.

Stands alone, in Python 3.8: its source travels over SSH. It gets one line of JSON and answers with one.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO, Any

OURS = (b"mini_slurm", b"mini-slurm")  # in a script that leads to our commands
READ = 4096  # bytes of a script that are looked at
CALLS = os.path.join(".cache", "mini_slurm", "calls")  # at home, which all login nodes of a cluster have in common
PATIENCE = 300.0  # seconds for a question; a submission may take as long as it does
PAUSE = 0.02  # seconds between two looks for the answer of a call that somebody else started
LOOK = 1.0  # seconds until it is answered that a program which may stay is not over yet
BEAT, SILENT = 30.0, 300.0  # seconds between two signs of life of who runs it; without one, it counts as gone
KEPT = 7 * 86400.0  # seconds that the answer of a call is kept
CALLING = "MINI_SLURM_CALLING"  # the variable by which a program of ours finds itself called by what it is to call
INNER = re.compile(rb"/[\w.+/@~-]+")  # an absolute path in a script


# --- which program


def find(command: str, folder: str | None = None) -> str | None:
    """Where the real command is: in this folder, else along PATH."""
    for place in folders() if folder is None else [folder]:
        path = os.path.join(place, command)
        if os.access(path, os.X_OK) and os.path.isfile(path) and not is_ours(path):
            return path
    return None


def folders() -> list[str]:
    """The folders of PATH."""
    return [folder for folder in os.environ.get("PATH", os.defpath).split(":") if os.path.isabs(folder)]


def is_ours(path: str) -> bool:
    """Does this program lead to our own commands: a link to one of them, or a script that names one?"""
    target, name = os.path.realpath(path), "m" + os.path.basename(path)
    if os.path.basename(target) == name:
        return True
    try:
        with open(target, "rb") as file:
            begin = file.read(READ)
    except OSError:
        return False
    if not begin.startswith(b"#!"):
        return False
    return any(word in begin for word in (*OURS, name.encode())) or _calls_ours(begin, name)


def _calls_ours(script: bytes, name: str) -> bool:
    """Does it call a link to our command by its path?"""
    inner = {os.path.realpath(os.fsdecode(word)) for word in INNER.findall(script)}
    return any(os.path.basename(path) == name for path in inner)


def calling(command: str) -> dict[str, str]:
    """What tells the programs that we call, and those which these call, that we are at it."""
    start = _of_process(os.getpid())[1]
    return {CALLING: f"{command}:{os.getpid()}:{start}"} if start else {}


def is_called_by_itself(command: str) -> bool:
    """Does this process come from a call of the same command: is what was taken for the real one a way to ours?"""
    called, _, caller = os.environ.get(CALLING, "").partition(":")
    pid = os.getpid() if called == command else 0
    while pid:
        parent, start = _of_process(pid)
        if f"{pid}:{start}" == caller:
            return True
        pid = parent
    return False


def _of_process(pid: int) -> tuple[int, str]:
    """Its parent, and when it was started; 0 and "" where nothing tells."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0, ""
    return int(fields[1]), fields[19].decode()


def path_for_jobs() -> str:
    """PATH for a cluster's commands and, by way of them, its jobs: without folders of links to our commands."""
    return ":".join(folder for folder in folders() if not _has_shims(folder))


def _has_shims(folder: str) -> bool:
    link = os.path.join(folder, "sbatch")
    return os.path.islink(link) and is_ours(link)


# --- on a login node


def main(stdin: IO[bytes]) -> None:
    """Do what the line asks for, and print the answer."""
    import json

    order = json.loads(stdin.readline())
    os.umask(0o077)
    try:
        answer = _answer(order)
    except OSError as error:
        answer = {"fault": f"{error.filename or order['words'][0]}: {error.strerror}", "clear": True}
    print("\n" + json.dumps(answer), flush=True)  # a login shell may have printed something before it


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    path = find(order["words"][0], order["programs"])
    if path is None:
        place = "in " + order["programs"] if order["programs"] else "on the PATH of logins without a terminal"
        return {"fault": f"there is no {order['words'][0]} {place}", "missing": True}
    if order["once"]:
        return _once(path, order)
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="mini_slurm-")
    try:
        _prepare(order, folder)
        _run(path, order, folder)
        return _read(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _once(path: str, order: dict[str, Any]) -> dict[str, Any]:
    """Start it unless it was started before under this name; the answer of whichever it was."""
    import time

    calls = os.path.join(os.path.expanduser("~"), CALLS)
    os.makedirs(calls, mode=0o700, exist_ok=True)
    folder = os.path.join(calls, order["once"])
    if order.get("again"):
        if not os.path.isdir(folder):
            return _lost(order, "what it did is not known any more")
    else:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        else:
            _forget(calls)
            _prepare(order, folder)
            _detach(path, order, folder)
    stays = order.get("stays")
    end = time.monotonic() + (LOOK if stays else PATIENCE)
    while not os.path.exists(os.path.join(folder, "code")):
        if time.monotonic() > end:
            return _so_far(order, folder) if stays else _lost(order, f"no answer within {PATIENCE:g} seconds")
        time.sleep(PAUSE)
    return _read(folder)


def _so_far(order: dict[str, Any], folder: str) -> dict[str, Any]:
    """That it is not over yet, and what it has printed; or that whoever ran it is gone."""
    if _is_gone(folder):
        return _lost(order, "it was ended before its job was over")
    out = os.path.join(folder, "out")
    if not os.path.exists(out):
        return {"stays": True, "out": ""}
    with open(out, "rb") as file:
        return {"stays": True, "out": file.read().decode("latin-1")}


def _is_gone(folder: str) -> bool:
    """Has there been no sign of life for long? Both moments are the file server's: it may run on another host."""
    now, beat = os.path.join(folder, "now"), os.path.join(folder, "beat")
    for path in (now, beat):
        if path == now or not os.path.exists(path):
            _write(path, b".")
    return os.stat(now).st_mtime - os.stat(beat).st_mtime > SILENT


def _lost(order: dict[str, Any], why: str) -> dict[str, Any]:
    """Nobody knows what came of it."""
    return {"code": -9, "out": "", "err": f"{order['words'][0]}: {why}\n"}


def _prepare(order: dict[str, Any], folder: str) -> None:
    """Write all that is needed to run it, and room for its end: a disk that is full is met before it is started."""
    import shutil

    try:
        if order["script"] is not None:
            os.mkdir(os.path.join(folder, "script"))
            _write(_script(order, folder), _bytes(order["script"][1]))
            os.chmod(_script(order, folder), 0o700)
        _write(os.path.join(folder, "in"), _bytes(order["stdin"]))
        for name in ("beat", "code.new"):
            _write(os.path.join(folder, name), b"    ")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(error.errno, error.strerror, os.path.dirname(folder)) from None


def _script(order: dict[str, Any], folder: str) -> str:
    return os.path.join(folder, "script", os.path.basename(order["script"][0]) or "script")


def _detach(path: str, order: dict[str, Any], folder: str) -> None:
    """Run it in a process that outlives the connection."""
    if os.fork():
        return
    status = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        if os.fork():
            os._exit(0)
        _run(path, order, folder)
        status = 0
    except OSError as error:
        for name, text in (("out", ""), ("err", f"{path}: {error.strerror}\n")):
            _write(os.path.join(folder, name), text.encode())
        _end(folder, 126)
    finally:
        os._exit(status)


def _run(path: str, order: dict[str, Any], folder: str) -> None:
    """Run it to its end; its answer is left in the folder."""
    import shutil
    import subprocess

    words = list(order["words"])
    if order["script"] is not None:
        words += [_script(order, folder), *order["script"][2]]
    cwd = order["folder"] if order["folder"] and os.path.isdir(order["folder"]) else os.path.expanduser("~")
    given, out, err = (os.path.join(folder, name) for name in ("in", "out", "err"))
    with open(given, "rb") as stdin, open(out, "wb") as stdout, open(err, "wb") as stderr:
        child = subprocess.Popen(
            words, executable=path, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=_environment(order)
        )
        if order["once"]:
            _give_signs(folder)
        try:
            code = child.wait(None if order["once"] else PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
    shutil.rmtree(os.path.join(folder, "script"), ignore_errors=True)
    _end(folder, code)


def _give_signs(folder: str) -> None:
    """Leave a sign of life now and then, for those who ask for the answer and for who removes old ones."""
    import threading
    import time
    from contextlib import suppress

    beat = os.path.join(folder, "beat")

    def run() -> None:
        while True:
            time.sleep(BEAT)
            with suppress(OSError):
                os.utime(beat)
                os.utime(folder)

    threading.Thread(target=run, daemon=True).start()


def _end(folder: str, code: int) -> None:
    """The answer is whole."""
    with open(os.path.join(folder, "code.new"), "r+b") as file:
        file.write(b"%-4d" % code)
    os.rename(os.path.join(folder, "code.new"), os.path.join(folder, "code"))


def _environment(order: Mapping[str, Any]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in order["dropped"]}
    kept["PATH"] = path_for_jobs()
    kept.update(calling(order["words"][0]))
    kept.update(order["variables"])
    return kept


def _read(folder: str) -> dict[str, Any]:
    found = {}
    for name in ("code", "out", "err"):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read().decode("latin-1")
    return {"code": int(found["code"]), "out": found["out"], "err": found["err"]}


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _bytes(text: str) -> bytes:
    """JSON has no bytes: each is sent as the letter of its number."""
    return text.encode("latin-1")


def _forget(calls: str) -> None:
    """Remove what old calls left."""
    import shutil
    import time

    for name in os.listdir(calls):
        folder = os.path.join(calls, name)
        if time.time() - os.lstat(folder).st_mtime > KEPT:
            shutil.rmtree(folder, ignore_errors=True)
