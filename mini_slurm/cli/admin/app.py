"""The subcommands of `mini-slurm` and their options. What one of them needs (asyncssh, ...) is imported by it alone."""

from __future__ import annotations

import os
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,  # `mini-slurm completion` serves all commands
    context_settings={"help_option_names": ["-h", "--help"]},
)
Partition = Annotated[
    str | None, typer.Option("--partition", "-p", help="Partition to add to; default: the default partition.")
]


@app.callback()
def common_options(
    fleet: Annotated[str | None, typer.Option(metavar="FILE", help="Use this fleet file.")] = None,
) -> None:
    """Look after a fleet of machines that have no Slurm."""
    if fleet:
        os.environ["MINI_SLURM_FLEET"] = os.path.abspath(fleet)


@app.command()
def add(
    hosts: Annotated[list[str], typer.Argument(metavar="HOST...", help="[USER@]HOST[:PORT], or a hostlist.")],
    partition: Partition = None,
    name: Annotated[str | None, typer.Option(help="The node's name; default: the host's.")] = None,
    identity_file: Annotated[str | None, typer.Option("--identity-file", "-i", help="Key to log in with.")] = None,
    jump_host: Annotated[str | None, typer.Option("--jump-host", "-J", help="Host to connect through.")] = None,
    fingerprint: Annotated[list[str] | None, typer.Option(help="SHA256:... of the host key to trust.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; only with --fingerprint.")] = False,
) -> None:
    """Check host keys, find out what the machines have, and write them into the fleet file."""
    from mini_slurm.cli.admin.add import Wanted, add_hosts

    wanted = Wanted(partition, name, identity_file, jump_host, tuple(fingerprint or ()), yes)
    raise typer.Exit(add_hosts(hosts, wanted))


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE.json", help="Machines in the older JSON form.")],
    partition: Partition = None,
) -> None:
    """Write the machines of an older JSON file into the fleet file."""
    from mini_slurm.cli.admin.json_import import import_file

    import_file(file, partition)


@app.command()
def template(
    verb: Annotated[str, typer.Argument(metavar="list|show|render|types", help="What to do.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The template, or the path of a file.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A variable; may be given several times.")
    ] = None,
) -> None:
    """List the templates of job scripts, show one with its variables, or print the script it gives."""
    from mini_slurm.cli.admin.templates import run

    run(verb, name, settings or [])


@app.command()
def shims(folder: Annotated[str, typer.Argument(metavar="DIR", help="Where to make the links.")]) -> None:
    """Make links named sbatch, squeue, ... to the commands here; put the folder first on PATH."""
    from mini_slurm.cli.admin.shims import make_shims

    make_shims(folder)


@app.command()
def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="The shell.")],
    slurm: Annotated[bool, typer.Option("--slurm", help="Also for sbatch, squeue, ...")] = False,
) -> None:
    """Print a script that makes a shell complete these commands."""
    from mini_slurm.cli.admin.completion import print_script

    print_script(shell, slurm)


@app.command()
def stop(
    everything: Annotated[bool, typer.Option("--all", help="Cancel all jobs first, and end the agents.")] = False,
) -> None:
    """End the controller; jobs go on, and the next command starts it again."""
    from mini_slurm.cli.admin.stop import stop_controller

    raise typer.Exit(stop_controller(everything))


@app.command()
def doctor(
    machines: Annotated[list[str] | None, typer.Argument(metavar="[MACHINE...]", help="Only these.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all findings and facts as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 for warnings, too.")] = False,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Show also what is in order.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long each machine may take for each of its answers.")
    ] = 30.0,
) -> None:
    """Look for what is wrong with the fleet, this machine and the way to the others, and say how it is mended."""
    from mini_slurm.cli.doctor.main import Wanted
    from mini_slurm.cli.doctor.main import doctor as look

    raise typer.Exit(look(Wanted(tuple(machines or ()), as_json, strict, everything, timeout)))


@app.command("group-service", context_settings={"allow_interspersed_args": False})
def group_service(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND...]", help="The client; default: that of the image.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="CLIENT_SERVICE_PORT", help="Port to listen on; 0: any free one.")
    ] = 8001,
    image: Annotated[str | None, typer.Option(metavar="FILE.sif", help="Apptainer image the client runs in.")] = None,
    bind: Annotated[list[str] | None, typer.Option(metavar="PATH", help="Folder that the container sees.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", metavar="NAME=VALUE", help="Option of sbatch for the jobs.")
    ] = None,
    log_dir: Annotated[
        str | None, typer.Option(metavar="DIR", envvar="CLIENT_LOG_DIR", help="For the jobs' output; default: ~/logs.")
    ] = None,
) -> None:
    """Serve groups of clients over HTTP; the clients run as jobs. The extra `service` brings what it needs."""
    from mini_slurm.cli.admin.group_service import Wanted, serve_groups

    serve_groups(Wanted(host, port, image, bind or (), option or (), log_dir, command or ()))
