"""How much of a journal is kept: the disk gets back what srun has, and tasks wait while srun is far behind."""

import os
from typing import List, Set, Tuple

from mini_slurm.agent import limits, spool

MOST = 1 << 26  # bytes that srun may be behind
PART = 1 << 22  # bytes, more or less, that are given back at once
NOTE = "journal.json"


class Backlog:
    """What of a part's journal still has to be there."""

    def __init__(self, folder: str, file: int) -> None:
        note = spool.read_json(folder, NOTE) or {"begin": 0, "ended": []}
        self.begin: int = note["begin"]  # where a record begins; what lies before is gone
        self.ended: Set[int] = set(note["ended"])  # tasks whose end has been noted
        self.size: int = os.fstat(file).st_size
        self._folder = folder
        self._file = file
        self._acknowledged: int = self.begin
        self._marks: List[Tuple[int, List[int]]] = [(self.begin, [])]  # beginnings of records; who had ended by then

    @property
    def is_long(self) -> bool:
        """Is srun so far behind that tasks have to wait?"""
        return self.size - self._acknowledged >= MOST

    def mark(self) -> None:
        """A record begins here."""
        if self.size - self._marks[-1][0] >= PART:
            self._marks.append((self.size, sorted(self.ended)))

    def free(self, offset: int) -> None:
        """srun has everything up to here."""
        self._acknowledged = max(self._acknowledged, offset)
        passed = [mark for mark in self._marks if mark[0] <= offset]
        if not passed or passed[-1][0] <= self.begin:
            return
        begin, ended = passed[-1]
        try:
            spool.write_json(self._folder, NOTE, {"begin": begin, "ended": ended})
        except OSError:
            return  # no room: another time
        self._marks = self._marks[len(passed) - 1 :]
        limits.give_back(self._file, self.begin, begin)
        self.begin = begin
