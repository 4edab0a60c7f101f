"""What has changed of a large file, taken in by this machine's rsync, which makes the new content out of an older one.

`delta/STATE-DIGEST/file` is a second name of the older content, which rsync replaces. The folder stays where that did
not come to its end: this content is then sent as a whole, which goes on after a cut where it was.
"""

import os
import re
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from typing import Callable, List, Optional

from mini_slurm.agent.stage_cache import Cache, clear, make_private
from mini_slurm.protocol import flat

WORD = re.compile(r"-[-\w.,=]*")  # an option of rsync's
BLOCK = 1 << 18  # bytes
OLD = 7 * 86400  # seconds after which a try is forgotten
PATIENCE = 5.0  # seconds for the rest of a difference to be removed
FILE = "file"

Say = Callable[[bytes], None]


class Deltas:
    """The contents that are to come as changes; one at a time."""

    def __init__(self, cache: Cache, state: str, say: Say) -> None:
        """`say` sends a frame."""
        self._cache = cache
        self._state = state
        self._say = say
        self._folder = os.path.join(cache.folder, "delta")
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._thread: Optional[threading.Thread] = None
        make_private(self._folder)
        self._sweep()

    def _sweep(self) -> None:
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # another job's, which has come
                if entry.stat(follow_symlinks=False).st_mtime < time.time() - OLD:
                    clear(entry.path)

    def basis(self, digest: str, older: List[str]) -> str:
        """The first of these contents that is here; "" for none, without rsync, and where this was tried before."""
        if shutil.which("rsync") is None or os.path.lexists(self._place(digest)):
            return ""
        return next((one for one in older if os.path.isfile(self._cache.path(one))), "")

    def begin(self, digest: str, size: int, basis: str, words: List[str]) -> None:
        """Start rsync with the words of the other side's, and have it replace a second name of `basis`.

        Raises BadFrame for words that are none of rsync's, OSError.
        """
        options = words[1:-2]
        if self._process is not None or words[:1] != ["rsync"] or not options or options[0] != "--server":
            raise flat.BadFrame(f"no call of rsync: {words[:3]}")
        if not all(WORD.fullmatch(word) for word in options):
            raise flat.BadFrame(f"no options of rsync: {options}")
        place = self._place(digest)
        make_private(place)
        os.link(self._cache.path(basis), os.path.join(place, FILE))
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}  # no options by variables or files
        self._process = subprocess.Popen(
            ["rsync", *options, ".", FILE],
            cwd=place, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, args=(self._process, digest, size), daemon=True)
        self._thread.start()

    def pipe(self, data: bytes) -> None:
        """What the other side's rsync says; b"": it has said all."""
        process = self._process
        if process is None or process.stdin is None:
            return  # it has ended early, which the other side does not know yet
        with suppress(BrokenPipeError, ValueError):
            if data:
                process.stdin.write(data)
                process.stdin.flush()
            else:
                process.stdin.close()

    def _run(self, process: "subprocess.Popen[bytes]", digest: str, size: int) -> None:
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError), process.stdout:  # the channel has ended
            while True:
                data = os.read(process.stdout.fileno(), BLOCK)
                if not data:
                    break
                self._say(flat.pack("piped", data))
        is_done = process.wait() == 0
        with suppress(BrokenPipeError):
            process.stdin.close()
        has_come = self._settle(digest, size, is_done)
        self._process = None
        with suppress(OSError):
            self._say(flat.pack("delta", int(has_come)))

    def _settle(self, digest: str, size: int, is_done: bool) -> bool:
        """Is it the content that was wanted? Then it is one of the cache's; of what is not, nothing stays."""
        place = self._place(digest)
        path = os.path.join(place, FILE)
        try:
            is_whole = is_done and os.lstat(path).st_size == size and self._cache.adopt(path, digest)
        except OSError:
            is_whole = False
        for entry in os.scandir(place):
            os.unlink(entry.path)
        if is_whole:
            os.rmdir(place)
        return is_whole

    def _place(self, digest: str) -> str:
        return os.path.join(self._folder, f"{self._state}-{digest}")

    def close(self) -> None:
        """The channel has ended: what did not come to its end is given up."""
        process = self._process
        if process is not None:
            process.kill()
        if self._thread is not None:
            self._thread.join(PATIENCE)
