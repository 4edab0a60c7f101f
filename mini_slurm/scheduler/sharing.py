"""Which GPUs of a machine give the parts that a job asks for: the one on which the least is left, else a free one."""

from __future__ import annotations

from mini_slurm.model.gres import Part
from mini_slurm.model.resources import Resources, Shares, Slot


def pick(wanted: tuple[Part, ...], free: Resources) -> Shares | None:
    """The job's parts by slot; None where there is no room for all of them."""
    picking = _Picking(free)
    for one in wanted:
        if not picking.take(one):
            return None
    return picking.picked


class _Picking:
    def __init__(self, free: Resources) -> None:
        self._sizes = free.sizes
        self._gpus = dict(free.gpus)
        self._left = dict(free.shares)
        self.picked: dict[Slot, int] = {}

    def take(self, one: Part) -> bool:
        """Take a part; where no GPU has so many shards, several whole ones and the rest of another."""
        kinds = [kind for kind in self._sizes if one.type in ("", kind)]
        amounts = {kind: self._sizes[kind].part(one.memory, one.shards) for kind in kinds}
        amounts = {kind: amount for kind, amount in amounts.items() if amount <= self._sizes[kind].whole}
        if amounts:
            return self._take_of_one(amounts)
        return one.shards > 0 and any(self._take_of_several(kind, one.shards) for kind in kinds)

    def _take_of_one(self, amounts: dict[str, int]) -> bool:
        usable = [
            slot
            for slot, left in self._left.items()
            if slot not in self.picked and left >= amounts.get(slot.type, left + 1)
        ]
        slot = min(usable, key=lambda slot: self._left[slot] - amounts[slot.type], default=None)
        if slot is None:
            closed = [kind for kind in amounts if self._gpus.get(kind, 0) > 0]
            if not closed:
                return False
            slot = self._open(min(closed, key=lambda kind: self._sizes[kind].whole))
        self.picked[slot] = amounts[slot.type]
        return True

    def _open(self, kind: str) -> Slot:
        numbers = {slot.number for slot in self._left if slot.type == kind}
        number = next(number for number in range(len(numbers) + 1) if number not in numbers)
        slot = Slot(kind, number, self._sizes[kind].whole)
        self._gpus[kind] -= 1
        self._left[slot] = slot.size
        return slot

    def _take_of_several(self, kind: str, shards: int) -> bool:
        size = self._sizes[kind]
        if not size.shards:
            return False
        count, rest = divmod(shards, size.shards)
        if count + (rest > 0) > self._gpus.get(kind, 0) + (rest > 0):
            return False
        for _ in range(count):
            self.picked[self._open(kind)] = size.whole
        return not rest or self._take_of_one({kind: size.part(0, rest)})
