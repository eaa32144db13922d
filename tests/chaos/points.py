"""Failpoints by name: where, on the way of a record and in the nightly and operators' work, a process kills itself.

Nothing in `node` knows of them. The launcher (`tests.chaos.launch`) wraps one function of the composed program before
it serves, counts passages and sends itself SIGKILL at the n-th. The order of the first groups is that of a record's
life (faults.md C1): sign → append → commit → fold → send → receipt → cursor.
"""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """A place to die: before or after ``target`` (module:qualified name) is called for the ``most``-th time at most."""

    group: str
    target: str
    after: bool = True
    when: str = ""  # which calls count: "durable", "soft", "frames", "receipt", "moved"; empty = all
    most: int = 12
    trigger: str = ""  # what the driver asks of the node so that it passes here


AUTHOR, LOGS = "node.services.exchange.author:Author", "node.services.exchange.logs:Logs"
OFFICE, SCRUBBING = "node.services.office:Office", "node.services.mending.scrubbing:Scrubbing"
STORE, PROJECTOR = "node.storage.sql:SqlStore", "node.services.board.project:Projector"
NETWORK, RECEIPTS = "node.bootstrap.network:Network", "node.services.exchange.receipts:Receipts"
RECONCILE, BLOBS = "node.services.mending.reconcile:Reconcile", "node.storage.blobs"

POINTS: dict[str, Point] = {
    "sign.before": Point("sign", f"{AUTHOR}._append", after=False, most=5),
    "sign.sealed": Point("sign", "node.services.exchange.author:seal", most=5),
    "append.memory": Point("append", f"{LOGS}.append"),
    "append.rows": Point("append", f"{STORE}.append"),
    "commit.before": Point("commit", f"{STORE}.commit", after=False, when="durable"),
    "commit.after": Point("commit", f"{STORE}.commit", when="durable"),
    "fold.before": Point("fold", f"{PROJECTOR}.run", after=False),
    "fold.folded": Point("fold", f"{PROJECTOR}._fold"),
    "fold.cursor": Point("fold", f"{STORE}.set_folded"),
    "fold.board": Point("fold", f"{STORE}.commit", when="soft"),
    "send.before": Point("send", f"{NETWORK}.deliver", after=False, when="frames"),
    "send.after": Point("send", f"{NETWORK}.deliver", when="frames"),
    "admit.after": Point("receive", "node.services.exchange.intake:Intake.admit", most=6),
    "receipt.given": Point("receipt", f"{RECEIPTS}.give", most=6),
    "receipt.before_sent": Point("receipt", f"{NETWORK}.deliver", after=False, when="receipt", most=6),
    "receipt.noted": Point("receipt", f"{RECEIPTS}.note", most=6),
    "cursor.moved": Point("cursor", f"{RECEIPTS}._move", most=6),
    "cursor.committed": Point("cursor", f"{STORE}.commit", when="moved", most=6),
    "attach.stored": Point("attachment", f"{BLOBS}:BlobFolder.add", most=1),
    "attach.chunk": Point("attachment", f"{BLOBS}:PartFile.write", most=2),
    "attach.before_place": Point("attachment", f"{BLOBS}:_into_place", after=False, most=2),
    "attach.placed": Point("attachment", f"{BLOBS}:_into_place", most=2),
    "start.loaded": Point("start", f"{OFFICE}.load", most=1),
    "start.composed": Point("start", "node.bootstrap.serving:Running.__init__", most=1),
    "start.caught_up": Point("start", f"{OFFICE}.project", most=1),
    "night.begun": Point("night", f"{RECONCILE}._begin", most=1, trigger="reconcile"),
    "night.scrubbed": Point("night", f"{SCRUBBING}._portion_done", most=1, trigger="reconcile"),
    "night.items": Point("night", f"{RECONCILE}._take_items", most=1, trigger="reconcile"),
    "night.stated": Point("night", f"{RECONCILE}._state", most=1, trigger="reconcile"),
    "night.finished": Point("night", f"{RECONCILE}._finished", most=1, trigger="reconcile"),
    "backup.copied": Point("backup", "node.bootstrap.backups:copy_out", most=1, trigger="backup"),
    "backup.written": Point("backup", "node.bootstrap.archive:_sha256", most=1, trigger="backup"),
    "backup.in_place": Point("backup", "node.bootstrap.archive:_sync_folder", after=False, most=1, trigger="backup"),
    "backup.noted": Point("backup", "node.services.care.backups:note_made", most=1, trigger="backup"),
}  # fmt: skip
# In scenes of their own: an old database is opened, a backup is put back.
SCENE_POINTS: dict[str, Point] = {
    "migration.before": Point("migration", "node.storage.schema:upgrade", after=False, most=1),
    "migration.tables": Point("migration", "alembic.op:create_table", most=8),
    "migration.index": Point("migration", "alembic.op:create_index", most=2),
    "migration.run": Point("migration", "node.storage.schema:upgrade", most=1),
    "migration.committed": Point("migration", "node.bootstrap.serving:open_store", most=1),
    "restore.read": Point("restore", "node.bootstrap.archive:read_backup", most=1),
    "restore.begun": Point("restore", "node.bootstrap.restoring:_begin", most=1),
    "restore.into_place": Point("restore", "node.bootstrap.archive:sync_tree", most=2),
}  # fmt: skip
ALL = POINTS | SCENE_POINTS
