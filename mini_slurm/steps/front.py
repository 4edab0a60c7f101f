"""srun's part of a step: asks for it, shows what its tasks write and how they end, hands on input and signals."""

from __future__ import annotations

import os
from time import monotonic, strftime

from mini_slurm.protocol import flat
from mini_slurm.steps import ends, records
from mini_slurm.steps.console import Raw
from mini_slurm.steps.input import Inputs
from mini_slurm.steps.outputs import Gone, Names, Outputs
from mini_slurm.steps.settings import NodeState, Settings
from mini_slurm.steps.talk import Talk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.outputs import Layout

KILL = 9
FAILED = 1 << 8  # as wait() has exit status 1
LAST_WORD = 0.02  # seconds from a Ctrl-C that tasks hear of to their SIGKILL, which takes a detour in Slurm
MORE = 2  # seconds that srun waits longer for a step's end than its tasks are given


class Front:
    """One srun, from its request to its exit status; or of one whose step has several components, one of these."""

    def __init__(
        self, settings: Settings, talk: Talk, launch: list[bytes | str], names: Names, outputs: Outputs
    ) -> None:
        self.settings = settings
        self._talk = talk
        self._launch = launch  # the frame's fields, without offsets
        self._names = names
        self._outputs = outputs
        outputs.lose = self._lose_output
        self._nodes: dict[str, NodeState] = {}
        self._running: set[int] = set()
        self._status = 0
        self._kill_wait = 30
        self._is_created = False
        self._left_out: set[str] = set()  # machines whose tasks do not begin
        self._waited = 0
        self._complained_of: set[str] = set()  # why output cannot be written
        self.refusal: int | None = None  # the exit status, where there is no step
        self.mates: list[Front] = [self]  # all components, which end together
        self._aborting = False  # the end of the step was asked for, here or elsewhere
        self._forced = False  # ... by way of Slurm's own messages
        self._ending_signal = False
        self._deadline: float | None = None
        self._slow_at: float | None = None
        self._kill_at: float | None = None
        self._is_interrupted = False  # by Ctrl-C: that tasks die of signals is no error then
        self.inputs = Inputs(settings, talk)
        self.console = Raw(settings.input if settings.pty else None)

    # --- what is said

    def say(self, text: str) -> None:
        """A line of srun's own, unless --quiet."""
        if not self.settings.quiet:
            self._print(text)

    def complain(self, text: str) -> None:
        """A line of srun's own that says what went wrong, unless --quiet was given twice."""
        if self.settings.quiet < 2:
            self._print(f"error: {text}")

    def chat(self, text: str) -> None:
        """A line for --verbose."""
        if self.settings.verbose:
            self._print(text)

    def _print(self, text: str) -> None:
        try:
            line = f"{self.settings.program}: {text}{self.console.line_end}"
            os.write(2, line.encode("utf-8", "surrogateescape"))
        except OSError:
            return  # nobody reads it

    @property
    def step_id(self) -> str:
        """`StepId=12.0`"""
        return f"StepId={self._names.job_id}.{self._names.step}{self._names.component}"

    @property
    def wait_status(self) -> int:
        """What the step came to, as wait() says it of a process; a step that did not begin has failed."""
        return FAILED if self.refusal is not None else self._status

    @property
    def is_created(self) -> bool:
        """Has the step begun?"""
        return self._is_created

    @property
    def running(self) -> list[int]:
        """The tasks that have not ended."""
        return sorted(self._running)

    # --- the loop, which steps/watch.py has

    @property
    def is_over(self) -> bool:
        """Has all come?"""
        return self._is_created and all(node.is_complete for node in self._nodes.values())

    @property
    def channel(self) -> tuple[int, int]:
        """The connection's descriptor, and what poll() is to watch it for."""
        return self._talk.fileno(), self._talk.awaited

    def connect(self, patience: float) -> None:
        """Ask for the step, or go on with it. Raises NoAgent."""
        self._talk.connect(patience)
        offsets = {name: str(node.got) for name, node in self._nodes.items()}
        self._talk.say(*self._launch, flat.nest_pairs(offsets))
        if self._is_created:
            self._begin()
        self.inputs.send_again()

    def keep_connected(self, patience: float) -> None:
        """Connect again where the connection was lost and is needed. Raises NoAgent."""
        if not self._talk.is_open and not self.is_over and self.refusal is None:
            self.connect(patience)

    def serve(self, events: int) -> None:
        """After poll()."""
        for frame in self._talk.serve(events):
            self._take(frame)

    def finish_output(self) -> None:
        """All has come."""
        self._outputs.finish()

    def _lose_output(self, gone: Gone) -> None:
        """Tasks go on without it, as with Slurm; srun fails, unless it is only that a reader has gone."""
        if gone.why:
            self._status = ends.worse(self._status, FAILED)
            self.mates[0].complain_of(gone.why)

    def complain_of(self, why: str) -> None:
        """The output, of one of the components at least, cannot be written: said once."""
        if why not in self._complained_of:
            self._complained_of.add(why)
            self.complain(f"the output cannot be written: {why}")

    def conclude(self) -> None:
        """srun is about to exit."""
        self._talk.say("done")
        if self._ending_signal and not self._forced:
            self.say(f"Force Terminated {self.step_id}")

    def timeout(self) -> int | None:
        """In how many milliseconds something is to be done; None: in none."""
        moments = [moment for moment in (self._deadline, self._slow_at, self._kill_at) if moment is not None]
        return max(0, int((min(moments) - monotonic()) * 1000) + 1) if moments else None

    def watch_time(self) -> None:
        """Do what is due."""
        now = monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self.complain("Timed out waiting for job step to complete")
            self._talk.say("end", 0)
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self.kill()
        if self._slow_at is not None and now >= self._slow_at:
            self._slow_at = None
            self.say(f"First task exited {self.settings.wait}s ago")
            for mate in self.mates:
                mate.status()
            for mate in self.mates:
                mate.say(f"launch/slurm: _step_signal: Terminating {mate.step_id}")
                mate.kill()

    # --- what the agent says

    def _take(self, frame: list[bytes]) -> None:
        kind = flat.text(frame[0])
        if kind == "log":
            self._log(flat.text(frame[1]), flat.number(frame[2]), frame[3])
        elif kind == "created":
            self._created(frame)
        elif kind == "over":
            self._over(flat.text(frame[1]), flat.text(frame[2]), flat.number(frame[3]))
        elif kind == "wait":
            word = "still" if self._waited else "temporarily"
            self._waited += 1
            self.say(f"Job {self._names.job_id} step creation {word} disabled, retrying ({flat.text(frame[1])})")
        elif kind == "warn":
            self.complain(flat.text(frame[1]))
        elif kind == "refused":
            self._refuse(flat.text(frame[1]), flat.text(frame[2]))
        elif kind == "abort":
            self.abort()
        elif kind == "again":
            self.inputs.send_again()
        elif kind == "gone":
            self._lose_job([flat.text(name) for name in frame[1:]])

    def _refuse(self, kind: str, why: str) -> None:
        self.refusal = int(kind not in ("test", "beside"))
        if kind == "beside":
            return  # another component was told why
        job_id = self._names.job_id
        *before, why = why.split("\n")
        for line in before:
            self.complain(line)
        if kind == "confirm":
            self.complain(f"Unable to confirm allocation for job {job_id}: {why}")
            self.say(f"Check SLURM_JOB_ID environment variable. Expired or invalid job {job_id}")
        elif kind == "direct":
            self.complain(why)
        elif kind == "test":
            self.say(f"Job {job_id} to start at {strftime('%Y-%m-%dT%H:%M:%S')} using {why}")
        else:
            self.complain(f"Unable to create step for job {job_id}: {why}")

    def _created(self, frame: list[bytes]) -> None:
        if self._is_created or any(mate.refusal is not None for mate in self.mates):
            return  # it was, before the connection was lost; or nothing comes of the step
        if self._waited:
            self.say(f"Step created for job {self._names.job_id}")
        self._names.step = flat.text(frame[1])
        self._kill_wait = flat.number(frame[3])
        layout = []
        for entry in flat.split(frame[4]):
            node, tasks = flat.strings(entry)
            layout.append((node, [int(task) for task in tasks.split(",")]))
        first, count = (flat.number(field) for field in frame[5:7])
        self._nodes = {node: NodeState(tasks) for node, tasks in layout}
        self._running = {task for _, tasks in layout for task in tasks}
        self._is_created = True
        self._chat_of_layout(layout)
        try:
            self._open_files(layout, first, count)
        except OSError as error:
            self.complain(f"Could not open {error.filename2} file: {error.strerror}")
            self._talk.say("end", 0)
            self.refusal = 1
        else:
            self._begin()

    def _open_files(self, layout: Layout, first: int, count: int) -> None:
        """Open what the tasks read and write. Raises OSError.

        A file of a task's own, or of a machine's, Slurm has that machine open: where it cannot, none of the
        machine's tasks begins, which is no failure of srun.
        """
        self.inputs.open(self._names, layout, first)
        self._outputs.open(self._names, layout, first, count)
        for files in (self.inputs, self._outputs):
            self._left_out |= files.open_own(self._names, layout, first)
        for name in self._left_out:
            self._nodes[name].size = 0
            self._running.difference_update(self._nodes[name].tasks)
        for task in sorted(task for name in self._left_out for task in self._nodes[name].tasks):
            self.complain(f"task {task} launch failed: Slurmd could not connect IO")

    def _begin(self) -> None:
        """The tasks may begin, where they wait for that: those of all components, once all have their files."""
        if all(mate.is_created and mate.refusal is None for mate in self.mates):
            for mate in self.mates:
                mate.release()

    def release(self) -> None:
        """Have the tasks of this component begin."""
        if self.settings.input_file or self._outputs.has_files or len(self.mates) > 1:
            self._talk.say("begin", *sorted(self._left_out))

    def _chat_of_layout(self, layout: Layout) -> None:
        self.chat("launch/slurm: launch_p_step_launch: CpuBindType=(null type)")
        for node, tasks in layout:
            numbers = ends.ranges(tasks)
            shown = f"[{numbers}]" if len(tasks) > 1 else numbers
            self.chat(f"launching {self.step_id} on host {node}, {len(tasks)} tasks: {shown}")
        self.chat("route/default: init: route default plugin loaded")

    def _over(self, name: str, cause: str, size: int) -> None:
        node = self._nodes[name]
        if name in self._left_out:
            return
        node.size = size
        if cause == "NODE_FAIL":
            self.complain(f"Node failure on {name}")
            self._status = ends.worse(self._status, ends.KILLED)
            self._running.difference_update(node.tasks)

    def _lose_job(self, lost: list[str]) -> None:
        """The job is over, and its machines say nothing more of the step: these, as nobody can reach them."""
        if not self._is_created:
            self._refuse("create", "Job/step already completing or completed")
        for name, node in self._nodes.items():
            if not node.is_complete:
                self._over(name, "NODE_FAIL" if name in lost else "", node.got)
                ended = [task for task in node.tasks if task in self._running]
                if ended:
                    self._exited(name, ends.KILLED, ended)

    def _log(self, name: str, offset: int, data: bytes) -> None:
        node = self._nodes[name]
        if offset > node.got:
            return  # what lies between comes again
        for kind, number, body in node.reader.feed(data[node.got - offset :]):
            self._note(name, kind, number, body)
        node.got = max(node.got, offset + len(data))
        self._talk.say("ack", name, node.got)

    def _note(self, node: str, kind: int, number: int, data: bytes) -> None:
        if kind in (records.OUT, records.ERR):
            self._outputs.put(kind, number, data)
        elif kind == records.SAID:
            self._outputs.say(number, data)
        elif kind == records.STARTED:
            self.chat(f"launch/slurm: _task_start: Node {node}, {number} tasks started")
        elif kind == records.EXITED:
            self._exited(node, number, records.tasks_of(data))
        elif kind == records.CANCELLED:
            self.abort()
        elif kind == records.FED:
            self._nodes[node].fed[number] = int(data)
            self.inputs.note(list(self._nodes.values()))

    # --- how tasks end

    def _exited(self, node: str, status: int, tasks: list[int]) -> None:
        for task in tasks:
            self._outputs.finish(task)
        self._running.difference_update(tasks)
        self._status = ends.worse(self._status, status)
        self._ending_signal |= ends.signal_of(status) in (ends.TERMINATED, ends.KILLED)
        count = f"{len(tasks)} task{'s' * (len(tasks) > 1)}"
        what = f"Received task exit notification for {count} of {self.step_id} (status=0x{status:04x})."
        self.chat(f"launch/slurm: _task_finish: {what}")
        words = ends.describe(status)
        if words and not (self._is_interrupted and ends.is_death(status)):
            self.complain(f"{node}: {ends.named(tasks)}: {words}")
        else:
            self.chat(f"launch/slurm: _task_finish: {node}: {ends.named(tasks)}: {words or 'Completed'}")
        self.mates[0].heed_end(is_bad=bool(words))

    def heed_end(self, *, is_bad: bool) -> None:
        """A task has ended, of this component or, where this is the first, of any: must the others?"""
        if is_bad and self.settings.kill_on_bad_exit:
            for mate in self.mates:
                mate.terminate()
        elif self.settings.wait and any(mate.running for mate in self.mates) and self._slow_at is None:
            self._slow_at = monotonic() + self.settings.wait

    def status(self) -> None:
        """Say how the tasks are."""
        over = sorted({task for node in self._nodes.values() for task in node.tasks} - self._running)
        for tasks, word in ((self.running, "running"), (over, "exited")):
            if tasks:
                self.say(f"{self.step_id} {ends.named(tasks)}: {word}")

    def terminate(self) -> None:
        """End the tasks that are left, because of others."""
        if not self._aborting:
            self._aborting = True
            self.say(f"launch/slurm: _step_signal: Terminating {self.step_id}")
            self._talk.say("end", self._kill_wait)

    def abort(self, *, is_interrupt: bool = False) -> None:
        """The step is being ended from elsewhere, or by a signal to srun: by Ctrl-C, after a moment for the tasks."""
        if is_interrupt:
            self._is_interrupted = True
            self._kill_at = monotonic() + LAST_WORD
        if not self._aborting:
            self._aborting = self._forced = True
            seconds = self._kill_wait + MORE
            self.say(f"Job step aborted: Waiting up to {seconds} seconds for job step to finish.")
            self._deadline = monotonic() + seconds

    def kill(self) -> None:
        """Have the tasks end at once."""
        self.send_signal(KILL)

    def give_up(self) -> None:
        """There is no step yet, and none is wanted any more."""
        self.refusal = 1

    def send_signal(self, number: int) -> None:
        """Hand a signal on to the tasks."""
        self._talk.say("signal", number)

    def resize(self, rows: int, columns: int) -> None:
        """The window of srun's terminal has changed."""
        self._talk.say("window", rows, columns)
