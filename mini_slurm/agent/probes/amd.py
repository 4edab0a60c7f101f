"""AMD's GPUs."""

import json
from typing import Any, Dict, List

from mini_slurm.agent.probes.names import slug

COMMANDS = (["rocm-smi", "--showproductname", "--showuniqueid", "--showmeminfo", "vram", "--json"],)
VISIBLE_DEVICES = "ROCR_VISIBLE_DEVICES"
VISIBLE_BY = "uuid"
NAMES = ("Card Series", "Card series", "Card SKU", "Card model")


def parse(outputs: List[str]) -> List[Dict[str, Any]]:
    """The GPUs, from rocm-smi's JSON: a dictionary `cardN` -> what it has. Raises ValueError."""
    gpus = []
    text = outputs[0]
    cards = json.loads(text[text.index("{") :])  # warnings may stand before it
    for key, card in cards.items():
        if not key.startswith("card"):
            continue
        index = int(key[4:])
        name = next((card[field] for field in NAMES if card.get(field)), "AMD GPU")
        number = str(card.get("Unique ID", "")).replace("0x", "")
        uuid = "GPU-" + number if number and number != "N/A" else str(index)  # ROCm takes either
        memory = int(card.get("VRAM Total Memory (B)") or 0) // (1 << 20)
        kind = slug(name)
        gpus.append({"vendor": "amd", "index": index, "uuid": uuid, "name": name, "type": kind, "memory": memory})
    return gpus
