"""`dulian reconcile` on a running node: ask the core for runs with neighbours and wait for what they found."""

from __future__ import annotations

import asyncio

from node.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNREACHABLE, InputError
from node.services.access import rights
from node.services.matters.desk import Caller, take
from node.services.mending.reconcile import unfinished
from node.services.office import Office
from node.services.runner import Runner
from node.services.verbs import Args
from node.wire.local import LocalReply

_LOOK_S = 0.1
_WAIT_S = 580.0  # a little less than the command line waits


async def reconcile_links(office: Office, runner: Runner, args: Args, caller: Caller) -> LocalReply:
    """All links, or the one with ``with``, one after another; exits 1 with disputes, 3 where one could not be reached.

    Raises InputError: no such neighbour; ForbiddenError.
    """
    wanted = take(args, "with")

    def neighbours() -> list[str]:
        rights.check(office.store, "reconcile", caller, args, office.identity.code)
        known = [peer for peer in (office.identity.parent, *office.keyring.children(office.identity.code)) if peer]
        if wanted and wanted not in known:
            listed = "、".join(known) or "无"
            raise InputError("不是本单位的上级或下级", field="--with", value=wanted, remedy=f"可选：{listed}")
        return [wanted] if wanted else known

    peers = await asyncio.wrap_future(runner.call(neighbours))
    assert isinstance(peers, list)  # noqa: S101 - what neighbours returns
    found = [await _one(office, runner, peer) for peer in peers]
    if any(row["disputed"] for row in found):
        return LocalReply(found, exit=EXIT_FINDINGS)
    missed = any(row["outcome"] == "incomplete" for row in found)
    return LocalReply(found, exit=EXIT_UNREACHABLE if missed else EXIT_OK)


async def _one(office: Office, runner: Runner, peer: str) -> dict[str, object]:
    number = await asyncio.wrap_future(runner.call(lambda: office.reconcile.request(peer)))
    assert isinstance(number, int)  # noqa: S101 - what request returns
    if not number:
        return unfinished(peer, "未联通")
    for _ in range(int(_WAIT_S / _LOOK_S)):
        document = await asyncio.wrap_future(runner.call(lambda: office.reconcile.document(peer, number)))
        if isinstance(document, dict):
            return document
        await asyncio.sleep(_LOOK_S)
    return unfinished(peer, "仍在进行，稍后见 dulian reconcile history")
