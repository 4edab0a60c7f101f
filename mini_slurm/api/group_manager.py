"""What a group service does when it is asked: jobs for groups, registrations, and the word to start to each client."""

from __future__ import annotations

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from mini_slurm.api.group_book import Group, GroupBook
from mini_slurm.api.groups import JOB_NAME, ClientDispatcher
from mini_slurm.errors import BadUsage, MiniSlurmError, Refused
from mini_slurm.model.states import JobState

PATIENCE = 10.0  # seconds for a client to answer
AT_ONCE = 32  # clients that are spoken to at the same time
PRECISION = 1.0  # seconds of a job's moments
LONGEST_ADDRESS = 2048
LARGEST_ANSWER = 64 * 1024  # bytes of a client's answer that are passed on


class GroupManager:
    """The groups of one service. Its methods may be called by several threads."""

    def __init__(self, book: GroupBook, dispatcher: ClientDispatcher) -> None:
        self._book = book
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._jobs = ThreadPoolExecutor(1, "jobs")  # one thread: it owns the connection to the store
        self._calls = ThreadPoolExecutor(AT_ONCE, "calls")
        self._jobs.submit(self._finish_submissions).result()

    def close(self) -> None:
        """End the threads."""
        self._jobs.shutdown()
        self._calls.shutdown(cancel_futures=True)
        self._book.close()

    def create(self, benchmark_id: int, num_clients: int, time_limit: int) -> Group:
        """Submit a group. Raises GroupExists, or what the submission raises."""
        group = Group(benchmark_id, num_clients, time_limit)
        with self._lock:
            self._book.add(group)
        try:
            dispatch = self._dispatcher.dispatch_clients
            group.job_id = self._jobs.submit(dispatch, benchmark_id, num_clients, time_limit).result()
        except BaseException:
            with self._lock:
                self._book.remove(benchmark_id)
            raise
        with self._lock:
            self._book.save(group)
        return group

    def connect(self, benchmark_id: int, address: str) -> None:
        """Register a client. Raises UnknownGroup, BadUsage for what is no address, Refused for one too many."""
        check_address(address)
        with self._lock:
            group = self._book.get(benchmark_id)
            group.register(address)
            self._book.save(group)

    def run(self, benchmark_id: int) -> list[dict[str, Any]]:
        """Tell each client to start; what each answered. Raises UnknownGroup, Refused where none has registered."""
        with self._lock:
            clients = list(self._book.get(benchmark_id).clients)
        if not clients:
            raise Refused(f"no client of benchmark {benchmark_id} has registered yet")
        return list(self._calls.map(start_client, clients))

    def describe(self, benchmark_id: int) -> dict[str, Any]:
        """What is known of a group, with its job's state now. Raises UnknownGroup."""
        with self._lock:
            group = self._book.get(benchmark_id)
        state, reason = self._jobs.submit(self._state, group.job_id).result()
        registered = list(group.clients)
        status = "ready" if len(registered) >= group.num_clients else "waiting"
        over = state not in ("", "UNKNOWN") and JobState[state].is_over
        return {
            "benchmark_id": benchmark_id,
            "status": "ended" if over else status,
            "info": {
                "num_clients": group.num_clients,
                "time_limit": group.time_limit,
                "created_at": group.created_at,
                "job_id": group.job_id,
                "job_state": state,
                "reason": reason,
                "registered": len(registered),
                "client_address": registered[0] if registered else None,
                "client_addresses": registered,
            },
        }

    def numbers(self) -> list[int]:
        """Of all groups."""
        return sorted(group.benchmark_id for group in self._book)

    def delete(self, benchmark_id: int) -> None:
        """Cancel a group's job and forget it. Raises UnknownGroup."""
        with self._lock:
            group = self._book.get(benchmark_id)
        if group.job_id:
            self._jobs.submit(self._cancel, group.job_id).result()
        with self._lock:
            self._book.get(benchmark_id)
            self._book.remove(benchmark_id)

    # --- in the thread that speaks to the store

    def _state(self, job_id: str) -> tuple[str, str]:
        if not job_id:
            return "", ""
        try:
            info = self._dispatcher.client.job(job_id).info()
        except MiniSlurmError:
            return "UNKNOWN", ""
        return info.state.name, info.reason

    def _cancel(self, job_id: str) -> None:
        if self._state(job_id)[0] != "UNKNOWN":
            self._dispatcher.client.job(job_id).cancel()

    def _finish_submissions(self) -> None:
        """Of a service that ended while it submitted: a job that there is has the group's name and is new."""
        for group in self._book:
            if group.job_id:
                continue
            found = self._dispatcher.client.jobs(name=f"{JOB_NAME}-{group.benchmark_id}", user=True)
            new = [info.id for info in found if info.submit_time.timestamp() >= group.created_at - PRECISION]
            if new:
                group.job_id = new[-1]
                self._book.save(group)
            else:
                self._book.remove(group.benchmark_id)


def check_address(address: str) -> None:
    """Is it a URL of a host and a port that can be called? Raises BadUsage."""
    try:
        parts = urlsplit(address)
        good = parts.scheme == "http" and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        good = False
    if not good or not address.isprintable() or not address.isascii() or len(address) > LONGEST_ADDRESS:
        raise BadUsage(f"client_address is no URL like http://host:9000: {address[:100]!r}")


def start_client(address: str) -> dict[str, Any]:
    """POST to a client's /run; its answer, or why there is none."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=PATIENCE)
    try:
        connection.request("POST", f"{parts.path.rstrip('/')}/run", headers={"Content-Length": "0"})
        answer = connection.getresponse()
        body = answer.read(LARGEST_ANSWER).decode(errors="replace")
        return {"client_process": address, "status_code": answer.status, "body": body}
    except (OSError, http.client.HTTPException) as error:
        return {"client_process": address, "status_code": None, "error": str(error) or type(error).__name__}
    finally:
        connection.close()
