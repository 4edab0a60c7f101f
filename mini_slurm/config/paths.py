"""Where things are kept: the state folder and what lies in it, and the fleet file. Every command loads this module."""

from __future__ import annotations

import os
import stat

from mini_slurm.errors import FleetError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pwd

    from mini_slurm.model.fleet import Fleet

DATABASE = "state.sqlite3"
FRONTS = "fronts"  # folder in the state folder: files whose locks srun and salloc hold for their jobs
MOUNTS = "/proc/self/mountinfo"
# File systems of several machines: their locks, or the memory that SQLite's log is shared in, cannot be relied upon.
_NETWORK = """
    9p afs beegfs ceph cifs coda gcsfuse gfs2 glusterfs gpfs juicefs lustre mfs ncpfs nfs nfs4 ocfs2 orangefs panfs
    pvfs2 rclone s3fs smb2 smb3 smbfs sshfs weka wekafs
"""
NETWORK_TYPES = frozenset(_NETWORK.split())


# --- the state folder


def state_folder(create: bool = True) -> str:
    """The state folder's absolute path; made, private and checked with `create`, else checked if it is there.

    Raises StateError when it cannot be used: not one's own, a link, not writable, on a network file system.
    """
    folder = _state_path()
    _refuse_network(folder)
    if create:
        _make(folder)
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        return folder
    except OSError as error:
        raise _unusable(folder, error) from error
    _check_owner(folder, status)
    if create:
        _make_private(folder, status)
    return folder


def act_as_owner() -> None:
    """Root works on somebody's state folder as that account, so that nothing in it comes to belong to root.

    Nothing changes for others, nor where the account could not read this program: state_folder() refuses then.
    """
    if os.geteuid() != 0 or "MINI_SLURM_STATE" not in os.environ:
        return
    try:
        status = os.lstat(_state_path())
    except OSError:
        return  # it is still to be made, or state_folder() says what is wrong
    if status.st_uid == 0 or not stat.S_ISDIR(status.st_mode):
        return
    import pwd

    try:
        owner = pwd.getpwuid(status.st_uid)
    except KeyError:
        return
    _become(owner)


def _become(owner: pwd.struct_passwd) -> None:
    groups, group = os.getgroups(), os.getegid()
    os.initgroups(owner.pw_name, owner.pw_gid)
    os.setegid(owner.pw_gid)
    os.seteuid(owner.pw_uid)
    readable = os.access(__file__, os.R_OK, effective_ids=True)
    os.seteuid(0)
    if not readable:
        os.setegid(group)
        os.setgroups(groups)
        return
    os.setgid(owner.pw_gid)
    os.setuid(owner.pw_uid)
    os.environ.update(HOME=owner.pw_dir, USER=owner.pw_name, LOGNAME=owner.pw_name)


def _state_path() -> str:
    named = os.environ.get("MINI_SLURM_STATE")
    if named:
        return os.path.abspath(named)
    return os.path.join(_user_folder("XDG_STATE_HOME", ".local/state"), "mini_slurm")


def _user_folder(variable: str, default: str) -> str:
    """A base folder as XDG has it: the variable counts only when it is an absolute path."""
    named = os.environ.get(variable, "")
    if os.path.isabs(named):
        return named
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise StateError("your home folder is not known", hint="export HOME, or MINI_SLURM_STATE=FOLDER")
    return os.path.join(home, default)


def _make(folder: str) -> None:
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: str, error: OSError) -> StateError:
    return StateError(
        f"the state folder {folder} cannot be used: {error.strerror}",
        hint="export MINI_SLURM_STATE=FOLDER with a folder that you may write to",
    )


def _check_owner(folder: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise StateError(
            f"the state folder {folder} is a link, which is not followed",
            hint=f"export MINI_SLURM_STATE={os.path.realpath(folder)}",
        )
    if not stat.S_ISDIR(status.st_mode):
        raise StateError(f"the state folder {folder} is not a folder", hint="export MINI_SLURM_STATE=FOLDER")
    if status.st_uid != os.geteuid():
        raise StateError(
            f"the state folder {folder} belongs to another user (uid {status.st_uid})",
            hint="export MINI_SLURM_STATE=FOLDER with a folder of your own",
        )


def _make_private(folder: str, status: os.stat_result) -> None:
    """Nobody else may look inside; a folder that serves other things as well is not changed behind its owner's back."""
    try:
        if status.st_mode & 0o077:
            if not database_exists(folder) and os.listdir(folder):
                raise StateError(
                    f"others can look into the state folder {folder}, which also holds other things",
                    hint=f"chmod 700 {folder}, or export MINI_SLURM_STATE with a folder for mini_slurm alone",
                )
            os.chmod(folder, 0o700)
    except OSError as error:
        raise _unusable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateError(
            f"the state folder {folder} is not writable",
            hint="export MINI_SLURM_STATE=FOLDER with a folder that you may write to",
        )


def _refuse_network(folder: str) -> None:
    try:
        with open(MOUNTS, "rb") as file:
            mounts = file.read()
    except OSError:
        return
    kind = file_system(os.path.realpath(folder), mounts)
    if kind.removeprefix("fuse.") in NETWORK_TYPES:
        raise StateError(
            f"the state folder {folder} is on a network file system ({kind}), where a database is not safe",
            hint=f"export MINI_SLURM_STATE=/var/tmp/mini_slurm-state-{os.geteuid()}, or another folder on a local disk",
        )


def file_system(path: str, mounts: bytes) -> str:
    """The type of the file system that an absolute path lies on, by the text of /proc/self/mountinfo; "" if unknown."""
    wanted, longest, kind = os.fsencode(path), -1, b""
    for line in mounts.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        columns = fields.split(b" ", 5)
        if not rest or len(columns) < 5:
            continue
        point = _decode(columns[4])
        inside = wanted == point or wanted.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= longest:  # a later mount at the same place covers the earlier one
            longest, kind = len(point), rest.split(b" ", 1)[0]
    return kind.decode("ascii", "replace")


def _decode(text: bytes) -> bytes:
    """The kernel writes space, tab, newline and backslash as three octal digits."""
    first, *others = text.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8) & 0xFF]) + part[3:] for part in others)


# --- what lies in it


def database_exists(state: str) -> bool:
    """Was anything ever submitted from this state folder?"""
    return os.path.exists(os.path.join(state, DATABASE))


def jobs_folder(state: str, fleet: Fleet) -> str:
    """Where each job has its folder."""
    return fleet.jobs_dir or os.path.join(state, "jobs")


# --- the fleet file


def fleet_file() -> str | None:
    """The fleet file that counts; None: the embedded default. Raises FleetError when $MINI_SLURM_FLEET is missing."""
    named = os.environ.get("MINI_SLURM_FLEET")
    if named:
        path = os.path.abspath(named)
        if not os.path.exists(path):
            raise FleetError(
                f"{path}: no such fleet file", hint="correct $MINI_SLURM_FLEET, or unset it to use your own"
            )
        return path
    for path in (own_fleet_file(), "/etc/mini_slurm/fleet.toml"):
        if os.path.exists(path):
            return path
    return None


def own_fleet_file() -> str:
    """Where the user's own fleet file is, or would be."""
    return os.path.join(_user_folder("XDG_CONFIG_HOME", ".config"), "mini_slurm", "fleet.toml")
