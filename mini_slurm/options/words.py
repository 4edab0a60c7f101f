"""Values that are words of a small language of their own: signals, events for mails, distributions, bindings.

What is kept and shown is what Slurm keeps: names in full, in its own order.
"""

from __future__ import annotations

from mini_slurm.errors import Answer, BadOption
from mini_slurm.model.gres import GPU
from mini_slurm.model.numbers import LARGEST, leading_number, words_with_numbers
from mini_slurm.model.signals import signal_number

# what --mail-type takes, in the order in which scontrol shows it
MAIL_EVENTS = (
    *("ARRAY_TASKS", "INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT"),
    *("TIME_LIMIT_50", "TIME_LIMIT_80", "TIME_LIMIT_90", "TIME_LIMIT"),
)
ALL_EVENTS = ("INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT")
OVER_NODES = ("block", "cyclic")
WITHIN = ("block", "cyclic", "fcyclic")  # over sockets, over cores
PACKING = ("pack", "nopack")
PROFILES = ("Energy", "Lustre", "Network", "Task")
GOVERNORS = {
    **{"co": "Conservative", "perf": "Performance", "pow": "PowerSave"},
    **{"user": "UserSpace", "onde": "OnDemand", "sche": "SchedUtil"},
}
ALLOWED_GOVERNORS = ("OnDemand", "Performance", "UserSpace")  # Slurm's CpuFreqGovernors as it comes
# frequencies by the beginning of their name, and how they compare with each other
FREQUENCIES = {
    "lo": ("Low", 1),
    "him1": ("Highm1", 4),
    "highm1": ("Highm1", 4),
    "hi": ("High", 3),
    "med": ("Medium", 2),
}
NAMED = 2**31  # named frequencies are above all numbers
SAMPLED = ("energy", "task", "filesystem", "network")
BINDINGS = {
    **{"p": "prefer", "prefer": "prefer", "sort": "sort", "v": "verbose", "verbose": "verbose"},
    **{"no": "none", "none": "none", "rank": "rank", "local": "local"},
}
UNBINDINGS = {"nosort": "sort", "q": "verbose", "quiet": "verbose"}
PLACES = ("none", "rank", "local", "map_mem", "mask_mem")  # one of them counts
MEMORY_BINDINGS = (
    "--mem-bind takes, with commas between them: verbose or quiet, prefer, sort or nosort, and one of none, rank,"
    " local, map_mem:LIST, mask_mem:LIST"
)
IN_ORDER = ("verbose", "prefer", "sort", *PLACES)


def gres(value: str | None) -> str | None:
    """Generic resources, each with or without `gres:`; none of them for `none`."""
    word = (value or "").lower()
    if word in ("help", "list"):
        raise Answer("Valid gres options are:", f"{GPU}[[:type]:count]", exit_code=0)
    if word == "none" or value is None:
        return None
    return ",".join(part.removeprefix("gres:") for part in value.split(","))


def mail_types(value: str | None) -> frozenset[str]:
    """The events; unknown words pass unless there is nothing else."""
    words = [word.upper() for word in (value or "").split(",") if word]
    if "NONE" in words:
        return frozenset()
    found = frozenset(words) & set(MAIL_EVENTS) | (frozenset(ALL_EVENTS) if "ALL" in words else frozenset())
    if not found:
        raise ValueError(value)
    return found


def notice_target(value: str | None) -> str:
    """A URL to be told of events, or a program here by its whole path."""
    from mini_slurm.model.notices import is_target  # few jobs ask for it

    if not is_target(value or ""):
        raise ValueError(value)
    return value or ""


def shown_mail_types(events: frozenset[str]) -> str:
    """As scontrol shows them."""
    return ",".join(event for event in MAIL_EVENTS if event in events) or "NONE"


def ends(value: str | None) -> str:
    """After which ends the job is to run again; the text stays as it was given."""
    from mini_slurm.model.again import parse_ends  # few jobs ask for it

    parse_ends(value or "")
    return value or ""


def retries(value: str | None) -> str:
    """How often a job that failed runs again; the text stays as it was given."""
    from mini_slurm.model.again import parse_retries

    parse_retries(value or "")
    return value or ""


def warning_signal(value: str | None) -> str:
    """`[R][B:]SIGNAL[@SECONDS]`, as Slurm reads it; the text stays as it was given."""
    rest = value or ""
    for letter in "RBR":
        rest = rest[1:] if rest[:1].upper() == letter else rest
    name, at, before = rest.removeprefix(":").partition("@")
    number, tail = leading_number(before)
    if signal_number(name) % 2**16 == 0 or (at and (tail or not 0 <= number < 2**16)):
        raise ValueError(value)
    return value or ""


def distribution(value: str | None) -> str:
    """How tasks are laid out over machines, sockets and cores: `block:cyclic,pack`, `plane=4`."""
    given = (value or "").lower()
    if given.startswith("plane"):
        size, rest = leading_number(given.partition("=")[2])
        if rest or not 0 < size < 2**31:
            raise BadOption("Invalid plane size or size not specified", "Invalid --distribution specification")
        return f"plane={size}"
    base, _, flag = given.partition(",")
    levels = [level for level in base.split(":") if level]
    if not levels or given.startswith(",") or len(levels) > 3 or (flag and flag not in PACKING):
        raise ValueError(value)
    if levels in (["arbitrary"], ["hostfile"]):
        return ",".join(["arbitrary", *flag.split()])
    if len(levels) == 1 and levels[0] in PACKING and not flag:
        return levels[0]
    defaults = ("block", "cyclic", levels[1] if len(levels) > 1 and levels[1] != "*" else "cyclic")
    full = [default if level == "*" else level for level, default in zip(levels, defaults, strict=False)]
    if full[0] not in OVER_NODES or not all(level in WITHIN for level in full[1:]):
        raise ValueError(value)
    return ",".join([":".join(full), *flag.split()])


def profile(value: str | None) -> str:
    """What is measured of a job: words anywhere in the value count."""
    given = (value or "").lower()
    if "none" in given:
        return "None"
    found = PROFILES if "all" in given else [name for name in PROFILES if name.lower() in given]
    if not found:
        raise BadOption(f"invalid --profile={value} option")
    return ",".join(found)


def sampling(value: str | None) -> str:
    """How often use is measured: `30`, or `task=30,energy=60`."""
    bad = [word for word in (value or "").split(",") if word and not _is_sampling(word)]
    if bad:
        raise BadOption(*(f"Invalid --acctg-freq specification: {word}" for word in bad))
    return value or ""


def _is_sampling(word: str) -> bool:
    texts = [word, *(word[word.lower().index(name) + len(name) :] for name in _sampled(word))]
    return any(leading_number(text)[1] != text and leading_number(text)[0] != -1 for text in texts)


def _sampled(word: str) -> list[str]:
    return [f"{name}=" for name in SAMPLED if f"{name}=" in word.lower()]


def cpu_frequency(value: str | None) -> str:
    """`HIGH`, `2400000`, `Performance` or `LOWEST-HIGHEST[:GOVERNOR]`."""
    given = value or ""
    span, colon, governor = given.partition(":")
    low, dash, high = span.partition("-")
    if colon and _governor(low):
        raise _bad_frequency(f"governor cannot be specified twice {low}{{-}}:{governor} in --cpu-freq")
    if _governor(low):
        if _governor(low) not in ALLOWED_GOVERNORS:
            raise _bad_frequency(f"governor of {given} is not allowed in slurm.conf")
        return _governor(low)
    words, order = zip(*(_frequency(part) for part in ([low, high] if dash else [low])), strict=True)
    if list(order) != sorted(order):
        raise _bad_frequency(f"min cpu-frec ({low}) must be < max cpu-freq ({high})")
    if colon and "-" not in given:  # one in what should be the governor counts as well
        raise _bad_frequency(f"gov on cpu-frec ({governor}) illegal without max")
    if colon and not _governor(governor):
        raise _bad_frequency(f"illegal governor: {governor} on --cpu-freq")
    if colon and _governor(governor) not in ALLOWED_GOVERNORS:
        raise _bad_frequency(f"governor of {given} is not allowed in slurm.conf")
    return "-".join(words) + (f":{_governor(governor)}" if colon else "")


def _governor(word: str) -> str:
    return next((name for start, name in GOVERNORS.items() if word.lower().startswith(start)), "")


def _frequency(word: str) -> tuple[str, int]:
    for start, (name, place) in FREQUENCIES.items():
        if word.lower().startswith(start):
            return name, NAMED + place
    number = leading_number(word)[0] % 2**32
    if not number:
        raise _bad_frequency(f'unrecognized --cpu-freq argument "{word}"')
    return str(number), number


def _bad_frequency(line: str) -> BadOption:
    return BadOption(line, "Invalid --cpu-freq argument")


def gpu_binding(value: str | None) -> str:
    """Which tasks use which GPUs: `closest`, `single:2`, `map_gpu:0,1`, `verbose,none`."""
    given = value or ""
    bare = given[8:] if given[:8].lower() == "verbose," else given
    word, _, numbers = bare.lower().partition(":")
    if word in ("map_gpu", "mask_gpu") and ":" in bare:
        _check_numbers(numbers, "0123456789abcdef" if word == "mask_gpu" else "0123456789", given)
    elif word in ("per_task", "single") and ":" in bare:
        if leading_number(numbers)[0] < 0:
            raise _bad_binding(given)
    elif bare[:1].lower() not in ("c", "n") or not bare:
        raise _bad_binding(given)
    return given


def _check_numbers(text: str, digits: str, given: str) -> None:
    for word in filter(None, text.split(",")):
        bare = word.removeprefix("0x") if "a" in digits else word
        odd = next((letter for letter in bare if letter not in digits + "*"), None)
        if odd is not None:
            line = f"Failed to validate {bare}, offending character is {odd}"
            raise BadOption(line, f"Invalid --gpu-bind argument: gpu:{given}")
        if "*" in bare and not bare.partition("*")[2].isdigit():
            raise _bad_binding(given)


def _bad_binding(given: str) -> BadOption:
    return BadOption(f"Invalid --gpu-bind argument: gpu:{given}")


def gpu_frequency(value: str | None) -> str:
    """`medium`, `450`, `high,memory=low`, `verbose`."""
    given = value or ""
    words = [word for word in given.split(",") if word]
    for word in words:
        name, equals, level = word.partition("=")
        if not (_is_level(level) and name == "memory" if equals else _is_level(word) or word == "verbose"):
            raise BadOption(f"Invalid --gpu-freq argument: gpu:{given}")
    if not given:
        raise BadOption("Invalid --gpu-freq argument: gpu:")
    return given


def _is_level(word: str) -> bool:
    number, rest = leading_number(word)
    return (word[:1].isdigit() and not rest and number < LARGEST) or word in ("low", "medium", "high", "highm1")


def memory_binding(value: str | None) -> str:
    """`local`, `verbose,map_mem:0,1`: what is shown is how Slurm names it."""
    found: dict[str, str] = {}
    for word in words_with_numbers(value or ""):
        name, _, numbers = word.replace("=", ":").partition(":")
        key = name.lower().replace("mapmem", "map_mem").replace("maskmem", "mask_mem")
        if word.lower() == "help":
            raise Answer(MEMORY_BINDINGS, exit_code=BadOption.exit_code)
        if key in UNBINDINGS:
            found.pop(UNBINDINGS[key], None)
            continue
        key = BINDINGS.get(word.lower(), key if key in ("map_mem", "mask_mem") else "")
        if not key:
            raise BadOption(f'unrecognized --mem-bind argument "{word}"')
        if key in PLACES:
            found = {kept: text for kept, text in found.items() if kept not in PLACES}
        found[key] = ""
        if key in ("map_mem", "mask_mem"):
            if not numbers:
                raise BadOption(f'missing list for "--mem-bind={key}:<list>"')
            found[key] = f":{_listed(numbers, key)}"
    return ",".join(f"{name}{found[name]}" for name in IN_ORDER if name in found)


def _listed(numbers: str, key: str) -> str:
    """The numbers with `3*2` written as `3,3`."""
    digits = "0123456789abcdefABCDEF" if key == "mask_mem" else "0123456789"
    found: list[str] = []
    for word in filter(None, numbers.split(",")):
        number, star, count = (word.removeprefix("0x") if key == "mask_mem" else word).partition("*")
        for text, allowed, whole in ((count, "0123456789", f"*{count}"), (number, digits, number)):
            odd = next((letter for letter in text if letter not in allowed), None)
            if odd is not None:
                raise BadOption(f"Failed to validate number: {whole}, the offending character is {odd}")
        if star and not 0 < leading_number(count)[0] <= 2**16:
            raise BadOption(f"Invalid {key} multiplier: {count}")
        found += [number] * (leading_number(count)[0] if star else 1)
    return ",".join(found)
