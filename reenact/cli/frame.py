"""Decides what every command has in common: its options, its help with an example, and how it fails.

Invariants: a mistake of a person is one sentence on standard error and exit code 2, an interruption 130; never a traceback.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from domain.errors import InvariantBroken, ReenactError, ReplayDiverged
from reenact.cli.output import clean
from reenact.config import DEFAULT_LOG
from reenact.differences import told
from reenact.logs import FORMS

MISTAKE, INTERRUPTED, BUG = 2, 130, 70
F = TypeVar("F", bound=Callable[..., Any])


class _Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


class _NobodyReads(Exception):
    """The reader of a pipe has gone."""


class Commands(click.Group):
    """The commands in the order of a session's life, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class Reenact(Commands):
    """The `reenact` command: turns whatever goes wrong into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; interruption and closed pipe are kept from click, which would answer them in its own way."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _NobodyReads from None
        except KeyboardInterrupt:
            raise _Interrupted from None

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and leave the process."""
        extra["standalone_mode"] = False
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, prog_name or "reenact", **extra)
        except click.exceptions.NoArgsIsHelpError as e:
            click.echo(e.format_message())
            code = MISTAKE
        except click.UsageError as e:
            path = e.ctx.command_path if e.ctx is not None else "reenact"
            code = _say(f"{path}: {_ended(e.format_message())} See `{path} --help`.")
        except click.ClickException as e:
            code = _say(_ended(e.format_message()))
        except (_Interrupted, click.Abort, KeyboardInterrupt):
            code = _say("Interrupted; what was committed is kept.", INTERRUPTED)
        except InvariantBroken as e:
            code = _say(f"{_ended(str(e))} This is a bug in Reenact; the log is kept up to the last commit.", BUG)
        except ReplayDiverged as e:
            code = _say(told(e))
        except ReenactError as e:
            code = _say(_ended(str(e)))
        except _NobodyReads:
            _silence()
            code = 0
        except OSError as e:
            code = _say(f"{e.filename or 'standard output'}: {e.strerror or e}.")
        except Exception as e:  # noqa: BLE001 (the outermost room: a bug is one sentence too, with its place)
            last = traceback.extract_tb(e.__traceback__)[-1]
            if "--debug" in words:
                traceback.print_exc()
            code = _say(
                f"{Path(last.filename).name}:{last.lineno}: {type(e).__name__}: {e}. This is a bug in Reenact; "
                "`reenact --debug …` shows where it comes from.", BUG,
            )  # fmt: skip
        sys.exit(code if isinstance(code, int) else 0)


def _say(text: str, code: int = MISTAKE) -> int:
    click.echo(clean(" ".join(text.split())), err=True)
    return code


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def _silence() -> None:
    """The reader of a pipe has gone: nothing more is written to it, not even at exit."""
    sys.stdout = Path("/dev/null").open("w", encoding="utf-8") if Path("/dev/null").exists() else sys.stdout  # noqa: SIM115 (open until exit)


def example(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  $ {line}" for line in lines)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


def log_options(command: F) -> F:
    """`--log`, `--session` and `--json`: which session of which log is asked."""
    command = json_option(command)
    command = click.option("--session", metavar="NAME", help="The session; the latest one if left out.")(command)
    return click.option("--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help=f"The log: {FORMS}.")(command)


@click.group(cls=Reenact, context_settings={"help_option_names": ["-h", "--help"]}, epilog=example(
    "reenact init > session.toml", "reenact run session.toml", "reenact verify --all", "reenact why ORDER",
))  # fmt: skip
@click.version_option(package_name="reenact", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show where a bug comes from.")
def main(debug: bool) -> None:
    """Reenact runs trading sessions, records everything, and re-enacts them exactly.

    Every tick, signal, risk decision, order and fill of a session is an event in its log. The other commands read that log.
    """
