"""Checks that ReFrame runs as jobs: one passes, one waits for it, one fails, one runs out of time, one is cancelled."""

# ruff: noqa: RUF012 - ReFrame wants lists

from __future__ import annotations

import reframe as rfm
import reframe.utility.sanity as sn


@rfm.simple_test
class Ranks(rfm.RunOnlyRegressionTest):
    valid_systems = ["fleet:nodes"]
    valid_prog_environs = ["builtin"]
    executable = "sh"
    executable_opts = ["-c", "'echo rank $SLURM_PROCID of $SLURM_NTASKS'"]
    num_tasks = 4
    num_tasks_per_node = 2
    time_limit = "5m"

    @sanity_function  # noqa: F821 - ReFrame puts it there
    def ranks(self):
        return sn.assert_eq(sn.sorted(sn.extractall(r"rank (\d) of 4", self.stdout, 1)), ["0", "1", "2", "3"])


@rfm.simple_test
class After(rfm.RunOnlyRegressionTest):
    valid_systems = ["fleet:nodes"]
    valid_prog_environs = ["builtin"]
    executable = "hostname"

    @run_after("init")  # noqa: F821
    def wait(self):
        self.depends_on("Ranks")

    @sanity_function  # noqa: F821
    def said(self):
        return sn.assert_eq(self.job.exitcode, 0)


@rfm.simple_test
class Bad(rfm.RunOnlyRegressionTest):
    valid_systems = ["fleet:nodes"]
    valid_prog_environs = ["builtin"]
    executable = "sh"
    executable_opts = ["-c", "'exit 3'"]

    @sanity_function  # noqa: F821
    def status(self):
        return sn.assert_eq(self.job.exitcode, 0, msg="exit status {0}, state " + self.job.state)


@rfm.simple_test
class Slow(rfm.RunOnlyRegressionTest):
    valid_systems = ["fleet:nodes"]
    valid_prog_environs = ["builtin"]
    executable = "sleep 600"
    time_limit = "1m"

    @sanity_function  # noqa: F821
    def state(self):
        return sn.assert_eq(self.job.state, "TIMEOUT")


@rfm.simple_test
class Cancelled(rfm.RunOnlyRegressionTest):
    valid_systems = ["fleet:nodes"]
    valid_prog_environs = ["builtin"]
    executable = "sleep 600"
    prerun_cmds = ["scancel $SLURM_JOB_ID"]
    time_limit = "5m"

    @sanity_function  # noqa: F821
    def state(self):
        return sn.assert_eq(self.job.state, "CANCELLED")
