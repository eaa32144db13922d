"""`recover`: an office that is known comes back: on a new machine with a new key, or in its own home with its own key.

Rules of this file: a new machine begins an epoch of its own (no number of the lost one is used again) and gets records,
tasks and attachments from its neighbours; a home whose TLS certificate has expired, or whose parent lost or changed its
own, gets new ones by proving the key it has always had.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from node.bootstrap import enrolling, homes
from node.clock import SystemClock
from node.config import CONFIG_FILE, read_config
from node.errors import InputError, UnreachableError
from node.storage.sql import open_store
from node.wire.invitation import Invitation, check_purpose, decode_token
from node.wire.messages import JoinState


def recover_home(
    home: Path, *, token: str, listen: str | None = None, advertise: str | None = None, console: str | None = None,
    database: str | None = None,
) -> dict[str, object]:  # fmt: skip
    """Ask the parent to take this office back; the JSON document, state "ready" or "pending".

    InputError, StoreError (the node still runs), UnreachableError, PeerError; a new home is removed where it failed.
    """
    invitation = decode_token(token, SystemClock().now_ms())
    check_purpose(invitation, recover=True)
    new = not (home / CONFIG_FILE).exists()
    made = not home.exists()
    if new:
        code = invitation.code
        keys = homes.make_home(home, code, listen or "", advertise or "", console or "", database or "")
    else:
        keys = _check_own(home, invitation)
    state = JoinState.PENDING
    try:
        waiting = enrolling.save_waiting(home, token)
        state = asyncio.run(enrolling.ask_to_join(home, keys, waiting)).state
    except Exception as error:
        # Broken off half-way, the parent may have admitted these keys: they stay, and `serve` asks again.
        if not isinstance(error, UnreachableError) or error.code not in ("timeout", "lost"):
            _undo(home, new=new, keep_folder=not made)
            raise
    return {
        "office": invitation.code, "name": invitation.name, "parent": invitation.parent_path[-1], "new_key": new,
        "fingerprint": enrolling.fingerprint_of(keys), "home": str(home.absolute()), "listen": read_config(home).listen,
        "state": "ready" if state is JoinState.ADMITTED else "pending",
    }  # fmt: skip


def _check_own(home: Path, invitation: Invitation) -> homes.Keys:
    """A home that is there must be this office's, and its node must not be running."""
    config, keys = read_config(home), homes.read_keys(home)
    if config.office != invitation.code:
        text, remedy = f"令牌是给 {invitation.code} 的，此处是 {config.office}", "核对 --home；新机器写一个空目录"
        raise InputError(text, field="TOKEN", code="wrong_home", remedy=remedy)
    with closing(open_store(homes.database_url(home, config), create=False)) as store:
        identity = homes.read_identity(store, config, keys)
    if identity.federation != invitation.federation:
        raise InputError("令牌不属于本节点所在的联通体系", field="TOKEN", code="wrong_home", remedy="请上级核对")
    return keys


def _undo(home: Path, *, new: bool, keep_folder: bool) -> None:
    if new:
        homes.remove_home(home, keep_folder=keep_folder)
    else:
        (home / homes.JOIN_FILE).unlink(missing_ok=True)

