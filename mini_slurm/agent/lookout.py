"""Looks every few seconds at who uses the GPUs, and every minute at the CPUs and the memory, once a controller asks."""

import os
import time
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Type

from mini_slurm.agent import foreign, probes, spool, usage
from mini_slurm.agent.attempt import GPU_PEAK, Attempt
from mini_slurm.agent.claims import Survey
from mini_slurm.agent.inquiry import Inquiry
from mini_slurm.agent.log import log
from mini_slurm.agent.picking import Unavailable
from mini_slurm.protocol.watching import Measure, Outside, Watch

REST = 60.0  # seconds between two looks at all processes, at least


class Lookout:
    """What was seen last, and what each controller was told of it."""

    def __init__(self, jobs: Any) -> None:
        self._jobs = jobs
        self._order: Optional[Watch] = None
        self._busy: List[Dict[str, Any]] = []  # processes that use much of the CPUs or the memory
        self._before: Dict[int, foreign.Sight] = {}
        self._scanned = 0.0
        self._on_gpus: List[Dict[str, Any]] = []
        self._used: Dict[str, List[int]] = {}  # attempt -> MiB and percent of GPUs
        self._calm: Dict[str, float] = {}  # attempt -> since when its GPUs have done nothing
        self._claimed = Survey([os.getpid()], {})
        self._told: Dict[str, Any] = {}  # by state folder
        self._failed = ""

    def handlers(self) -> Dict[Type[Any], Callable[[Any, Any], None]]:
        """What a controller asks of the use of this machine."""
        return {
            Measure: self._measure,
            Watch: self.obey,
        }

    def _measure(self, peer: Any, order: Measure) -> None:
        peer.send(usage.answer(order, self._jobs.attempts, self._used.get(order.attempt, [])))

    def obey(self, peer: Any, order: Watch) -> None:
        """A controller wants to know."""
        is_first = self._order is None
        self._order = order
        self._told.pop(peer.state_id, None)
        if is_first:
            self._look()
        else:
            self._jobs.claims.avoided = self.avoided
            self._tell()

    @property
    def avoided(self) -> Set[str]:
        """UUIDs of the GPUs that somebody uses by hand."""
        return {one["gpu"] for one in self._on_gpus if self._counts(one)}

    def _look(self) -> None:
        machine = self._jobs.machine
        asked = [probes.USE_PROBES[vendor] for vendor in machine.vendors if vendor in probes.USE_PROBES]
        commands = [command for probe in asked for command in probe.USE_COMMANDS]
        if machine.gpus and commands:
            Inquiry(self._jobs.loop, commands, lambda outputs: self._heard(asked, outputs))
        else:
            self._take([], {})

    def _heard(self, asked: List[probes.UseProbe], outputs: List[str]) -> None:
        """An answer that cannot be read changes nothing: what was seen before stands."""
        processes: List[Tuple[str, int, int]] = []
        percents: Dict[str, int] = {}
        try:
            for probe in asked:
                count = len(probe.USE_COMMANDS)
                found = probe.parse_use(outputs[:count])
                processes, percents = processes + found[0], {**percents, **found[1]}
                outputs = outputs[count:]
        except (ValueError, IndexError) as error:
            if str(error) != self._failed:
                self._failed = str(error)
                log(f"who uses the GPUs cannot be told: {error}")
            self._again()
            return
        self._take(processes, percents)

    def _take(self, processes: List[Tuple[str, int, int]], percents: Dict[str, int]) -> None:
        claimed = self._survey()
        roots = self._roots()
        sights = self._scan(roots) if processes or time.monotonic() >= self._scanned + REST else {}
        index_of = {gpu["uuid"]: gpu["index"] for gpu in self._jobs.machine.gpus}
        memory: Dict[str, int] = {}
        self._on_gpus = []
        for uuid, pid, size in processes:
            whose = foreign.holder(pid, sights, roots)
            if whose:
                memory[whose] = memory.get(whose, 0) + size
            elif whose is None and uuid in index_of and not claimed.is_of_other(uuid, pid):
                one = foreign.use(pid, sights.get(pid))
                self._on_gpus.append({**one, "gpu": uuid, "index": index_of[uuid], "gpu_memory": size})
        self._note_use(memory, percents)
        self._jobs.claims.avoided = self.avoided
        self._tell()
        self._again()

    def _again(self) -> None:
        if self._order:
            every = self._order.every if self._jobs.machine.gpus else max(self._order.every, REST)
            self._jobs.loop.later(max(every, 1.0), self._look)

    def _survey(self) -> Survey:
        try:
            self._claimed = self._jobs.claims.survey()
        except (OSError, Unavailable) as error:
            log(f"the claims of this machine cannot be read: {error}")
        return self._claimed

    def _roots(self) -> Dict[int, str]:
        roots = dict.fromkeys(self._claimed.agents, "")
        for name, attempt in self._jobs.attempts.items():
            if attempt.ended is None:
                pids = [attempt.child, *attempt.children, (attempt.started or {}).get("stepd", 0)]
                roots.update((pid, name.partition("-")[0]) for pid in pids if pid)
        return roots

    def _scan(self, roots: Dict[int, str]) -> Dict[int, foreign.Sight]:
        sights, now = foreign.scan(), time.monotonic()
        if now >= self._scanned + REST:
            self._busy = foreign.busy(sights, self._before, now - self._scanned, roots)
            self._before, self._scanned = sights, now
        return sights

    # --- what jobs do with their GPUs

    def _note_use(self, memory: Dict[str, int], percents: Dict[str, int]) -> None:
        now = time.monotonic()
        calm, used = {}, {}
        for name, attempt in self._jobs.attempts.items():
            held = (attempt.started or {}).get("gpus", ())
            told = [percents[uuid] for uuid in held if uuid in percents]
            if told and attempt.ended is None and not attempt.head:
                used[name] = [memory.get(name, 0), max(told)]
                _note_peak(attempt, *used[name])
                if not max(told):
                    calm[name] = self._calm.get(name, now)
        self._calm, self._used = calm, used

    # --- telling

    def _counts(self, one: Dict[str, Any]) -> bool:
        if self._order is None or {one["owner"], one["command"]} & set(self._order.ignored):
            return False
        return not one["gpu"] or not one["gpu_memory"] or one["gpu_memory"] >= self._order.gpu_memory

    def _tell(self) -> None:
        for state_id, peer in self._jobs.peers.items():
            news = self._news(state_id)
            digest = _digest(news)
            if self._told.get(state_id) != digest:
                self._told[state_id] = digest
                peer.send(news)

    def _news(self, state_id: str) -> Outside:
        uses = [one for one in [*self._on_gpus, *self._busy] if self._counts(one)]
        free = self.avoided - set(self._claimed.gpus)
        blocked: Dict[str, int] = {}
        for gpu in self._jobs.machine.gpus:
            if gpu["uuid"] in free:
                blocked[gpu["type"]] = blocked.get(gpu["type"], 0) + 1
        now = time.monotonic()
        patience = self._order.idle_after if self._order else 0.0
        names = [name for name in self._jobs.names(state_id) if now - self._calm.get(name, now) >= patience > 0]
        return Outside(uses[: foreign.MOST], blocked, {name: now - self._calm[name] for name in names})


def _digest(news: Outside) -> Any:
    """What is worth telling: small changes of what somebody uses are not."""
    uses = [(one["pid"], one["start"], one["gpu"], one["gpu_memory"] // 256, round(one["cpus"])) for one in news.uses]
    return uses, news.blocked, sorted(news.idle)


def _note_peak(attempt: Attempt, memory: int, percent: int) -> None:
    before = attempt.gpu_peak
    attempt.gpu_peak = (max(memory, before[0]), max(percent, before[1]))
    if attempt.gpu_peak != before:
        try:
            spool.write_json(attempt.folder, GPU_PEAK, {"memory": attempt.gpu_peak[0], "percent": attempt.gpu_peak[1]})
        except OSError as error:
            log(f"the use of GPUs by {attempt.name} is kept in memory only: {error}")
