"""sattach's part of a step that another srun has begun: shows what its tasks write from now on, and hands on input."""

from __future__ import annotations

import os
from select import POLLIN, poll

from mini_slurm.protocol import flat
from mini_slurm.steps import ends, records
from mini_slurm.steps.console import Raw
from mini_slurm.steps.outputs import Gone, Names, Outputs
from mini_slurm.steps.talk import NoAgent, Talk

WINDOW = 1 << 18  # bytes of standard input that may be under way
BLOCK = 1 << 16
FIRST_PATIENCE = 5.0  # seconds without any agent
LONG_PATIENCE = 3600.0  # ... when the step was there before
STEP_GONE = "Could not get job step info: "
NO_TASK = "A valid node id must be specified for SLURM_IO_STDIN"  # so Slurm says that no task has this number


class Settings:
    """What the command line says."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.quiet = 0
        self.verbose = 0
        self.label = False
        self.layout = False
        self.pty = False
        self.input_task = -1  # the only task that gets standard input; -1: all do
        self.output_task = ""  # the only task whose output is shown; "": all are
        self.error_task = ""


class NodeState:
    """One machine's part of the step."""

    def __init__(self, name: str, tasks: list[int]) -> None:
        self.name = name
        self.tasks = tasks
        self.got: int | None = None  # bytes of its notes; None: nothing has come yet
        self.live = 0  # where in its notes that begins which happened after this command had come
        self.size: int | None = None  # of all its notes, known at its end
        self.fed = 0  # bytes of such input that its tasks have taken
        self.reader = records.Reader()

    @property
    def is_complete(self) -> bool:
        """Has all come that will?"""
        return self.size is not None and (self.got is None or self.got >= self.size)


class Watcher:
    """One sattach, from its request to its exit status."""

    def __init__(self, settings: Settings, talk: Talk, request: list[bytes | str]) -> None:
        self._settings = settings
        self._talk = talk
        self._request = request
        self._outputs = Outputs(
            settings.output_task, settings.error_task, label=settings.label, unbuffered=settings.pty, append=False
        )
        self._console = Raw(0 if settings.pty else None)
        self._nodes: dict[str, NodeState] = {}
        self._is_attached = False
        self._refused = False
        self._status = 0
        self._read = 0  # bytes of standard input
        self._input_ended = False

    # --- what is said

    def say(self, text: str) -> None:
        """A line, unless --quiet."""
        if not self._settings.quiet:
            self._print(text)

    def complain(self, text: str) -> None:
        """A line that says what went wrong."""
        if self._settings.quiet < 2:
            self._print(f"error: {text}")

    def _print(self, text: str) -> None:
        try:
            line = f"{self._settings.program}: {text}{self._console.line_end}"
            os.write(2, line.encode("utf-8", "surrogateescape"))
        except OSError:
            return  # nobody reads it

    # --- the loop

    def run(self) -> int:
        """Watch the step to its end; the exit status."""
        with self._console:
            try:
                self._connect(FIRST_PATIENCE)
                while not (self._refused or self._is_over):
                    self._turn()
                self._outputs.finish()
            except NoAgent as error:
                self.complain(str(error))
                return 1
            except Gone as gone:
                if gone.why:
                    self.complain(f"the output cannot be written: {gone.why}")
                return 1
        return 1 if self._refused else self._status

    @property
    def _is_over(self) -> bool:
        return self._is_attached and all(node.is_complete for node in self._nodes.values())

    def _connect(self, patience: float) -> None:
        self._talk.connect(patience)
        self._talk.say(*self._request)

    def _turn(self) -> None:
        poller = poll()
        poller.register(self._talk.fileno(), self._talk.awaited)
        if self._may_read:
            poller.register(0, POLLIN)
        for descriptor, events in poller.poll():
            if descriptor == 0:
                self._read_input()
            else:
                for frame in self._talk.serve(events):
                    self._take(frame)
        if not self._talk.is_open and not self._is_over and not self._refused:
            self._connect(LONG_PATIENCE)

    def _take(self, frame: list[bytes]) -> None:
        kind = flat.text(frame[0])
        if kind == "attached":
            self._attached(frame)
        elif kind in ("history", "log"):
            name, offset = flat.text(frame[1]), flat.number(frame[2])
            (self._history if kind == "history" else self._log)(self._nodes[name], offset, frame[3])
            self._talk.say("ack", name, offset, len(frame[3]))
        elif kind == "over":
            self._nodes[flat.text(frame[1])].size = flat.number(frame[3])
        elif kind == "refused":
            self._refused = not self._is_attached
            if self._refused:
                self.complain(f"{STEP_GONE}{flat.text(frame[2])}")
        if kind in ("refused", "gone") and self._is_attached:
            for node in self._nodes.values():  # the step has ended meanwhile, and nothing more is to be heard of it
                node.size = node.got or 0

    # --- the step

    def _attached(self, frame: list[bytes]) -> None:
        """Where its tasks are, and on which machines some still run."""
        places = [flat.strings(place) for place in flat.split(frame[1])]
        layout = [(node, [int(task) for task in tasks.split(",")]) for node, tasks, _ in places]
        running = {node for node, _, runs in places if runs}
        if self._settings.layout:
            self._show(layout)
            self._is_attached = True
            return
        before, self._nodes = self._nodes, {node: NodeState(node, tasks) for node, tasks in layout}
        for name, node in self._nodes.items():
            if name not in running:
                node.size = 0
                if not self._is_attached:
                    self.say(f"Node {name}: no tasks running")
            if name in before:
                node.got, node.reader = before[name].got, before[name].reader
        task = self._settings.input_task
        if task >= 0 and not any(task in tasks for _, tasks in layout):
            self.complain(NO_TASK)
            self._input_ended = True
        if not self._is_attached:
            self._outputs.open(Names("", "", "", "", "", ""), layout, 0, sum(len(tasks) for _, tasks in layout))
        self._is_attached = True

    def _show(self, layout: list[tuple[str, list[int]]]) -> None:
        from mini_slurm.model.hostlist import compress

        count = sum(len(tasks) for _, tasks in layout)
        lines = [
            f"Job step layout:\n\t{count} tasks, {len(layout)} nodes ({compress([name for name, _ in layout])})\n\n"
        ]
        for index, (name, tasks) in enumerate(layout):
            numbers = "".join(f"{task} " for task in tasks)
            lines.append(f"\tNode {index} ({name}), {len(tasks)} task(s): {numbers}\n")
        os.write(1, "".join(lines).encode())

    def _history(self, node: NodeState, offset: int, data: bytes) -> None:
        """What a machine has noted before: the latest of it, from the beginning of a record on."""
        if node.got is None or node.got < offset:
            node.got, node.reader = offset, records.Reader()
        node.live = max(node.live, offset + len(data))
        self._log(node, offset, data)

    def _log(self, node: NodeState, offset: int, data: bytes) -> None:
        if node.got is None or offset > node.got:
            return  # what lies between comes first
        is_live = offset + len(data) > node.live
        for kind, number, body in node.reader.feed(data[node.got - offset :]):
            self._note(node, kind, number, body, is_live=is_live)
        node.got = max(node.got, offset + len(data))

    def _note(self, node: NodeState, kind: int, number: int, data: bytes, *, is_live: bool) -> None:
        if kind in (records.OUT, records.ERR):
            self._outputs.put(kind, number, data)
        elif kind == records.SAID:
            self._outputs.say(number, data)
        elif kind == records.EXITED and is_live:
            self._exited(number, records.tasks_of(data))
        elif kind == records.FED and number == records.FED_EXTRA and is_live:
            node.fed += int(data)

    def _exited(self, status: int, tasks: list[int]) -> None:
        for task in tasks:
            self._outputs.finish(task)
        if self._settings.verbose:
            self._print(f"{len(tasks)} tasks finished (rc={status})")
        code = ends.code_of(status)
        if ends.signal_of(status):
            if self._settings.verbose:
                for task in tasks:
                    self._print(f"task {task} killed by signal {ends.signal_of(status)}")
        elif code:
            for task in tasks:
                self.complain(f"task {task} exited with exit code {code}")
            self._status = max(self._status, code)

    # --- standard input

    @property
    def _may_read(self) -> bool:
        if self._input_ended or not self._nodes:
            return False
        task = self._settings.input_task
        readers = [node for node in self._nodes.values() if node.size is None and (task < 0 or task in node.tasks)]
        taken = min((node.fed for node in readers), default=0)
        return self._read - taken < WINDOW

    def _read_input(self) -> None:
        try:
            data = os.read(0, BLOCK)
        except OSError:
            data = b""
        self._input_ended = not data
        self._talk.say("extra", self._settings.input_task, data)
        self._read += len(data)
