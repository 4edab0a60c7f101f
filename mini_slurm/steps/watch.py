"""srun's loop: sees a step to its end, on as many connections as it has components."""

from __future__ import annotations

import os
from select import POLLIN, poll

from mini_slurm.steps import ends
from mini_slurm.steps.input import BLOCK
from mini_slurm.steps.signals import Signals
from mini_slurm.steps.talk import NoAgent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.front import Front

FIRST_PATIENCE = 60.0  # seconds without any agent, before anything has begun: a lost one is replaced by then
LONG_PATIENCE = 3600.0  # ... and while a step runs


def run(fronts: list[Front]) -> int:
    """See the components of one step to their ends; srun's exit status. The first one speaks for all of them."""
    first = fronts[0]
    for front in fronts:
        front.mates, front.console = fronts, first.console
    signals = Signals(fronts)
    with signals, first.console:
        try:
            for front in fronts:
                front.connect(FIRST_PATIENCE)
            while not (all(front.is_over for front in fronts) or any(front.refusal is not None for front in fronts)):
                _turn(fronts, signals)
            for front in fronts:
                front.finish_output()
        except NoAgent as error:
            first.complain(str(error))
            return 1
    return _conclude(fronts)


def _conclude(fronts: list[Front]) -> int:
    refusals = [front.refusal for front in fronts if front.refusal is not None]
    if refusals:
        return max(refusals)
    for front in fronts:
        front.conclude()
    return ends.exit_code(wait_status(fronts))


def wait_status(fronts: list[Front]) -> int:
    """What the step came to, as wait() says it of a process."""
    status = 0
    for front in fronts:
        status = ends.worse(status, front.wait_status)
    return status


def _turn(fronts: list[Front], signals: Signals) -> None:
    poller = poll()
    poller.register(signals.descriptor, POLLIN)
    talking = {}
    for front in fronts:
        descriptor, awaited = front.channel
        if descriptor >= 0:
            talking[descriptor] = front
            poller.register(descriptor, awaited)
    for descriptor in _readable(fronts):
        poller.register(descriptor, POLLIN)
    for descriptor, events in poller.poll(_timeout(fronts)):
        if descriptor in talking:
            talking[descriptor].serve(events)
        elif descriptor == signals.descriptor:
            signals.take()
        else:
            _read(fronts, descriptor)
    for front in fronts:
        front.watch_time()
        front.keep_connected(LONG_PATIENCE)


def _readable(fronts: list[Front]) -> set[int]:
    """What standard input comes from, where all who read it have room."""
    if not all(front.is_created for front in fronts):
        return set()
    reading = [one for front in fronts if not front.is_over for one in front.inputs.all]
    return {one.descriptor for one in reading} - {one.descriptor for one in reading if not one.is_wanted}


def _read(fronts: list[Front], descriptor: int) -> None:
    """Hand on what there is, to all components; nothing: its end."""
    try:
        data = os.read(descriptor, BLOCK)
    except OSError:
        data = b""
    for front in fronts:
        for one in front.inputs.all:
            if one.descriptor == descriptor:
                one.take(data)


def _timeout(fronts: list[Front]) -> int | None:
    timeouts = [timeout for timeout in (front.timeout() for front in fronts) if timeout is not None]
    return min(timeouts) if timeouts else None
