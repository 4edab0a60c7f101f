"""The sattaches: who else hears of a step what its srun hears, and may write to its tasks."""

import os
from collections import deque
from typing import TYPE_CHECKING, Deque, Iterator, List, Tuple

from mini_slurm.agent import spool
from mini_slurm.agent.backlog import NOTE
from mini_slurm.agent.clients import Asker
from mini_slurm.agent.journal import FILE
from mini_slurm.agent.outlet import CHUNK, READ
from mini_slurm.agent.part import Part
from mini_slurm.agent.step import JobSteps, Step
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import Output, Recall, TaskInput
from mini_slurm.steps import records

if TYPE_CHECKING:
    from mini_slurm.agent.steps import Steps

LATEST = 128  # pieces of output from before that a sattach is shown, as Slurm keeps so many
HISTORY = "history"  # the stream in which a machine says them
BLOCK = 1 << 20
MOST = 1 << 24  # bytes that a sattach may be behind, before its connection ends
BATCH = "batch"
BESIDE = -1  # in place of an offset: no part of what srun sends
NO_STEP = "Invalid job id specified"


class Watchers:
    """All of them, on the first machine of their jobs."""

    def __init__(self, steps: "Steps") -> None:
        self._steps = steps

    def attach(self, client: Asker, frame: List[bytes]) -> None:
        """A sattach wants to see a step. Raises BadFrame."""
        try:
            attempt, job_id, number, only_layout = map(flat.text, frame[2:6])
        except ValueError as error:
            raise flat.BadFrame(f"no step to attach to: {error}") from None
        job = self._steps.find(attempt, job_id)
        if job is not None and number == BATCH and not job.is_allocation:
            client.say("attached", flat.nest([flat.nest([job.node, "0", ""])]))
            return
        steps = [one for one in _named(job, number) if not (one.is_over or one.record["hidden"])] if job else []
        if not steps:
            client.say("refused", "step", NO_STEP)
            return
        places = [
            flat.nest([part.node, ",".join(map(str, part.tasks)), "1" * (part.node in step.running)])
            for step in steps
            for part in step.parts()
        ]
        client.say("attached", flat.nest(places))
        if only_layout != "1":
            self._subscribe(client, steps)

    def _subscribe(self, client: Asker, steps: List[Step]) -> None:
        client.watched, client.behind = steps, 0
        for step in steps:
            step.watchers.append(client)
            for node in sorted(step.running):
                self._steps.say(step, node, Recall(step.name))

    def take(self, client: Asker, frame: List[bytes]) -> None:
        """Do what a sattach says. Raises BadFrame."""
        kind = flat.text(frame[0])
        if kind == "ack":
            client.behind = max(0, client.behind - flat.number(frame[3]))
        elif kind == "extra":
            self._feed(client.watched, flat.number(frame[1]), frame[2])

    def _feed(self, steps: List[Step], task: int, data: bytes) -> None:
        """Hand input to all tasks, or to the first one of this number."""
        running = [(step, part) for step in steps if not step.is_over for part in step.parts()]
        for step, part in running:
            if part.node in step.running and (task < 0 or task in part.tasks):
                self._steps.say(step, part.node, TaskInput(step.name, task, BESIDE, data))
                if task >= 0:
                    return

    def leave(self, client: Asker) -> None:
        """It has gone."""
        for step in client.watched:
            step.watchers.remove(client)
        client.watched = []


def _named(job: JobSteps, tag: str) -> List[Step]:
    """The step that is meant, all components of it, or, by a plus, one of these."""
    number, plus, component = tag.partition("+")
    if plus:
        steps = [step for step in job.meant(f"-{number}") if step.is_component]
        return [step for step in steps if str(step.part) == component]
    return [step for step in job.meant(f"-{tag}") if step.is_component or step.tag == tag]


def tell(step: Step, node: str, output: Output) -> None:
    """What a machine has noted of the step goes to everybody who watches."""
    kind = HISTORY if output.stream == HISTORY else "log"
    for client in list(step.watchers):
        client.behind += len(output.data)
        if client.behind > MOST:
            client.close()
        else:
            client.say(kind, node, output.offset, output.data)


def tell_over(step: Step, node: str, cause: str, size: int) -> None:
    """A machine's part is over."""
    for client in step.watchers:
        client.say("over", node, cause, size)


def dismiss(step: Step) -> None:
    """Nothing more will be heard of the step."""
    for client in step.watchers:
        client.watched.remove(step)
        if not client.watched:
            client.say("gone")
    step.watchers.clear()


def latest(part: Part) -> Iterator[Output]:
    """What the machine has noted last, up to where it has told of it, from the beginning of a record on."""
    end = part.outlet.sent[FILE]
    file = os.open(os.path.join(part.folder, FILE), READ)
    try:
        note = spool.read_json(part.folder, NOTE)
        position = _first(file, note["begin"] if note else 0, end)
        while True:
            data = os.pread(file, min(CHUNK, end - position), position)
            yield Output(part.name, HISTORY, position, 0, data)
            position += len(data)
            if not data or position >= end:
                return
    finally:
        os.close(file)


def _first(file: int, begin: int, end: int) -> int:
    """Where the last pieces of output begin."""
    found: Deque[int] = deque(maxlen=LATEST + 1)
    for position, kind in _records(file, begin, end):
        if kind in (records.OUT, records.ERR):
            found.append(position)
    return found[1] if len(found) > LATEST else min(begin, end)


def _records(file: int, begin: int, end: int) -> Iterator[Tuple[int, int]]:
    """Where each record begins, and of which kind it is."""
    block, start = b"", begin
    position = begin
    while position < end:
        offset = position - start
        if offset + records.HEAD > len(block):
            block, start, offset = os.pread(file, BLOCK, position), position, 0
            if len(block) < records.HEAD:
                return
        yield position, block[offset]
        position += records.HEAD + int.from_bytes(block[offset + 5 : offset + records.HEAD], "big")
