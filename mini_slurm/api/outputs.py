"""What jobs have written: the files that --output and --error name, read as they grow."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator

from mini_slurm.errors import Refused

READ = 1 << 18  # bytes


class Growing:
    """A file that somebody else writes; it may still have to be made, and may be begun anew."""

    def __init__(self, path: str, restarts: int) -> None:
        """`restarts`: how often the job that writes it was requeued."""
        self._path = path
        self._restarts = restarts
        self._is_again = False
        self._position = 0
        self._file: int | None = None
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def lines(self) -> Iterator[str]:
        """The lines that have come since the last call. Raises Refused."""
        try:
            while data := self._read():
                *whole, self._rest = (self._rest + self._decode.decode(data)).splitlines(keepends=True) or [""]
                if self._rest.endswith("\n"):
                    whole, self._rest = [*whole, self._rest], ""
                yield from whole
        except OSError as error:
            raise unreadable(self._path, error) from None

    def last(self) -> Iterator[str]:
        """What is left when nothing more will come. Raises Refused."""
        yield from self.lines()
        rest = self._rest + self._decode.decode(b"", True)
        if rest:
            yield rest

    def _read(self) -> bytes:
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
        if self._is_again and os.fstat(self._file).st_size < self._position:
            self._position, self._rest, self._is_again = 0, "", False
            self._decode.reset()
        data = os.pread(self._file, READ, self._position)
        self._position += len(data)
        return data

    def move(self, path: str, restarts: int) -> None:
        """The file has perhaps another name: a pattern like %N is filled in when the job starts. Or it is begun anew.

        That it has become shorter does not say so: a new controller writes again what it is not sure of.
        """
        self._is_again |= restarts != self._restarts
        self._restarts = restarts
        if path != self._path:
            self.close()
            self._path, self._position, self._rest = path, 0, ""

    def close(self) -> None:
        """Read no more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read(path: str) -> str:
    """All that is there. Raises Refused."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: str, error: OSError) -> Refused:
    """The file cannot be read."""
    return Refused(f"the output {path} cannot be read: {error.strerror}", hint="is it yours to read?")
