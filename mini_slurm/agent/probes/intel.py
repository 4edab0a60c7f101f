"""Intel's GPUs."""

import json
from typing import Any, Dict, List

from mini_slurm.agent.probes.names import slug

COMMANDS = (["xpu-smi", "discovery", "-j"],)
VISIBLE_DEVICES = "ZE_AFFINITY_MASK"
VISIBLE_BY = "index"


def parse(outputs: List[str]) -> List[Dict[str, Any]]:
    """The GPUs, from xpu-smi's JSON: `device_list`. Raises ValueError."""
    gpus = []
    for device in json.loads(outputs[0])["device_list"]:
        index = int(device["device_id"])
        name = str(device["device_name"])
        memory = int(device.get("memory_physical_size_byte") or 0) // (1 << 20)
        uuid = str(device.get("uuid") or index)
        kind = slug(name)
        gpus.append({"vendor": "intel", "index": index, "uuid": uuid, "name": name, "type": kind, "memory": memory})
    return gpus
