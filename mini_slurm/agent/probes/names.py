"""GPU types as one writes them in --gres: short, lower case, from the long names that drivers give."""

import re

MAKERS = {
    "nvidia",
    "tesla",
    "quadro",
    "geforce",
    "amd",
    "instinct",
    "radeon",
    "intel",
    "graphics",
    "data",
    "center",
    "gpu",
}
FORMS = re.compile(r"\d+[gm]i?b|sxm\d*|pcie|nvl|hbm\w*|sff|generation|laptop|design|with|on|mig|oam|soc")


def slug(name: str) -> str:
    """`NVIDIA A100-SXM4-80GB` -> `a100`, `NVIDIA GeForce RTX 3090` -> `rtx3090`, `NVIDIA RTX A6000` -> `a6000`."""
    plain = re.sub(r"\((r|tm|c)\)", " ", name.lower())
    words = [word for word in re.split(r"[^a-z0-9.]+", plain) if word]
    kept = [word for word in words if word not in MAKERS and not FORMS.fullmatch(word)]
    text = "".join(kept) or "".join(words) or "gpu"
    return re.sub(r"^rtx(?=a\d)", "", text)
