"""The watcher of one machine's part of a step: as stepd is for a batch script, but with many tasks."""

import os
import signal
import traceback
from contextlib import suppress
from typing import Any, Dict, List, NoReturn, Optional, Set

from mini_slurm.agent import limits, processes, prolog, spool
from mini_slurm.agent.feed import Feed
from mini_slurm.agent.fork import fork
from mini_slurm.agent.journal import Journal
from mini_slurm.agent.kit import NEWS, Kit
from mini_slurm.agent.memory import EXIT_SIGNAL
from mini_slurm.agent.script import FAILED, no_folder
from mini_slurm.agent.stepd import LOST, Place, Stepd, now
from mini_slurm.agent.task import Files, TaskPlan, become_task, environment
from mini_slurm.agent.terminal import open_terminal, resize
from mini_slurm.protocol.messages import StartTasks
from mini_slurm.steps import ends, records

TOGETHER = 0.1  # seconds in which tasks end together: srun then speaks of them in one line
QUIET = 0.002  # seconds between two notices of news


class TaskWatcher(Stepd):
    """A part of a step, from its tasks' start to its last process's end."""

    kind = "STEP"

    def __init__(self, place: Place, kit: Kit, plan: Dict[str, Any], started: Optional[Dict[str, Any]]) -> None:
        self.tasks: List[int] = plan["tasks"]
        self.pids: Dict[int, int] = {}  # of the tasks that run -> index of the task
        self.starts: Dict[int, int] = {}  # pid -> when it began, as /proc has it
        self.statuses: Dict[int, List[int]] = {}  # wait status -> tasks that ended with it and were not reported yet
        self.report_at: Optional[float] = None
        self.worst = 0
        self.rss: Dict[int, int] = {}  # task -> KiB
        self.epilogs: Set[int] = set()
        self.values: List[Dict[bytes, bytes]] = []
        self.told_at = 0.0
        self.unseen = 0  # tasks whose end nobody saw
        super().__init__(place, kit, plan, started)
        self.message = StartTasks(**plan)

    @property
    def title(self) -> str:
        """Its StepId in Slurm's messages."""
        return self.message.title

    def _open_streams(self, started: Optional[Dict[str, Any]]) -> Any:
        return Journal(self.place.folder, self.tasks, Feed(self.place.folder))

    def start(self, visible: List[Dict[str, str]]) -> None:
        """Start the tasks and see them to their end. Raises OSError while nothing has been started."""
        limits.pin(self.place.claim.cpus)
        self._check_folder()
        self._enclose()
        held, go = os.pipe()
        changed = limits.changed_limits(self.message.limits)
        for index in range(len(self.tasks)):
            programs = self.message.programs
            values = environment(self.message, index, visible[index])
            self.values.append(values)
            plan = TaskPlan(self.message, programs[index if len(programs) > 1 else 0], values, changed)
            self._fork_task(index, plan, held, go)
        os.close(held)
        self._note()
        self.streams.put(records.record(records.STARTED, len(self.tasks), b""))
        os.write(go, b"g" * len(self.tasks))
        os.close(go)
        self.kit.tell(NEWS, self.told)
        self._serve()

    def _enclose(self) -> None:
        """Have the kernel see to the step's memory, within the job's. Raises OSError, ValueError: a damaged spool."""
        job, _, step = self.place.folder.rpartition("-")
        group = (spool.read_json(job, "started.json") or {}).get("cgroup", "")
        if group:
            self.memory.enclose_within(group, step)
        else:
            self.memory.enclose(self.kit.cgroups, self.message.attempt, is_job=False)

    def _check_folder(self) -> None:
        try:
            os.close(os.open(self.message.work_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError as error:
            line = no_folder(self.message.work_dir, error)
            self.streams.say(f"slurmstepd-{self.message.node}: error: {line}\n")

    def _fork_task(self, index: int, plan: TaskPlan, held: int, go: int) -> None:
        files = self._files(index)
        pid = fork()
        if not pid:
            os.close(go)
            _in_child(plan, files, held)
        self.memory.add(pid)
        self.pids[pid] = index
        self.starts[pid] = processes.start_now()
        for descriptor in {files.std_in, files.std_out, files.std_err}:
            os.close(descriptor)

    def _files(self, index: int) -> Files:
        """Descriptors for a task's standard streams; the other ends are kept here."""
        task = self.tasks[index]
        if tuple(self.message.pty) != (0, 0) and task:
            nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)  # the terminal is the first task's
            return Files(nothing, nothing, nothing, False)
        if tuple(self.message.pty) != (0, 0):
            master, slave = open_terminal(self.message.pty)
            self.streams.watch_terminal(self.kit.poll, master, task)
            if task in self.message.inputs:
                self.streams.feed.add(task, os.dup(master))  # waited for by itself, as the other is read
            return Files(slave, slave, slave, True)
        if task in self.message.inputs:
            reader, writer = os.pipe()
            self.streams.feed.add(task, writer)
        else:
            reader = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        output, errors = self.streams.handles(index)
        return Files(reader, output, errors, False)

    def adopt(self, started: Dict[str, Any]) -> None:
        """See a part of a step to its end that another stepd started."""
        self._take_over(started)
        self.streams.feed.end()
        ended = self.streams.mend()
        pids = started["tasks"]
        self.pids = {pid: index for index, pid in enumerate(pids) if self.tasks[index] not in ended}
        self.starts = dict(zip(pids, started["starts"]))
        self.kit.tell(NEWS)
        self._serve()

    def _started(self) -> Dict[str, Any]:
        pids = sorted(self.pids, key=lambda pid: self.pids[pid])
        values = super()._started()
        return {**values, "tasks": pids, "starts": [self.starts[pid] for pid in pids]}

    def _exited(self, pid: int, status: int) -> None:
        self.epilogs.discard(pid)
        index = self.pids.pop(pid, None)
        if index is None:
            return
        self.streams.drain(self.tasks[index])
        if status and self.memory.kills:
            status = EXIT_SIGNAL
        self.statuses.setdefault(status, []).append(self.tasks[index])
        self.worst = ends.booked(self.worst, status)
        if self.report_at is None:
            self.report_at = now() + TOGETHER
        if self.message.epilog and self.values:
            self._run_epilog(index)

    def _run_epilog(self, index: int) -> None:
        if prolog.trouble("task_epilog", self.message.epilog):
            denied = f"Could not run user task_epilog [{self.message.epilog}]: access denied"
            for line in (denied, "TaskEpilog failed status=-1"):
                self.streams.say(f"slurmstepd-{self.message.node}: error: {line}\n")
            return
        files = self.streams.handles(index)
        with suppress(OSError):
            self.epilogs.add(prolog.run_after(self.message.epilog, self.values[index], files))
        for descriptor in files:
            os.close(descriptor)

    def _has_ended(self) -> bool:
        if self.adopted:
            self._look_for_lost()
        if self.statuses and (not self.pids or now() >= (self.report_at or 0.0)):
            self._report()
        self._tell()
        return not self.pids and not self.epilogs

    def _report(self) -> None:
        for status, tasks in sorted(self.statuses.items(), key=lambda item: item[1]):
            self.streams.put(records.exited(status, sorted(tasks)))
        self.statuses.clear()
        self.report_at = None

    def _tell(self) -> None:
        """Have the agent look at what is new, not more often than it can."""
        if self.streams.news and now() >= self.told_at + QUIET:
            self.streams.news = False
            self.told_at = now()
            self.kit.tell(NEWS)

    def _look_for_lost(self) -> None:
        """Tasks that are not our children, and whose end the agent says nothing of."""
        gone = [pid for pid in self.pids if not processes.is_running(pid, self.starts[pid])]
        if not gone:
            self.lost_at = None
        elif self.lost_at is None:
            self.lost_at = now()
        elif now() > self.lost_at + LOST:
            for pid in gone:
                self.unseen += 1
                self._exited(pid, signal.SIGKILL)

    def _reap(self) -> None:
        for pid, status, used in processes.ended_children():
            rss = self._count(used.ru_utime, used.ru_stime, used.ru_maxrss)
            if pid in self.pids:
                self.rss[self.tasks[self.pids[pid]]] = rss
            self._exited(pid, status)

    def _members(self) -> List[int]:
        if self.adopted or not self.kit.is_reaper:
            return self.memory.with_hidden(processes.members(self.plan["attempt"], -1))
        return processes.descendants([os.getpid()])

    def _timeout(self) -> float:
        moments = [super()._timeout()]
        if self.report_at is not None:
            moments.append(self.report_at - now())
        if self.streams.news:
            moments.append(self.told_at + QUIET - now())
        return max(0.0, min(moments))

    def _signal(self, number: int, whom: str) -> None:
        if number in (signal.SIGTERM, signal.SIGKILL):
            self._announce("")
        processes.send(self._members() if whom == "whole" else list(self.pids), number)

    def _announce(self, why: str) -> None:
        if not self.said:
            self.streams.put(records.record(records.CANCELLED, int(bool(why)), b""))
        if 0 in self.tasks:
            super()._announce(why)
        self.said = True  # the machine of the first task speaks for all

    def _obey_other(self, word: str, rest: List[str]) -> None:
        if word == "acknowledged":
            self.streams.backlog.free(int(rest[0]))
        if word == "window":
            for master in self.streams.terminals:
                with suppress(OSError):
                    resize(master, (int(rest[0]), int(rest[1])))

    def _ended(self) -> Dict[str, Any]:
        return {
            **super()._ended(),
            "cause": "NODE_FAIL" if self.unseen and not self.cause else self.cause,
            "exit_code": ends.code_of(self.worst),
            "exit_signal": ends.signal_of(self.worst),
            "rss": {str(task): size for task, size in self.rss.items()},
        }


def _in_child(plan: TaskPlan, files: Files, held: int) -> NoReturn:
    try:
        become_task(plan, files, held)
    except BaseException:
        traceback.print_exc()  # into the task's standard error
    finally:
        os._exit(FAILED)
