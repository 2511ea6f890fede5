"""The `samplecity` command, which `make refresh`, `make up` and `make down` call. Exit codes: 0 as expected, 1 not."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from samplecity import airflow_setup, hold, preflight, start
from samplecity.airflow_api import AirflowRefused, AirflowSilent
from samplecity.city import connections
from samplecity.folder import NotOurs, empty, require_ours
from samplecity.ports import HOST, PortError, ports_from_environment
from samplecity.refresh import refresh as play_nights
from samplecity.serve import main as serve_city
from samplecity.services import ServiceEnded, WouldNotEnd, end_all
from samplecity.state import StateError
from samplecity.storage import explained, shortage
from samplecity.summary import table
from stadtdaten.contracts import ContractError
from stadtdaten.faults import Fault

HOME = Path(__file__).resolve().parents[2]

EXPECTED_TROUBLE = (
    AirflowRefused, AirflowSilent, NotOurs, PortError, ServiceEnded, StateError, WouldNotEnd,
    ContractError, airflow_setup.SetupFailed, hold.InUse, preflight.NotReady, start.NeverReady,
)  # fmt: skip
"""What is told in plain words; anything else is an error of ours and shows its traceback."""

app = typer.Typer(
    name="samplecity",
    help="A city to try things on: source systems, Airflow, portal and mailbox on this computer only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
WIDTH_OF_A_LOG = 120
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_A_LOG)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Home = Annotated[Path, typer.Option(envvar="STADTDATEN_HOME", help="The checkout.")]
Var = Annotated[Path | None, typer.Option(envvar="STADTDATEN_VAR", help="Folder of all state (default: var/).")]


@app.command()
def refresh(
    home: Home = HOME,
    var: Var = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the final table as JSON.")] = False,
) -> None:
    """Run the nightly refresh of every source once, through Airflow; 0 if all ended as the script expects."""
    began = time.monotonic()
    _end_cleanly_on_signals()
    with _told(_var(home, var)):
        place = _place(home, var)
        result = play_nights(place, err if as_json else out)
    if as_json:
        print(json.dumps([row.model_dump(mode="json") for row in result.rows], ensure_ascii=False, indent=2))
    else:
        out.print()
        out.print(table(result.rows, datetime.now(UTC), out.width, result.city), end="")
    if any(row.incident for row in result.rows):
        mailbox = f"http://{HOST}:{place.ports.mailbox}/"
        err.print(f"The alert mails are in {place.var / 'mailbox'}; `make up` shows them at {mailbox}.", markup=False)
    for difference in result.differences:
        err.print(f"Not as expected: {difference}", style="red", markup=False)
    if result.differences:
        err.print(f"Logs: {place.var / 'airflow' / 'logs'} (tasks), {place.var / 'log'} (services)", markup=False)
        raise typer.Exit(1)
    err.print(f"All as expected, in {time.monotonic() - began:.0f} s. `make up` shows portal, Airflow and mailbox.")


@app.command()
def up(home: Home = HOME, var: Var = None) -> None:
    """Start everything and keep it running until Ctrl-C or `samplecity down`."""
    _end_cleanly_on_signals()
    with _told(_var(home, var)):
        place = _place(home, var)
        try:
            with start.running(place, "make up", out.print, scheduled=True) as started:
                _print_addresses(place)
                while True:
                    started.services.check()
                    time.sleep(0.5)
        except KeyboardInterrupt:
            out.print("All ended.")


@app.command()
def down(home: Home = HOME, var: Var = None) -> None:
    """End what `up` or `refresh` runs in another terminal, or what a killed one left."""
    folder = _var(home, var)
    with _told(folder):
        holder = hold.end_holder(folder)
        left = end_all(folder)
    if holder:
        out.print(f"Ended `{holder.command}` (pid {holder.pid}).")
    if left:
        out.print(f"Ended {left} processes that a killed run had left.")
    if not holder and not left:
        out.print("Nothing is running.")


@app.command()
def clean(home: Home = HOME, var: Var = None) -> None:
    """End what is running and delete all state: portal, releases, ledger, Airflow's database, mails."""
    folder = _var(home, var)
    with _told(folder):
        if folder.exists():
            require_ours(folder, home)
        down(home, var)
        if not folder.exists():
            return
        left = empty(folder, home)
    out.print(f"Removed all state from {folder}.")
    if left:
        out.print(f"Not ours, so it stays there: {', '.join(left)}", markup=False)


@app.command()
def serve(home: Home = HOME, var: Var = None) -> None:
    """Run only the sample city's servers, without Airflow, until Ctrl-C."""
    folder = _var(home, var)
    with _told(folder):
        preflight.check_folder(folder, home)
        serve_city(folder, ports_from_environment())


@app.command()
def environment(home: Home = HOME, var: Var = None) -> None:
    """Print the settings and connections of `make up` for a shell, so that `stadtdaten run` works beside it."""
    folder = _var(home, var)
    ports = ports_from_environment()
    given = airflow_setup.library_environment(home.resolve(), folder, ports) | connections(folder, ports)
    for name, value in given.items():
        print(f"export {name}={shlex.quote(value)}")


def main() -> None:
    """Entry point of the `samplecity` command."""
    app()


def _var(home: Path, var: Path | None) -> Path:
    return (var or home / "var").resolve()


def _place(home: Path, var: Path | None) -> start.Place:
    """The installation, once it is sure that its folder can be used: nothing is written anywhere before."""
    place = start.Place(home.resolve(), _var(home, var), ports_from_environment(), preflight.airflow_port())
    preflight.check_folder(place.var, place.home)
    return place


def _print_addresses(place: start.Place) -> None:
    login = airflow_setup.generated_secrets(place.var)
    out.print(
        f"\n  Portal       http://{HOST}:{place.ports.portal}/"
        f"\n  Airflow      {airflow_setup.airflow_url(place.airflow_port)}   {airflow_setup.USER} / {login.password}"
        f"\n  Mailbox      http://{HOST}:{place.ports.mailbox}/"
        f"\n  Sample city  http://{HOST}:{place.ports.city}/"
        "\n",
        markup=False,
    )
    if not (place.settings.portal / "public").exists():
        out.print("The portal is still empty: run the sources in Airflow, or end this and call `make refresh` first.")
    out.print("Ctrl-C ends all of it.")


def _end_cleanly_on_signals() -> None:
    """Whoever asks us to end, we end what we started first. SIGINT too: a shell's background job ignores it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _told(var: Path) -> Iterator[None]:
    """What a person can put right is told in plain words and ends us with 1, an interruption with 130."""
    try:
        yield
    except EXPECTED_TROUBLE as trouble:
        _fail("\n".join(filter(None, (str(trouble), shortage(var)))))
    except (Fault, OSError) as error:
        said = explained(error, var)
        if not said:
            raise
        _fail(said)
    except KeyboardInterrupt:
        err.print("Interrupted. All ended; the next run begins where this one stopped.")
        raise typer.Exit(130) from None


def _fail(said: str) -> NoReturn:
    err.print(said, style="red", markup=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
