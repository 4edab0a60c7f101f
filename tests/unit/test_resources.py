"""model/resources.py: GPUs that are shared, as slots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.allocation import Share, format_allocation, parse_allocation
from mini_slurm.model.resources import Resources, Size, Slot, format_shares, parse_shares

SLOTS = [Slot("a100", 0, 12), Slot("a100", 1, 12), Slot("", 0, 4)]
HELD = st.dictionaries(st.sampled_from(SLOTS), st.integers(1, 4), min_size=1)
EMPTY = Resources(4, 1000, {"a100": 20, "": 20})


def test_the_first_part_takes_a_gpu_and_the_last_one_gives_it_back() -> None:
    part = Resources(shares={SLOTS[0]: 5})
    once = EMPTY.minus(part)
    assert (once.gpus["a100"], once.shares) == (19, {SLOTS[0]: 7})
    twice = once.minus(part)
    assert (twice.gpus["a100"], twice.shares) == (19, {SLOTS[0]: 2})
    assert twice.plus(part).plus(part) == EMPTY


def test_a_slot_that_is_full_stays_one() -> None:
    full = EMPTY.minus(Resources(shares={SLOTS[0]: 12}))
    assert full.shares == {SLOTS[0]: 0}
    assert full.plus(Resources(shares={SLOTS[0]: 12})) == EMPTY


@given(st.lists(HELD, max_size=6), st.randoms())
def test_whatever_is_taken_can_be_given_back_in_any_order(jobs: list[dict[Slot, int]], random: object) -> None:
    taken: list[Resources] = []
    free = EMPTY
    for shares in jobs:
        if all(free.shares.get(slot, slot.size) >= part for slot, part in shares.items()):
            taken.append(Resources(shares=shares))
            free = free.minus(taken[-1])
    random.shuffle(taken)  # type: ignore[attr-defined]
    for one in taken:
        free = free.plus(one)
    assert free == EMPTY


def test_parts_are_written_and_read() -> None:
    shares = {Slot("a100_3g.20gb", 3, 20480): 512, Slot("", 0, 4): 1}
    assert parse_shares(format_shares(shares)) == shares
    allocation = {"node1": Share(Resources(1, 2, {"": 1}, shares), 1), "node2": Share(Resources(1, 2), 1)}
    assert parse_allocation(format_allocation(allocation)) == allocation


def test_a_part_of_a_gpu_by_shards_and_by_memory() -> None:
    assert Size(81920, 4).part(0, 1) == 20480
    assert Size(100, 3).part(0, 3) == 100
    assert Size(0, 4).part(0, 3) == 3
    assert Size(81920, 4).part(1000, 0) == 1000
    assert Size(81920, 0).part(0, 1) > 81920
    assert Size(0, 4).part(1000, 0) > 4
    assert Size(81920, 4).part(0, 5) > 81920


def test_a_shared_gpu_counts_as_what_is_had_of_it() -> None:
    held = Resources(gpus={"": 1}, shares={SLOTS[0]: 3, SLOTS[1]: 6})
    assert (held.gpu_count, held.visible_gpus, held.gpu_fractions) == (1, 3, 1.75)
