"""Help pages, made from an option table: a Typer app whose parameters are the rows. Loaded only when asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import typer

from mini_slurm.options.grammar import Option
from mini_slurm.options.table import JobOption


def show(program: str, about: str, words: str, options: Sequence[Option], *, short: bool = False) -> None:
    """Print a command's help page; `words` is how what follows the options is written. `short`: --usage."""
    rows = [option for option in options if not isinstance(option, JobOption) or option.built]
    if short:
        print(usage(program, words, rows))
        return
    names = ["--help", *(f"-{option.short}" for option in rows if option.long == "help" and option.short)]
    app = typer.Typer(add_completion=False, context_settings={"help_option_names": names})
    app.command(help=about, options_metavar=f"[OPTIONS] {words}".rstrip())(_with_parameters(rows))
    typer.main.get_command(app)(args=["--help"], prog_name=program, standalone_mode=False)


def usage(program: str, words: str, options: Sequence[Option]) -> str:
    """A few lines that name every option."""
    lines, indent = [f"Usage: {program}"], " " * len(f"Usage: {program}")
    for part in (*(f"[{_written(option)}]" for option in options), *words.split()):
        if len(lines[-1]) + 1 + len(part) > 80:
            lines.append(indent)
        lines[-1] += f" {part}"
    return "\n".join(lines)


def _written(option: Option) -> str:
    name = f"-{option.short}" if option.short else f"--{option.long}"
    if option.value == "none":
        return name
    if option.value == "optional":
        return f"{name}[={option.metavar or 'VALUE'}]"
    return f"{name} {option.metavar or 'VALUE'}" if option.short else f"{name}={option.metavar or 'VALUE'}"


def _with_parameters(options: Sequence[Option]) -> Callable[..., None]:
    def command(**_: object) -> None:
        """Never runs: only its help page is asked for."""

    parameters = [_parameter(option) for option in options if option.long != "help"]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(option: Option) -> inspect.Parameter:
    names = [f"--{name}" for name in (option.long, *option.aliases)] + [f"-{option.short}"] * bool(option.short)
    flag = option.value == "none"
    metavar = " " if flag else option.metavar or "VALUE"
    if option.value == "optional":
        metavar = f"[={metavar}]"
    default = typer.Option(False if flag else "", *names, metavar=metavar, help=option.help, show_default=False)
    name = option.long.replace("-", "_")
    annotation = bool if flag else str
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
