"""NVIDIA's GPUs. A GPU that is divided (MIG) counts as its parts, since CUDA takes no job to the whole of it."""

import re
from typing import Any, Dict, List, Tuple

from mini_slurm.agent.probes.names import slug

COMMANDS = (
    ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"],
    ["nvidia-smi", "-L"],
)
USE_COMMANDS = (
    ["nvidia-smi", "--query-compute-apps=gpu_uuid,pid,used_memory", "--format=csv,noheader,nounits"],
    ["nvidia-smi", "--query-gpu=uuid,utilization.gpu", "--format=csv,noheader,nounits"],
)
VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"
VISIBLE_BY = "uuid"
WHOLE = re.compile(r"GPU (\d+): .*\(UUID: ([^)]+)\)")
PART = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: ([^)]+)\)")


def parse(outputs: List[str]) -> List[Dict[str, Any]]:
    """The GPUs, each divided one replaced by its parts. Raises ValueError."""
    parts = _parts(outputs[1])
    gpus = []
    for line in outputs[0].splitlines():
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 4 or not cells[0].isdigit():
            raise ValueError(f"nvidia-smi says: {line}")
        whole = _gpu(int(cells[0]), cells[1], cells[2], slug(cells[2]), _number(cells[3]))
        gpus += [_part(whole, part) for part in parts.get(cells[1], [])] or [whole]
    return gpus


def parse_use(outputs: List[str]) -> Tuple[List[Tuple[str, int, int]], Dict[str, int]]:
    """Processes as UUID, pid and MiB (0: not told), and by UUID how many percent a GPU computes. Raises ValueError."""
    processes = []
    for line in filter(str.strip, outputs[0].splitlines()):
        uuid, pid, memory = (cell.strip() for cell in line.split(","))
        processes.append((uuid, int(pid), _number(memory)))
    pairs = (line.split(",") for line in outputs[1].splitlines() if line.strip())
    return processes, {uuid.strip(): _number(percent.strip()) for uuid, percent in pairs}


def _parts(text: str) -> Dict[str, List[Dict[str, str]]]:
    """UUID of a GPU -> its parts."""
    found: Dict[str, List[Dict[str, str]]] = {}
    whole = ""
    for line in text.splitlines():
        head, part = WHOLE.match(line), PART.match(line)
        if head:
            whole = head.group(2)
        elif part:
            found.setdefault(whole, []).append({"profile": part.group(1), "uuid": part.group(2)})
    return found


def _part(whole: Dict[str, Any], part: Dict[str, str]) -> Dict[str, Any]:
    size = re.search(r"(\d+)gb", part["profile"])
    name = "{} MIG {}".format(whole["name"], part["profile"])
    kind = "{}_{}".format(whole["type"], part["profile"])
    return _gpu(whole["index"], part["uuid"], name, kind, int(size.group(1)) * 1024 if size else 0)


def _gpu(index: int, uuid: str, name: str, kind: str, memory: int) -> Dict[str, Any]:
    return {"vendor": "nvidia", "index": index, "uuid": uuid, "name": name, "type": kind, "memory": memory}


def _number(text: str) -> int:
    """0 for `[N/A]`, which GPUs that share the machine's memory say."""
    return int(text) if text.isdigit() else 0
