"""The clusters of the fleet file, kept apart from the fleet: a command that only passes something on reads no more."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mini_slurm.config import alone
from mini_slurm.config.paths import fleet_file
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "clusters"  # of the table `setting`
EMBEDDED = "local"  # the fleet of this machine alone


class Clusters(NamedTuple):
    """What has to be known of a fleet file to tell where a command goes."""

    fleet: str  # the fleet's name; "": there are no machines
    clusters: Mapping[str, ClusterEntry]


def load(get: Callable[[str], str | None], put: Callable[[str, str], None]) -> Clusters:
    """Those of the fleet file that counts. Raises FleetError."""
    path = fleet_file()
    if not path:
        return Clusters("", {})
    # a newer mini_slurm may know more of a cluster than the one that kept them
    signature = [alone.signature(path), *ClusterEntry._fields]
    kept = get(KEY)
    if kept is not None:
        found = json.loads(kept)
        if found["signature"] == signature:
            return Clusters(found["fleet"], {name: entry(*values) for name, values in found["clusters"].items()})
    from mini_slurm.config.cache import load_file

    fleet = load_file(get, put, path)
    clusters = Clusters(fleet.name if fleet.machines else "", fleet.clusters)
    put(KEY, json.dumps({"signature": signature, **clusters._asdict()}, separators=(",", ":")))
    return clusters


def entry(*values: object) -> ClusterEntry:
    """A cluster of its values, as JSON has them."""
    made = ClusterEntry(*values)  # type: ignore[arg-type]
    return made._replace(partitions=tuple(made.partitions), options=tuple(made.options))
