"""What srun knows of its step: what the command line says of srun itself, and how far each machine has got."""

from __future__ import annotations

from mini_slurm.steps import records


class Settings:
    """What the command line says of how srun itself behaves."""

    def __init__(self) -> None:
        self.program = "srun"
        self.job_id = ""
        self.quiet = 0
        self.verbose = 0
        self.kill_on_bad_exit = False
        self.wait = 0  # seconds after the first task's end until the others are ended; 0: for ever
        self.input: int | None = None  # descriptor that is read for the tasks
        self.input_file = ""  # ... or the name of a file, with symbols
        self.input_task = -1  # the only task that gets it; -1: all do
        self.quit_on_interrupt = False
        self.disable_status = False
        self.pty = False


class NodeState:
    """One machine's part of the step."""

    def __init__(self, tasks: list[int]) -> None:
        self.tasks = tasks
        self.got = 0  # bytes of its notes
        self.fed: dict[int, int] = {}  # bytes of input that its tasks have taken, by the number in the record of it
        self.size: int | None = None  # of all its notes, known at its end
        self.reader = records.Reader()

    @property
    def is_complete(self) -> bool:
        """Has all come that will?"""
        return self.size is not None and self.got >= self.size
