"""Composition: what `init`, `join`, `serve` and `verify` of the command line call. The one place where parts meet."""

from __future__ import annotations

import asyncio
from pathlib import Path

from node.bootstrap import enrolling, homes
from node.clock import SystemClock
from node.config import read_config
from node.errors import InputError, PeerError, UnreachableError
from node.records.keyring import Keyring
from node.services.exchange.logs import Logs
from node.services.exchange.trust import fill_keyring
from node.services.mending.audit import audit
from node.storage.blobs import BlobFolder
from node.storage.sql import open_store
from node.wire.invitation import check_purpose, decode_token
from node.wire.messages import JoinState


def init_home(
    home: Path, *, office: str, name: str, listen: str | None = None, advertise: str | None = None,
    console: str | None = None, database: str | None = None,
) -> dict[str, object]:  # fmt: skip
    """`init`: make the root office's node. InputError; nothing is left behind where it fails."""
    made = not home.exists()
    keys = homes.make_home(home, office, listen or "", advertise or "", console or "", database or "")
    try:
        return homes.found_root(home, name, keys)
    except BaseException:
        homes.remove_home(home, keep_folder=not made)
        raise


def join_home(
    home: Path, *, token: str, listen: str | None = None, advertise: str | None = None, console: str | None = None,
    database: str | None = None,
) -> dict[str, object]:  # fmt: skip
    """`join`: make a child's node and ask to be admitted; state "ready" or "pending".

    InputError, UnreachableError, PeerError; nothing is left behind where the parent was not reached or refused.
    """
    invitation = decode_token(token, SystemClock().now_ms())
    check_purpose(invitation, recover=False)
    made = not home.exists()
    keys = homes.make_home(home, invitation.code, listen or "", advertise or "", console or "", database or "")
    state = JoinState.PENDING
    try:
        waiting = enrolling.save_waiting(home, token)
        state = asyncio.run(enrolling.ask_to_join(home, keys, waiting)).state
    except UnreachableError as error:
        # Broken off half-way, the parent may have admitted these keys: they stay, and `serve` asks again.
        if error.code not in ("timeout", "lost"):
            homes.remove_home(home, keep_folder=not made)
            raise
    except Exception:
        homes.remove_home(home, keep_folder=not made)
        raise
    return {
        "office": invitation.code, "name": invitation.name, "parent": invitation.parent_path[-1],
        "fingerprint": enrolling.fingerprint_of(keys), "home": str(home.absolute()), "listen": read_config(home).listen,
        "state": "ready" if state is JoinState.ADMITTED else "pending",
    }  # fmt: skip


def verify_home(home: Path) -> dict[str, object]:
    """`verify` on a node that is not running: the JSON document."""
    config = read_config(home)
    if enrolling.load_waiting(home) is not None:
        remedy = "执行 dulian serve，等待上级批准"
        raise InputError("尚未入网，没有可核验的记录", field="--home", value=home, remedy=remedy)
    keys = homes.read_keys(home)
    store = open_store(homes.database_url(home, config), create=False)
    try:
        identity = homes.read_identity(store, config, keys)
        keyring = Keyring(homes.the_suites(), identity.federation)
        try:
            fill_keyring(keyring, store, Logs(store, identity.path))
        except PeerError as error:
            raise InputError(f"本单位的证书链不成立：{error.text}", field="--home", value=home) from error
        blobs = BlobFolder(home / "blobs")
        return audit(store.reader(), keyring, lambda row: blobs.check(row.hash, row.salt))
    finally:
        store.close()
