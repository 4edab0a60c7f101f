"""What the text of an option's value becomes. Each reader raises ValueError, or an error in Slurm's words."""

from __future__ import annotations

from mini_slurm.errors import BadOption, Refused
from mini_slurm.model.resources import parse_gpus


class NotANumber(ValueError):
    """Slurm has other words for a bad number than for other bad values, and another exit status."""


def text(value: str | None) -> str:
    """The value as it is."""
    return value or ""


def said(value: str | None) -> str | None:
    """The value as it is; an empty one counts as not given."""
    return value or None


def yes(value: str | None) -> int:
    """A switch that was given."""
    return 1


def no(value: str | None) -> int:
    """A switch that turns another one off."""
    return 0


def number(value: str | None) -> int:
    """A number from 1 on."""
    digits = (value or "").strip().removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) < 2**31:
        raise NotANumber(value)
    return int(digits)


def nodes(value: str | None) -> tuple[int, int]:
    """The least and the largest number of machines: `2` or `1-4`."""
    low, dash, high = (value or "").partition("-")
    if not all(part.isascii() and part.isdigit() for part in (low, high or low)) or (dash and not high):
        raise BadOption(f'"{value}" is not a valid node count')
    least, most = int(low), int(high or low)
    if most < least:
        raise BadOption(f"Maximum node count {most} is less than minimum node count {least}")
    return least, most


def file(value: str | None) -> str | None:
    """A file's name, or a pattern of names."""
    if value is not None and value.lower() == "none":
        return "/dev/null"
    return value or None


def open_mode(value: str | None) -> str:
    """`append` or `truncate`."""
    for mode in ("append", "truncate"):
        if value in (mode, mode[0]):
            return {"append": "a", "truncate": "w"}[mode]
    raise ValueError(value)


def exclusive(value: str | None) -> int:
    """The whole machine."""
    if not value:
        return 1
    if value.lower() in ("user", "mcs"):
        raise Refused(f"--exclusive={value} is not supported yet")
    raise ValueError(value)


def gpus(value: str | None) -> str:
    """GPUs of the whole job: `2` or `a100:2`; `gpu:2` is the same as `2`."""
    parts = [part.removeprefix("gpu:") for part in (value or "").split(",")]
    parse_gpus(",".join(parts))
    return ",".join(parts) or "0"


def gpus_per_node(value: str | None) -> str:
    """The same as --gres writes it."""
    return ",".join(f"gpu:{part}" for part in gpus(value).split(","))
