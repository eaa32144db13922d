"""Scenes between storms, while the others work on: an old backup, a snapshot put back, a clone, an old schema, rot."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from node.errors import DulianError, InputError
from tests.chaos.journal import Journal
from tests.chaos.offices import SLOW_MACHINE_S, Office, Tree
from tests.chaos.points import SCENE_POINTS
from tests.chaos.processes import ROOT
from tests.chaos.stores import forks_of, records_of
from tests.chaos.tally import Tally
from tests.chaos.work import Work
from tests.process.nodes import ENVIRONMENT, until

# In an interpreter of its own: a database of the first schema, filled with what the newest one holds.
_OLD_SCHEMA = """
import sys
from contextlib import closing
from pathlib import Path
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from node.storage import schema
engine = create_engine(f"sqlite:///{sys.argv[1]}")
config = Config()
config.set_main_option("script_location", str(schema.MIGRATIONS))
config.set_main_option("path_separator", "os")
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
engine.dispose()
"""
_DERIVED = {"board", "item", "item_place", "blob_ref", "alembic_version", "schema_compat"}


class Scenes:
    """Each scene waits until the office works again."""

    def __init__(
        self, tree: Tree, work: Work, journal: Journal, tally: Tally, dice: random.Random, folder: Path
    ) -> None:
        self._tree = tree
        self._work = work
        self._journal = journal
        self._tally = tally
        self._dice = dice
        self._folder = folder
        self.cloned: set[str] = set()
        self.lossy = False  # a machine was lost: so may be a file that had not reached any neighbour
        self._number = 0
        self._backups: list[tuple[Office, Path]] = []

    def all(self) -> list[Callable[[], None]]:
        """In the order in which a campaign goes through them."""
        return [self.restore, self.roll_back, self.migrate, self.clone, self.rot]

    def prepare(self) -> None:
        """Backups for later, of every office."""
        for office in self._tree:
            file = self._folder / f"{office.code}-{len(self._backups)}.backup"
            args = {"file": str(file), "to": [], "with_keys": True}
            office.client().request("backup", args, timeout_s=SLOW_MACHINE_S)
            self._backups.append((office, file))

    # -- an old backup ------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """R1, C3: the machine is lost; an old backup is put back, killed on the way, put back again."""
        office, file = self._backups[self._dice.randrange(len(self._backups))]
        self._die(office)
        self._aside(office)
        self.lossy = True
        for _ in range(2):
            point = self._dice.choice([name for name in SCENE_POINTS if name.startswith("restore.")])
            if self._put_back(office, file, point):
                break
        else:
            assert self._put_back(office, file, "")
        office.up()
        self._tally.fault("restored_from_old_backup")
        self._come_back(office)

    def _put_back(self, office: Office, file: Path, point: str) -> bool:
        """`restore`; False where a failpoint killed it (and then the home is not one of a node, or a whole one)."""
        database = self._tree.server.new_database() if office.database else ""
        more = ["--database", database] if database else []
        done = office.command("restore", str(file), "--listen", office.address, *more, point=point, count=1)
        if done is None:
            self._tally.kill("point", office.code, point)
            if (office.home / "config.toml").exists():
                office.database = database
                return True
            return False
        assert done.exit == 0, (office.code, done)
        office.database = database
        return True

    def _aside(self, office: Office) -> None:
        self._number += 1
        office.home.rename(office.home.with_name(f"{office.code}-lost-{self._number}"))

    # -- a snapshot put back ------------------------------------------------------------------------------------------

    def roll_back(self) -> None:
        """R1 without a word: a copy of the whole disk from a while ago."""
        office = self._pick()
        self._work.send_away(office.code)
        self._die(office)
        copy = self._folder / f"snapshot-{office.code}"
        shutil.copytree(office.home, copy, ignore=shutil.ignore_patterns("control.sock", "calls.sock"))
        office.up()
        self._work.call_back(office.code)
        time.sleep(4)
        # What people write before the first contact goes on both branches of a fork, and both are kept (I5); here they
        # wait, so that no operator is needed.
        self._work.send_away(office.code)
        self._die(office)
        self.lossy = True
        shutil.rmtree(office.home)
        copy.rename(office.home)
        office.up()
        self._tally.fault("snapshot_put_back")
        self._quiet(office)
        self._come_back(office)
        self._work.call_back(office.code)

    def _come_back(self, office: Office) -> None:
        """What no neighbour had got is lost by right; the rest must come back, and the office must work again."""
        kept = {row.record for other in self._tree for row in records_of(other)}
        kept |= {record for other in self._tree for _, record in forks_of(other)}
        self._tally.figures["excused_after_restore"] += self._journal.excuse(office.code, kept)

        def works() -> bool:
            found = office.asked("status")
            return found is not None and found["ready"] and not found["recovery"]["not_asked"]

        until(works, f"{office.code} works again", SLOW_MACHINE_S)

    # -- two copies ---------------------------------------------------------------------------------------------------

    def clone(self) -> None:
        """R3: a county's machine twice, both alive; both stop, the operator chooses one."""
        office = self._tree.offices["320583"]
        self._work.send_away(office.code)
        task = self._task(self._tree.offices[office.parent], office)
        self._quiet(office)
        self._die(office)
        self._number += 1
        twin_folder = self._folder / f"twin-{self._number}"
        twin_folder.mkdir()
        twin = Office(twin_folder, self._tree.forker, office.code, office.name, office.parent)
        shutil.copytree(office.home, twin.home, ignore=shutil.ignore_patterns("control.sock", "calls.sock"))
        config = twin.home / "config.toml"
        config.write_text(config.read_text(encoding="utf-8").replace(office.address, twin.address), encoding="utf-8")
        self.cloned.add(office.code)
        office.up()
        self._quiet(office)
        self._write(office, task, "第一份")
        self._quiet(office)
        twin.up()
        try:
            both = partial(self._write, twin, task, "第二份"), partial(_stopped, twin)
            until(lambda: any(happened() for happened in both), "the second writes or stops", SLOW_MACHINE_S)
            until(lambda: _stopped(office) and _stopped(twin), "both copies stop", SLOW_MACHINE_S)
            twin.kill9()
            self._tally.kill("scene", office.code)
            office.done("recover", "--here")
            until(lambda: office.ask("status")["ready"], "the chosen one goes on", SLOW_MACHINE_S)
            self._settle_forks(office)
        finally:
            twin.kill9()
        self._tally.fault("cloned")
        self._work.call_back(office.code)

    def _settle_forks(self, office: Office) -> None:
        """What the two copies wrote under one number: known to the office's neighbours, settled by its operator."""
        self._quiet(office)
        try:
            office.ask("fork.settle", log="all", keep="both")
        except InputError:
            return  # the second was stopped before it wrote
        self._tally.fault("forks_settled")

    def _task(self, superior: Office, office: Office) -> str:
        """A task for the office, signed: what both copies then report on it meets at the superior."""
        def issued() -> dict[str, Any] | None:
            return self._work.do(superior, "item.issue", {"title": "两份", "to": [office.code]})

        made = until(issued, f"{superior.code} issues", SLOW_MACHINE_S)
        task = str(made["assignments"][0]["item"])
        until(lambda: self._work.do(office, "item.sign", {"item": task}), f"{office.code} signs", SLOW_MACHINE_S)
        return task

    def _write(self, office: Office, task: str, text: str) -> bool:
        """A record of one copy; not journaled: which of two copies is the office is for the operator to say."""
        try:
            office.ask("item.report", item=task, text=text)
        except DulianError:
            return False
        return True

    def _quiet(self, office: Office) -> None:
        def synced() -> bool:
            found = office.asked("status")
            return found is not None and all(link["state"] == "synced" for link in found["links"])

        until(synced, f"{office.code} in sync", SLOW_MACHINE_S)

    # -- an old schema ------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """C2: the database as the first release left it; killed while it is brought forward, again and again."""
        office = self._pick()
        self._work.send_away(office.code)
        self._die(office)
        self._to_first_schema(office)
        names = [name for name in SCENE_POINTS if name.startswith("migration.")]
        for name in self._dice.sample(names, 3):
            office.begin(name, self._dice.randint(1, SCENE_POINTS[name].most))
            if office.await_up():
                break  # brought forward by the life before
            assert office.fired() == name, (office.code, office.log_text()[-1_500:])
            self._tally.kill("point", office.code, name)
            with closing(sqlite3.connect(office.home / "dulian.db")) as database:
                (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
                (compat,) = database.execute("SELECT compat FROM schema_compat").fetchone()
            assert (revision == "0001") == (compat == 1), (revision, compat)
        office.kill9()
        office.up()
        self._tally.fault("old_schema_brought_forward")
        self._work.call_back(office.code)

    def _to_first_schema(self, office: Office) -> None:
        new, old = office.home / "dulian.db", self._folder / "old.db"
        old.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-c", _OLD_SCHEMA, str(old)], check=True, cwd=ROOT, env=ENVIRONMENT)
        with closing(sqlite3.connect(old, isolation_level=None)) as database:
            database.execute("PRAGMA page_size")
            database.execute("ATTACH ? AS new", (str(new),))
            database.execute("BEGIN")
            for (name,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
                if name in _DERIVED:
                    continue
                there = {row[1] for row in database.execute(f"PRAGMA new.table_info({name})")}
                known = [row[1] for row in database.execute(f"PRAGMA main.table_info({name})")]
                columns = ", ".join(column for column in known if column in there)
                database.execute(f"DELETE FROM main.{name}")  # noqa: S608 - names of our own schema
                database.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM new.{name}")  # noqa: S608
            database.execute("COMMIT")
            database.execute("DETACH new")
        for ending in ("", "-wal", "-shm"):
            new.with_name(new.name + ending).unlink(missing_ok=True)
        old.chmod(0o600)
        shutil.move(old, new)

    # -- rot ----------------------------------------------------------------------------------------------------------

    def rot(self) -> None:
        """D1: one flipped bit in a record that a neighbour holds too; the next reconciliation mends it."""
        office = self._tree.offices["320200"]
        self._quiet(office)
        self._die(office)
        with closing(sqlite3.connect(office.home / "dulian.db")) as database, database:
            found = database.execute(
                "SELECT place, payload FROM record JOIN log ON log.log_no = record.place / 4294967296"
                " WHERE log.path LIKE '320000/320200%' AND length(payload) > 40 ORDER BY random() LIMIT 1"
            ).fetchone()
            if found is not None:
                place, payload = found
                at = self._dice.randrange(len(payload))
                broken = payload[:at] + bytes((payload[at] ^ 1 << self._dice.randrange(8),)) + payload[at + 1 :]
                database.execute("UPDATE record SET payload = ? WHERE place = ?", (broken, place))
        office.up()
        self._quiet(office)
        office.client().request("reconcile", {"with": office.parent}, timeout_s=200)
        self._tally.fault("bit_flipped")

    # -- inside -------------------------------------------------------------------------------------------------------

    def _pick(self) -> Office:
        """An office on SQLite: its home is its disk."""
        return self._dice.choice([office for office in self._tree if not office.database])

    def _die(self, office: Office) -> None:
        if office.kill9():
            self._tally.kill("scene", office.code)


def _stopped(office: Office) -> bool:
    found = office.asked("status")
    return found is not None and found["recovery"]["stopped"] == "clone"
