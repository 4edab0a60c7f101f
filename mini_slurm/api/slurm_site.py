"""Machines and partitions of a real Slurm, as its sinfo and scontrol tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from mini_slurm.api.info import NodeInfo, PartitionInfo
from mini_slurm.clusters.base import Answer, Call, Unanswered
from mini_slurm.clusters.slurm_records import SEPARATOR
from mini_slurm.model.hostlist import expand
from mini_slurm.model.units import parse_time_limit

FIELDS = (
    *("NodeHost", "PartitionName", "StateLong", "CPUs", "Memory", "Gres", "Features_act", "CPUsState", "AllocMem"),
    *("GresUsed", "Reason"),
)
FORMAT = ",".join(f"{name}:{SEPARATOR}" for name in FIELDS)
NOTHING = ("(null)", "none", "N/A", "")
Run = Callable[[Call], Answer]


def nodes(run: Run) -> list[NodeInfo]:
    """Every machine. Raises Unanswered."""
    found: dict[str, NodeInfo] = {}
    for line in _ask(run, "sinfo", "--noheader", "--Node", "--exact", f"--Format={FORMAT}").splitlines():
        fields = line.split(SEPARATOR)
        if len(fields) <= len(FIELDS):
            continue
        one = dict(zip(FIELDS, fields, strict=False))
        before = found.get(one["NodeHost"])
        names = (*(before.partitions if before else ()), one["PartitionName"].rstrip("*"))
        found[one["NodeHost"]] = _node(one, names)
    return list(found.values())


def _node(one: dict[str, str], partitions: tuple[str, ...]) -> NodeInfo:
    gpus = dict(_gpus(one["Gres"]))
    _, idle, _, cpus = (int(count) for count in one["CPUsState"].split("/"))
    memory = _number(one["Memory"])
    return NodeInfo(
        name=one["NodeHost"],
        state=one["StateLong"],
        reason="" if one["Reason"] in NOTHING else one["Reason"],
        partitions=partitions,
        cpus=cpus,
        free_cpus=idle,
        memory=memory,
        free_memory=max(memory - _number(one["AllocMem"]), 0),
        gpus=gpus,
        free_gpus=max(sum(gpus.values()) - sum(dict(_gpus(one["GresUsed"])).values()), 0),
        features=() if one["Features_act"] in NOTHING else tuple(one["Features_act"].split(",")),
    )


def _gpus(text: str) -> Iterator[tuple[str, int]]:
    """The GPUs of `gpu:a100:2(S:0),shard:8` by type."""
    inside = 0
    plain = ""
    for letter in text:
        inside += (letter == "(") - (letter == ")")
        plain += letter if not inside and letter != ")" else ""
    for word in plain.split(","):
        name, *rest = word.split(":")
        if name == "gpu" and rest:
            yield (rest[0] if len(rest) > 1 else ""), _number(rest[-1])


def partitions(run: Run) -> list[PartitionInfo]:
    """Every partition. Raises Unanswered."""
    answer = _ask(run, "scontrol", "--oneliner", "show", "partition")
    records = [dict(word.partition("=")[::2] for word in line.split()) for line in answer.splitlines()]
    return [_partition(record) for record in records if "PartitionName" in record]


def _partition(record: dict[str, str]) -> PartitionInfo:
    most = record.get("MaxNodes", "")
    names = record.get("Nodes", "")
    return PartitionInfo(
        name=record["PartitionName"],
        is_default=record.get("Default") == "YES",
        state=record.get("State", ""),
        nodes=() if names in NOTHING else tuple(expand(names)),
        max_time=_span(record.get("MaxTime", "")),
        default_time=_span(record.get("DefaultTime", "")),
        max_nodes=int(most) if most.isdigit() else None,
    )


def _span(text: str) -> timedelta | None:
    if text in (*NOTHING, "NONE"):
        return None
    seconds = parse_time_limit(text)
    return None if seconds is None else timedelta(seconds=seconds)


def _number(text: str) -> int:
    digits = "".join(letter for letter in text if letter.isdigit())
    return int(digits or 0)


def _ask(run: Run, *words: str) -> str:
    answer = run(Call(words))
    if answer.code:
        said = answer.err.decode(errors="replace").strip().splitlines()
        raise Unanswered(said[-1] if said else f"{words[0]} ended with exit status {answer.code}")
    return answer.out.decode("utf-8", "backslashreplace")
