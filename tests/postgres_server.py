"""A PostgreSQL with PostGIS for the tests: its own data in a temporary folder, stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.errors import DataError

INSTALL = (
    "PostgreSQL with PostGIS is needed: apt-get install postgresql postgis postgresql-postgis "
    "(and: pip install 'spatial-cities[postgis]')."
)
PASSWORD = "p@ss/w:rd%?"
PASSWORD_WRITTEN = "p%40ss%2Fw%3Ard%25%3F"
INJECTIONS = [
    'a"; DROP TABLE keep; --',
    "o'brien",
    "城市 层",
    "%s {} $1",
    "Upper Case",
    'x"."y',
    "back\\slash",
]


class MissingServerError(RuntimeError):
    """PostgreSQL is not installed."""


def programs() -> Path:
    """Return the folder with initdb and pg_ctl: Debian keeps them off the path, newest last."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(versions, key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve())
    if not found:
        raise MissingServerError(INSTALL)
    return found[-1].parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running server; by its socket anyone may enter, by 127.0.0.1 only with a password."""

    folder: Path
    port: int
    bin: Path
    databases: int = 0

    @classmethod
    def start(cls) -> Server:
        server = cls(Path(tempfile.mkdtemp(prefix="spatial-pg-")), free_port(), programs())
        try:
            server._start()
        except BaseException:
            server.stop()
            raise
        return server

    def _start(self) -> None:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres")
        self._run(
            "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "-N"
        )
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8"
        )
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off "
            "-c synchronous_commit=off -c full_page_writes=off"
        )
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", options, "-w", "start")
        self.execute("postgres", "CREATE DATABASE gis")
        self.execute("gis", "CREATE EXTENSION postgis")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, name: str, *arguments: Any) -> None:
        command = [str(self.bin / name), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # Its own group and no pipes: the server outlives pg_ctl and would hold them open.
        with (self.folder / "commands.log").open("ab") as log:
            done = subprocess.run(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=120
            )
        if done.returncode:
            said = "\n".join(
                path.read_text(encoding="utf-8", errors="replace") for path in self.folder.glob("*log")
            )
            raise RuntimeError(f"{name} ended with {done.returncode}:\n{said[-3000:]}")

    def execute(self, database: str, *statements: Any) -> list[tuple[Any, ...]]:
        """Run statements as the superuser, each on its own; return the rows of the last."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                query, values = statement if isinstance(statement, tuple) else (statement, None)
                cursor = connection.execute(query, values)
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the address by the socket, without a password."""
        return f"postgresql://{user}@/{quote(database)}?host={self.folder}&port={self.port}"

    def password_url(self, database: str, user: str, password: str) -> str:
        """Return the address by 127.0.0.1."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> Database:
        """Make a database with PostGIS, for one test."""
        self.databases += 1
        name = f"test {self.databases}"
        self.execute("postgres", f'CREATE DATABASE "{name}" TEMPLATE gis')
        return Database(self, name)

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Database:
    """A database of a server."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def sql(self, *statements: Any) -> list[tuple[Any, ...]]:
        return self.server.execute(self.name, *statements)


def running_server() -> Iterator[Server]:
    """Start a server for a fixture; fail, saying what to install, where there is none."""
    try:
        import psycopg  # noqa: F401

        server = Server.start()
    except (ImportError, MissingServerError) as error:
        pytest.fail(f"{error}. {INSTALL}")
    yield server
    server.stop()


def grid() -> gpd.GeoDataFrame:
    """Return 16 square cities, whose ids have leading zeros."""
    shapes = [shapely.box(100 + k % 4, 30 + k // 4, 101 + k % 4, 31 + k // 4) for k in range(16)]
    return gpd.GeoDataFrame(
        {"gdp": np.arange(16.0) ** 2, "名称": [f"城市{k}" for k in range(16)]},
        geometry=shapes,
        index=pd.Index([f"0{1000 + k}" for k in range(16)], name="adcode"),
        crs=4326,
    )


def refused(call: Callable[[], Any], message: str) -> str:
    with pytest.raises(DataError, match=message) as caught:
        call()
    return str(caught.value)
