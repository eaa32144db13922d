"""A storm: every office lives, dies and starts again on its own; links and the database server suffer meanwhile."""

from __future__ import annotations

import errno
import random
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from node.errors import EXIT_INTERNAL, DulianError
from tests.chaos.offices import Office, Tree
from tests.chaos.points import POINTS
from tests.chaos.tally import Tally
from tests.chaos.work import Work
from tests.process.nodes_proxy import Proxy
from tests.process.syscalls import CREATE, SYNC, WRITE

_PATIENCE_S, _PATIENCE_ASKED_S = 5.0, 10.0  # so long a failpoint is waited for; then the node dies where it stands
_DOWN_S = 0.6
_PLAIN_STARTS = 0.1  # this part is started by an exec of its own, as a service manager would
_DISK_LIVES = 0.05
_LOG_CHARS = 10_000
_DISKS = (
    ("disk_full", errno.ENOSPC), ("disk_quota", errno.EDQUOT), ("disk_read_only", errno.EROFS),
    ("disk_sync_fails", errno.EIO),
)  # fmt: skip


class Storm:
    """Kills and other faults until ``kills`` nodes have died."""

    def __init__(
        self, tree: Tree, work: Work, tally: Tally, dice: random.Random, folder: Path, pace: float = 1.0
    ) -> None:
        self._tree = tree
        self._work = work
        self._tally = tally
        self._dice = dice
        self._folder = folder
        self._pace = pace
        self._over = threading.Event()
        self.failures: list[str] = []

    def blow(self, kills: int, within_s: float, disks: int = 0) -> None:
        """Until so many have died, or the time is up; then all faults are mended and every node serves."""
        goal, deadline = self._tally.killed() + kills, time.monotonic() + within_s
        on_disk = [office.code for office in self._tree if not office.database]
        first = set(on_disk[len(on_disk) - disks :])
        lives = [
            threading.Thread(target=self._guard, args=(self._lives, one, self._seed(), one.code in first), daemon=True)
            for one in self._tree
        ]
        both = (self._links, self._server)
        others = [threading.Thread(target=self._guard, args=(what, self._seed()), daemon=True) for what in both]
        for thread in lives + others:
            thread.start()
        while self._tally.killed() < goal and time.monotonic() < deadline and not self.failures:
            time.sleep(0.1)
        self._over.set()
        for thread in lives + others:
            thread.join(240)
            if thread.is_alive():
                self.failures.append("a storm's thread does not end")
        for office in self._tree:
            office.up()
        self._over.clear()

    def _seed(self) -> random.Random:
        return random.Random(self._dice.random())

    def _guard(self, run: Callable[..., None], *arguments: object) -> None:
        try:
            run(*arguments)
        except BaseException as error:  # noqa: BLE001 - told by the storm: its thread has nobody else to tell
            self.failures.append(f"{run.__name__}: {type(error).__name__}: {error}"[:1_500])

    def _rest(self, seconds: float) -> None:
        self._over.wait(seconds * self._pace)

    # -- lives --------------------------------------------------------------------------------------------------------

    def _lives(self, office: Office, dice: random.Random, disk_first: bool) -> None:
        while not self._over.is_set():
            if not office.database and (disk_first or dice.random() < _DISK_LIVES):
                disk_first = False
                self._disk_life(office, dice)
            else:
                self._life(office, dice)

    def _life(self, office: Office, dice: random.Random) -> None:
        """One life of a node, to a failpoint or to some instant."""
        if office.alive():
            self._die(office, "random")
        point, count = "", 0
        if dice.random() < 0.7:
            point = self._choose(dice)
            count = min(dice.randint(1, POINTS[point].most) for _ in range(2))
        plain = not point and dice.random() < _PLAIN_STARTS / 0.3
        self._rest(dice.random() * _DOWN_S)
        office.begin(point, count, plain=plain)
        self._tally.start("exec" if plain else "fork")
        if not point and dice.random() < 0.12:
            self._wait(office, dice.random() * 0.8)
            self._die(office, "starting")
            return
        if not office.await_up():
            self._ended(office)
            return
        if point and POINTS[point].trigger:
            threading.Thread(target=self._trigger, args=(office, POINTS[point].trigger), daemon=True).start()
        patience_s = _PATIENCE_ASKED_S if point and POINTS[point].trigger else _PATIENCE_S
        self._wait(office, patience_s if point else 0.3 + dice.expovariate(1 / 1.5))
        if not office.alive():
            self._ended(office)
        elif point or not self._over.is_set():  # nobody may die by itself after the storm
            self._die(office, "random")

    def _choose(self, dice: random.Random) -> str:
        """One of those that have killed least, or any."""
        fired = dict(self._tally.points)
        least = min(fired.get(name, 0) for name in POINTS)
        return dice.choice([name for name in POINTS if dice.random() < 0.5 or fired.get(name, 0) <= least])

    def _wait(self, office: Office, seconds: float) -> None:
        deadline = time.monotonic() + seconds * self._pace
        while office.alive() and not self._over.is_set() and time.monotonic() < deadline:
            time.sleep(0.03)

    def _die(self, office: Office, how: str) -> None:
        if office.kill9():
            self._tally.kill(how, office.code)
        else:
            self._ended(office)

    def _ended(self, office: Office) -> None:
        """It ended by itself: at a failpoint, or refusing to go on."""
        if point := office.fired():
            self._tally.kill("point", office.code, point)
            return
        code = office.exit_code()
        if code is None:
            self.failures.append(f"{office.code} died of something else: {office.log_text()[-1_000:]}")
        elif code and office.database:
            self._tally.fault("left_without_database")  # its server was dead: it says so and is started again
            self._rest(0.5)
        elif code:
            self.failures.append(f"{office.code} ended with {code}: {office.log_text()[-1_500:]}")

    def _trigger(self, office: Office, what: str) -> None:
        """Ask for what passes a failpoint; the node dies of it, as a rule."""
        try:
            if what == "backup":
                file = self._folder / f"{office.code}-{secrets.token_hex(4)}.backup"
                office.client().request("backup", {"file": str(file), "to": [], "with_keys": True}, timeout_s=60)
                file.unlink()
                self._tally.fault("backup_made")
            elif what == "reconcile":
                deadline = time.monotonic() + _PATIENCE_ASKED_S
                while time.monotonic() < deadline and office.alive():  # as soon as a link is in sync
                    for run in office.client().request("reconcile", {}, timeout_s=60).data:
                        self._tally.fault(f"reconcile_{run['outcome']}")
                    time.sleep(0.3)
        except (DulianError, OSError):
            return  # what a dying node says

    # -- disks --------------------------------------------------------------------------------------------------------

    def _disk_life(self, office: Office, dice: random.Random) -> None:
        """A life on a disk that fills, is read-only or loses a sync, and is mended."""
        if office.alive():
            self._die(office, "random")
        office.begin(disk=True)
        self._tally.start("exec")
        if not office.await_up():
            self._ended(office)
            return
        self._wait(office, 0.5)
        name, number = dice.choice(_DISKS)
        disk = office.disk
        if number == errno.EIO:
            disk.error = {SYNC: number}
        else:
            disk.error = {WRITE: number, CREATE: number}
        deadline = time.monotonic() + 2.0
        while not disk.failed and office.alive() and time.monotonic() < deadline:
            self._work.do(office, "item.register", {"title": f"磁盘{dice.randrange(10**9)}"})
        self._wait(office, 1.0)
        if disk.failed:
            self._tally.fault(name)
        if number == errno.EIO and disk.failed:
            deadline = time.monotonic() + 20
            while office.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
            if office.alive():
                self.failures.append(f"{office.code} goes on after a failed sync")
            disk.mend()
            return
        disk.mend()
        self._wait(office, 0.5 + dice.random() * 2)
        if disk.failed and office.exit_code() == EXIT_INTERNAL and "disk I/O error" in office.log_text()[-_LOG_CHARS:]:
            # It asked the disk why a write had failed just when that was mended: what it cannot tell from a broken
            # disk stops it, as it must (D5).
            self._tally.fault("disk_mended_amid")
            return
        self._die(office, "random")

    # -- links and the server -----------------------------------------------------------------------------------------

    def _links(self, dice: random.Random) -> None:
        faults = (self._cut, self._freeze, self._slow, self._refuse, self._cut_amid)
        turn = 0
        while not self._over.is_set():
            proxy = dice.choice(list(self._tree.proxies.values()))
            faults[turn % len(faults)](proxy, dice)
            turn += 1
            self._rest(0.5 + dice.random() * 1.5)

    def _cut(self, proxy: Proxy, dice: random.Random) -> None:
        proxy.cut()
        self._tally.fault("link_cut")

    def _freeze(self, proxy: Proxy, dice: random.Random) -> None:
        proxy.frozen = True
        self._tally.fault("link_half_open")
        self._rest(1 + dice.random() * 4)
        proxy.frozen = False

    def _slow(self, proxy: Proxy, dice: random.Random) -> None:
        proxy.up_rate = proxy.down_rate = 4_000 + dice.randrange(60_000)
        self._tally.fault("link_slow")
        self._rest(1 + dice.random() * 3)
        proxy.up_rate = proxy.down_rate = 0

    def _refuse(self, proxy: Proxy, dice: random.Random) -> None:
        proxy.refusing = True
        proxy.cut()
        self._tally.fault("link_refused")
        self._rest(0.5 + dice.random() * 2)
        proxy.refusing = False

    def _cut_amid(self, proxy: Proxy, dice: random.Random) -> None:
        """Somewhere in what passes next, an attachment with luck."""
        proxy.cut_after_bytes = proxy.up_bytes + proxy.down_bytes + dice.randrange(1_000, 300_000)
        self._tally.fault("link_cut_amid")

    def _server(self, dice: random.Random) -> None:
        server = self._tree.server
        self._rest(1 + dice.random() * 3)
        turn = dice.randrange(2)
        while not self._over.is_set():
            if turn % 2:
                server.kill_one()
                self._tally.fault("database_process_killed")
                server.await_answer()
            else:
                server.kill()
                self._tally.fault("database_server_killed")
                self._rest(dice.random() * 1.5)
                server.start_again()
            turn += 1
            self._rest(6 + dice.random() * 14)
