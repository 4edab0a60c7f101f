"""What a job asks for: chunks, sizes and times, and what is illegal."""

# mypy: ignore-errors

import math
import re

from openpbs.state import Stop

BAD_VALUE, NO_RESOURCE, OVER_LIMIT = 166, 187, 188
HOST_LEVEL = ("ncpus", "mem", "ngpus", "vmem", "mpiprocs", "ompthreads")
NODE_LEVEL = ("host", "vnode", "feature", "bigmem", "arch")
JOB_LEVEL = ("walltime", "cput", "place", "select", "nodes", "pmem", "software")
SIZE = re.compile(r"(\d+)([kmgtp]?)([bw]?)", re.I)
UNITS = {"b": 0, "kb": 1, "mb": 2, "gb": 3, "tb": 4}
PLACES = ("free", "pack", "scatter", "vscatter", "excl", "exclhost", "shared")


def illegal(name):
    """A value that PBS does not take."""
    return Stop(f"qsub: Illegal attribute or resource value {name}\n", BAD_VALUE)


def time_text(text):
    """A time as it is shown. Raises Stop."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text):
        raise illegal("Resource_List.walltime")
    return clock(math.ceil(seconds(text)))


def seconds(text):
    """[[HH:]MM:]SS."""
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total


def clock(count):
    """HH:MM:SS."""
    return f"{count // 3600:02}:{count % 3600 // 60:02}:{count % 60:02}"


def size_text(text, name):
    """A size as it is shown. Raises Stop."""
    found = SIZE.fullmatch(text)
    if not found:
        raise illegal(name)
    return f"{found[1]}{found[2].lower()}{found[3].lower() or 'b'}"


def kilobytes(text):
    """A size in kb."""
    found = SIZE.fullmatch(text)
    power = " kmgtp".find(found[2].lower() or " ")
    count = int(found[1]) * (8 if found[3].lower() == "w" else 1)
    return -(-(count << 10 * power) >> 10)


def requested(pairs, queue):
    """The resources of a job by name, as the server keeps them. Raises Stop."""
    given = {}
    for text in pairs:
        for word in _split(text):
            name, _, value = word.partition("=")
            if name not in (*HOST_LEVEL, *JOB_LEVEL):
                raise Stop(f"qsub: Unknown resource Resource_List.{name}\n", NO_RESOURCE)
            given[name] = value
    defaults = queue.get("default", {})
    _choose_form(given, defaults)
    select = ":".join(_with_default_cpus(chunk) for chunk in [given["select"]])
    given["select"] = "+".join(map(_with_default_cpus, select.split("+")))
    chunks = [read_chunk(part) for part in given["select"].split("+")]
    found = {"select": given["select"], "place": _place(given), **_sums(chunks)}
    if "nodes" in given:
        found["nodes"] = given["nodes"]
    limit = given.get("walltime", defaults.get("walltime"))
    if limit is not None:
        found["walltime"] = time_text(limit)
    _check_limits(found, queue.get("most", {}))
    return dict(sorted(found.items()))


def _split(text):
    return [text] if text.startswith(("select=", "place=")) else text.split(",")


def _choose_form(given, defaults):
    """select, or one of the old forms made into it. Raises Stop."""
    loose = [name for name in given if name in HOST_LEVEL]
    if "select" in given and loose:
        raise Stop(f'qsub: "-lresource=" cannot be used with "select" or "place", resource is: {loose[0]}\n', 5)
    if "nodes" in given:
        count, _, per = given["nodes"].partition(":ppn=")
        given.update(select=f"{count}:ncpus={per or 1}:mpiprocs={per or 1}", place=given.get("place", "scatter"))
    elif "select" not in given:
        words = [f"{name}={given[name]}" for name in sorted(loose)]
        words += [] if "ncpus" in loose else ["ncpus=1"]
        words += [f"{name}={value}" for name, value in defaults.items() if name in HOST_LEVEL and name not in loose]
        given.update(select=":".join(["1", *words]), place=given.get("place", "pack"))


def _with_default_cpus(chunk):
    return chunk if "ncpus=" in chunk else f"{chunk}:ncpus=1"


def read_chunk(text):
    """How many, and what each has, as it was written. Raises Stop."""
    words = text.split(":")
    count = int(words.pop(0)) if words[0].isdigit() else 1
    values = dict(word.partition("=")[::2] for word in words)
    for name, value in values.items():
        if "=" not in text.partition(name)[2][:1]:
            raise illegal("Resource_List.select")
        if name not in (*HOST_LEVEL, *NODE_LEVEL):
            raise Stop(f"qsub: Unknown resource {name}\n", NO_RESOURCE)
        if name == "mem":
            size_text(value, "select.mem")
        elif name in HOST_LEVEL and not value.isdigit():
            raise illegal(f"select.{name}")
    return count, values


def _place(given):
    place = given.get("place", "free")
    if not all(word in PLACES for word in place.split(":")):
        raise illegal("Resource_List.place")
    return place


def _sums(chunks):
    found = {"nodect": str(sum(count for count, _ in chunks))}
    for name in ("ncpus", "mpiprocs", "ngpus", "ompthreads"):
        if any(name in values for _, values in chunks):
            found[name] = str(sum(count * int(values.get(name, 0)) for count, values in chunks))
    sizes = [(count, size_text(values["mem"], "select.mem")) for count, values in chunks if "mem" in values]
    if sizes:
        found["mem"] = _sum_of_sizes(sizes)
    return found


def _sum_of_sizes(sizes):
    units = {text.lstrip("0123456789") for _, text in sizes}
    if len(units) == 1:
        unit = units.pop()
        return f"{sum(count * int(text.removesuffix(unit)) for count, text in sizes)}{unit}"
    return f"{sum(count * kilobytes(text) for count, text in sizes)}kb"


def _check_limits(found, most):
    late = "walltime" in most and seconds(found.get("walltime", "0")) > seconds(most["walltime"])
    if late or int(found["ncpus"]) > int(most.get("ncpus", 1 << 30)):
        raise Stop("qsub: Job violates queue and/or server resource limits\n", OVER_LIMIT)
