"""A day of parallel jobs as U. Lublin and D. Feitelson modelled them from the logs of four large computers.

"The workload on parallel supercomputers: modeling the characteristics of rigid jobs", Journal of Parallel and
Distributed Computing 63 (2003). Sizes are log-uniform in two stages and mostly powers of two, run times are
hyper-gamma and longer for larger jobs, and jobs come more often by day.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

SERIAL, POWERS_OF_TWO = 0.244, 0.576  # parts of all jobs
LOW, MIDDLE_BELOW, MIDDLE_PART = 0.8, 2.5, 0.86  # of log2 of the size: least, largest less this, how many are below
SHORT, LONG = (4.2, 0.94), (312.0, 0.03)  # gamma distributions of the logarithm of a run time: shape and scale
SHORT_PART = (-0.0054, 0.78)  # how many jobs are of the short kind: times the size, plus
GAP = (10.2303, 0.4871)  # gamma distribution of the logarithm of the time between jobs, at the busiest hours
CYCLE = (8.1737, 3.9631, 11)  # gamma distribution of the half hours of a day at which jobs come, and the first one
BUCKETS, HALF_HOUR = 48, 1800
LONGEST = 24 * 3600  # seconds
LARGEST = 128  # machines of a job, as on the computers of the model: who has more machines has more jobs


class Request(NamedTuple):
    """One job."""

    submitted: float
    nodes: int
    run_time: float
    time_limit: int


def day(machines: int, load: float, seed: int = 1) -> list[Request]:
    """The jobs of a day that would keep so much of the machines busy."""
    rng = random.Random(seed)
    jobs: list[Request] = []
    wanted, asked, moment = load * machines * 86400, 0.0, 0.0
    while asked < wanted:
        nodes = _size(rng, min(machines, LARGEST))
        run_time = _run_time(rng, nodes)
        moment = _next(rng, moment)
        limit = 60 * math.ceil(run_time * rng.choice((1, 1.5, 2, 5, 10)) / 60)  # people ask for much more than they use
        jobs.append(Request(moment, nodes, run_time, min(limit, LONGEST)))
        asked += nodes * run_time
    scale = 86400 / moment  # the same jobs, as close to each other as the load asks for
    return [job._replace(submitted=job.submitted * scale) for job in jobs]


def _size(rng: random.Random, largest: int) -> int:
    if rng.random() < SERIAL:
        return 1
    high = math.log2(largest)
    middle = high - MIDDLE_BELOW
    power = rng.uniform(LOW, middle) if rng.random() < MIDDLE_PART else rng.uniform(middle, high)
    return min(2 ** round(power) if rng.random() < POWERS_OF_TWO else round(2**power), largest)


def _run_time(rng: random.Random, nodes: int) -> float:
    part = min(max(SHORT_PART[0] * nodes + SHORT_PART[1], 0.0), 1.0)
    shape, scale = SHORT if rng.random() < part else LONG
    return min(max(math.exp(rng.gammavariate(shape, scale)), 1.0), LONGEST)


def _next(rng: random.Random, moment: float) -> float:
    """Time runs faster at the hours at which more jobs come."""
    shape, scale, first = CYCLE
    left = math.exp(min(rng.gammavariate(GAP[0], GAP[1]), 11.0))
    while True:
        bucket = (int(moment // HALF_HOUR) - first) % BUCKETS
        pace = _density(bucket + 0.5, shape, scale) * BUCKETS
        until = (moment // HALF_HOUR + 1) * HALF_HOUR - moment
        if left <= until * pace:
            return moment + left / max(pace, 1e-9)
        left -= until * pace
        moment += until


def _density(x: float, shape: float, scale: float) -> float:
    return x ** (shape - 1) * math.exp(-x / scale) / (math.gamma(shape) * scale**shape)
