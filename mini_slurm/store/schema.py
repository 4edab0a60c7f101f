"""The database, step by step. A released step is never edited; a change is a new step at the end."""

from __future__ import annotations

import os

from mini_slurm.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

UNFINISHED = "state IN ('PENDING', 'CONFIGURING', 'RUNNING', 'SUSPENDED', 'COMPLETING')"

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE job (
        job_id INTEGER PRIMARY KEY, array_job_id INTEGER, array_task_id INTEGER, array_tasks TEXT,
        array_size INTEGER, array_min INTEGER, array_max INTEGER, array_step INTEGER, uid INTEGER, user TEXT,
        gid INTEGER, group_name TEXT, name TEXT, partition TEXT, account TEXT, qos TEXT, comment TEXT,
        nodes INTEGER, max_nodes INTEGER, ntasks INTEGER, ntasks_per_node INTEGER, cpus_per_task INTEGER,
        memory_per_node INTEGER, memory_per_cpu INTEGER, gres TEXT, gpus TEXT, features TEXT,
        required_nodes TEXT, excluded_nodes TEXT, exclusive INTEGER, time_limit INTEGER, time_min INTEGER,
        begin_time REAL, deadline REAL, dependency TEXT, nice INTEGER, licenses TEXT, reservation TEXT,
        requeue INTEGER, signal TEXT, work_dir TEXT, std_in TEXT, std_out TEXT, std_err TEXT, open_mode TEXT,
        export TEXT, command TEXT, arguments TEXT, umask INTEGER, limits TEXT, submit_host TEXT, script TEXT,
        environment TEXT, extra TEXT, state TEXT, reason TEXT, priority INTEGER, submit_time REAL,
        eligible_time REAL, start_time REAL, end_time REAL, suspend_time REAL, suspended_seconds REAL,
        restarts INTEGER, attempt INTEGER, node TEXT, node_list TEXT, allocation TEXT, boot_id TEXT,
        alloc_cpus INTEGER, alloc_memory INTEGER, alloc_gpus TEXT, cpu_ids TEXT, gpu_ids TEXT, outcome TEXT,
        exit_code INTEGER, exit_signal INTEGER, cancelled_by INTEGER, max_rss INTEGER, user_seconds REAL,
        system_seconds REAL
    )
    """,
    # msqueue asks for the few jobs that are not over, however many there have been
    f"CREATE INDEX job_unfinished ON job (job_id) WHERE {UNFINISHED}",
    "CREATE INDEX job_end ON job (end_time)",
    "CREATE INDEX job_array ON job (array_job_id)",
    """
    CREATE TABLE machine (
        name TEXT PRIMARY KEY, state TEXT, reason TEXT, reason_time REAL, cpus INTEGER, memory
        INTEGER, gpus TEXT, gpu_details TEXT, boot_id TEXT, hostname TEXT, python TEXT, contacted
        REAL
    )
    """,
    # scripts and environments, each kept once: most submissions of a user share theirs
    "CREATE TABLE content (digest TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID",
    # what commands ask of the controller, in the order of asking
    "CREATE TABLE request (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL)",
    # how much of an attempt's output is on disk: what the hands must remember when they start again
    """
    CREATE TABLE output (
        attempt TEXT NOT NULL, stream TEXT NOT NULL, base INTEGER NOT NULL, stored INTEGER NOT NULL,
        PRIMARY KEY (attempt, stream)
    ) WITHOUT ROWID
    """,
    # state_id, next_job_id, the fleet as it was last read, and what administrators changed beyond it
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO setting VALUES ('next_job_id', '1'), ('state_id', lower(hex(randomblob(4))))",
    """
    CREATE TABLE step (
        job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT, state TEXT,
        start_time REAL, end_time REAL, suspended_seconds REAL, exit_code INTEGER, exit_signal INTEGER,
        cancelled_by INTEGER, nodes INTEGER, node_list TEXT, ntasks INTEGER, cpus INTEGER, memory INTEGER, gpus TEXT,
        time_limit INTEGER, distribution TEXT, submit_line TEXT, max_rss INTEGER, max_rss_node TEXT,
        max_rss_task INTEGER, mean_rss INTEGER, user_seconds REAL, system_seconds REAL,
        PRIMARY KEY (job_id, attempt, number)
    ) WITHOUT ROWID
    """,
    # what became of a job before it was requeued: a row as in `job` for each run
    "CREATE TABLE run (job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, PRIMARY KEY (job_id, attempt))",
    "ALTER TABLE machine ADD COLUMN architecture TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE machine ADD COLUMN system TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE machine ADD COLUMN boot_time REAL NOT NULL DEFAULT 0",
    "ALTER TABLE machine ADD COLUMN agent_time REAL NOT NULL DEFAULT 0",
    "ALTER TABLE machine ADD COLUMN load REAL",
    "ALTER TABLE machine ADD COLUMN free_memory INTEGER",
    # what is known of jobs on clusters: a row as in `job` for each, and whose it is
    """
    CREATE TABLE foreign_job (
        cluster TEXT NOT NULL, foreign_id TEXT NOT NULL, job_id INTEGER, array_job_id INTEGER, state TEXT,
        tag TEXT, ours INTEGER, settled INTEGER, missing REAL, PRIMARY KEY (cluster, foreign_id)
    )
    """,
    f"CREATE INDEX foreign_unfinished ON foreign_job (cluster) WHERE {UNFINISHED}",
    "CREATE INDEX foreign_number ON foreign_job (job_id)",
    # submissions to clusters whose answer is not known yet: the job as it was described, JSON
    """
    CREATE TABLE submission (
        tag TEXT PRIMARY KEY, cluster TEXT NOT NULL, moment REAL NOT NULL, job TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # when each cluster was asked and answered last, and how long it is to be left in peace
    """
    CREATE TABLE cluster (
        name TEXT PRIMARY KEY, calls TEXT NOT NULL, answered REAL NOT NULL, failures INTEGER NOT NULL,
        retry REAL NOT NULL, fault TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # what commands want run on a cluster's login node, and what came of it, JSON
    """
    CREATE TABLE call (
        number INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL, moment REAL NOT NULL, body TEXT NOT NULL,
        answer TEXT
    )
    """,
    "ALTER TABLE job ADD COLUMN min_cpus INTEGER",
    "ALTER TABLE job ADD COLUMN priority_set INTEGER",
    # what commands hear of their requests: each takes its answer away
    "CREATE TABLE answer (number INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "ALTER TABLE job ADD COLUMN submit_line TEXT",
    "ALTER TABLE job ADD COLUMN wait_reason TEXT",
    "ALTER TABLE cluster ADD COLUMN everybody REAL NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN het_job_id INTEGER",
    "ALTER TABLE job ADD COLUMN het_offset INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN het_size INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN het_allocation TEXT",
    "CREATE INDEX job_het ON job (het_job_id) WHERE het_job_id IS NOT NULL",
    "ALTER TABLE job ADD COLUMN attendant TEXT",
    "ALTER TABLE job ADD COLUMN array_throttle INTEGER",
    "ALTER TABLE job ADD COLUMN max_gpu_memory INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN max_gpu_utilization INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machine ADD COLUMN outside TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE machine ADD COLUMN idle_gpus TEXT NOT NULL DEFAULT '{}'",
    # who has used machines besides jobs; end_time is empty while somebody does
    """
    CREATE TABLE foreign_use (
        machine TEXT NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, start INTEGER NOT NULL, gpu TEXT NOT NULL,
        owner TEXT, command TEXT, gpu_index INTEGER, start_time REAL, end_time REAL, cpus REAL, memory INTEGER,
        gpu_memory INTEGER, PRIMARY KEY (machine, boot_id, pid, start, gpu)
    ) WITHOUT ROWID
    """,
    "ALTER TABLE machine ADD COLUMN blocked_gpus TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE job ADD COLUMN preempt_time REAL",
    "ALTER TABLE job ADD COLUMN lent INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN stage TEXT",
    # what is still to be told to whom, JSON: of a job's event to one who wants to hear of it
    """
    CREATE TABLE notice (
        number INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL, event TEXT NOT NULL, way TEXT NOT NULL,
        target TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL
    )
    """,
    # which shares of their time limit unfinished jobs are known to have reached
    "CREATE TABLE noticed (job_id INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (job_id, event)) WITHOUT ROWID",
    "ALTER TABLE machine ADD COLUMN limits TEXT NOT NULL DEFAULT '{}'",
    # a step may have several components in one job; -1: it has not
    "ALTER TABLE step RENAME TO former_step",
    """
    CREATE TABLE step (
        job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, number INTEGER NOT NULL, component INTEGER NOT NULL,
        name TEXT, state TEXT, start_time REAL, end_time REAL, suspended_seconds REAL, exit_code INTEGER,
        exit_signal INTEGER, cancelled_by INTEGER, nodes INTEGER, node_list TEXT, ntasks INTEGER, cpus INTEGER,
        memory INTEGER, gpus TEXT, time_limit INTEGER, distribution TEXT, submit_line TEXT, max_rss INTEGER,
        max_rss_node TEXT, max_rss_task INTEGER, mean_rss INTEGER, user_seconds REAL, system_seconds REAL,
        PRIMARY KEY (job_id, attempt, number, component)
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO step SELECT job_id, attempt, number, -1, name, state, start_time, end_time, suspended_seconds,
        exit_code, exit_signal, cancelled_by, nodes, node_list, ntasks, cpus, memory, gpus, time_limit, distribution,
        submit_line, max_rss, max_rss_node, max_rss_task, mean_rss, user_seconds, system_seconds FROM former_step
    """,
    "DROP TABLE former_step",
    "ALTER TABLE call ADD COLUMN begun INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN submit_session INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN resize_time REAL",
    # what a job had before it gave machines back while it ran: a row as in `job` for each time
    """
    CREATE TABLE size (
        job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, end_time REAL NOT NULL,
        PRIMARY KEY (job_id, attempt, end_time)
    )
    """,
    "ALTER TABLE job ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0",
    "UPDATE job SET lent = 2 WHERE state = 'SUSPENDED' AND lent = 0",  # before, who was suspended kept his CPUs
)
WIDENED = ("run", "foreign_job", "size")  # these have every column of `job`, whichever step made it


DAMAGED = ("malformed", "not a database")


def state_error(path: str, error: sqlite3.Error) -> StateError:
    """sqlite3's complaint as one line that says what to do."""
    if any(word in str(error) for word in DAMAGED):
        hint = "the file is damaged: put back a copy, or move the state folder away to begin anew"
    else:
        hint = "is the state folder yours to read and write, and is there room on its disk?"
    return StateError(f"{path}: {error}", hint=hint)


def refuse_lost(folder: str, db: sqlite3.Connection | None) -> None:
    """Raise StateError where the database is empty, or gone, and the state folder has folders of earlier jobs.

    Jobs would get their numbers and write into their folders.
    """
    jobs = os.path.join(folder, "jobs")
    try:
        has_jobs = bool(os.listdir(jobs))
    except FileNotFoundError:
        return
    path = os.path.join(folder, "state.sqlite3")
    # asked again: whoever was just making it may have had a job since
    is_lost = not os.path.exists(path) if db is None else db.execute("PRAGMA user_version").fetchone() == (0,)
    if has_jobs and is_lost:
        raise StateError(
            f"{path} is empty or gone, and {jobs} has folders of earlier jobs, whose numbers would be used again",
            hint=f"put back a copy of {path}; or move {jobs} away to begin anew with job 1",
        )


def upgrade(db: sqlite3.Connection) -> None:
    """Bring a database up to date; each step and its number land together, and two processes may try at once."""
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done == len(STEPS):
        return
    if done > len(STEPS):
        raise StateError("the state folder was written by a newer mini_slurm", hint="upgrade this installation")
    db.execute("BEGIN IMMEDIATE")
    try:
        (done,) = db.execute("PRAGMA user_version").fetchone()
        for step in STEPS[done:]:
            db.execute(step)
        for table in WIDENED:
            _widen(db, table)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _widen(db: sqlite3.Connection, table: str) -> None:
    has = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    for _, name, kind, *_ in db.execute("PRAGMA table_info(job)").fetchall():
        if name not in has:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
