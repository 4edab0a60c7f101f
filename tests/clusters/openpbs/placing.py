"""Where a job's chunks go: CPUs, memory and GPUs of the nodes, one after the other."""

# mypy: ignore-errors

from openpbs.resources import kilobytes, read_chunk

COUNTED = ("ncpus", "mem", "ngpus")


def amount(name, value):
    """How much of a counted resource."""
    return kilobytes(value) if name == "mem" else int(value)


def has(server, node):
    """What a node has."""
    return {"ncpus": server["cpus"], "mem": server["mem"], "ngpus": server["nodes"][node]["ngpus"]}


def taken(server, node):
    """What jobs hold of a node, and whether one has it for itself."""
    held = dict.fromkeys(COUNTED, 0)
    alone = False
    for job in server["jobs"].values():
        if job["state"] == "R" and not job.get("array"):
            for place in job["places"]:
                if place["node"] == node:
                    alone |= "excl" in job["resources"]["place"]
                    for name, value in place["counted"]:
                        held[name] += amount(name, value)
    return held, alone


def place(server, job):
    """Where each chunk goes, or None and why."""
    chunks = [read_chunk(part) for part in job["resources"]["select"].split("+")]
    chunks = [values for count, values in chunks for _ in range(count)]
    names, word = list(server["nodes"]), job["resources"]["place"]
    free = {}
    for node in names:
        held, alone = taken(server, node)
        whole = has(server, node)
        closed = alone or server["nodes"][node].get("offline") or ("excl" in word and any(held.values()))
        free[node] = dict.fromkeys(COUNTED, 0) if closed else {name: whole[name] - held[name] for name in COUNTED}
    found = [_one_node(node, chunks, free) for node in names] if "pack" in word else [_spread(chunks, free, word)]
    found = [one for one in found if one]
    return (found[0], "") if found else (None, _why(server, chunks, free))


def _one_node(node, chunks, free):
    left = {node: dict(free[node])}
    return _spread(chunks, left, "free") if all(_suits(server_node=node, values=values) for values in chunks) else None


def _suits(server_node, values):
    return values.get("host", server_node) == server_node


def _spread(chunks, free, word):
    left = {node: dict(amounts) for node, amounts in free.items()}
    places, slots = [], {}
    for values in chunks:
        node = next((one for one in left if _fits(one, left[one], values)), None)
        if node is None:
            return None
        counted = [(name, value) for name, value in values.items() if name in COUNTED]
        for name, value in counted:
            left[node][name] -= amount(name, value)
        places.append({"node": node, "slot": slots.get(node, 0), "counted": counted, "values": values})
        slots[node] = slots.get(node, 0) + 1
        if "scatter" in word:
            left.pop(node)
    return places


def _fits(node, left, values):
    from openpbs.state import NEW

    about = NEW["nodes"].get(node, {})
    wanted = values.get("feature")
    return (
        values.get("host", node) == node
        and (wanted is None or wanted in about["features"].split(","))
        and values.get("bigmem", about.get("bigmem")) == about.get("bigmem")
        and all(amount(name, value) <= left[name] for name, value in values.items() if name in COUNTED)
    )


def _why(server, chunks, free):
    asked = sum(int(values.get("ncpus", 0)) for values in chunks)
    total = server["cpus"] * len(server["nodes"])
    head = "Not Running: Insufficient amount of resource: "
    never = head.replace("Not Running", "Can Never Run")
    unknown = [values["host"] for values in chunks if values.get("host", "pbsn1") not in server["nodes"]]
    if unknown:
        return f"{never}host ({unknown[0]} != {','.join(server['nodes'])})"
    now = sum(left["ncpus"] for left in free.values())
    too_many = any(int(values.get("ncpus", 0)) > server["cpus"] for values in chunks) or asked > total
    return f"{never if too_many else head}ncpus (R: {asked} A: {now} T: {total})"


def vnodes(places):
    """exec_vnode."""
    return "+".join(f"({place['node']}:{_amounts(place)})" for place in places)


def _amounts(place):
    return ":".join(
        f"{name}={kilobytes(value)}kb" if name == "mem" else f"{name}={value}" for name, value in place["counted"]
    )


def hosts(places):
    """exec_host."""
    return "+".join(f"{place['node']}/{place['slot']}{_times(place)}" for place in places)


def _times(place):
    count = int(dict(place["counted"]).get("ncpus", 1))
    return f"*{count}" if count != 1 else ""


def node_lines(places):
    """The node file: a line for each process of a chunk."""
    return [place["node"] for place in places for _ in range(int(place["values"].get("mpiprocs", 1)))]
