"""Backups of a running node: on demand and once a business date, beside the core, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from node.bootstrap.backups import Made, backup_folder, make_backup, scheduled
from node.clock import SHANGHAI
from node.config import Config
from node.errors import DulianError, InputError
from node.services.care import backups
from node.services.matters.desk import take, take_list
from node.services.office import Office
from node.services.runner import Runner
from node.storage.sql import SqlStore


class Backups:
    """Makes backups and notes them in the core."""

    def __init__(self, home: Path, config: Config, store: SqlStore, office: Office, runner: Runner) -> None:
        """Nothing runs yet."""
        self._home = home
        self._config = config
        self._store = store
        self._office = office
        self._runner = runner
        self._busy = asyncio.Lock()

    async def by_hand(self, args: Mapping[str, object]) -> object:
        """`backup`: args file (an absolute path), to, with_keys. InputError, StoreError.

        Without a file (the console) it goes where the scheduled ones go, named by the moment, encrypted as they are;
        rotation leaves it alone.
        """
        given, to, with_keys = take(args, "file"), take_list(args, "to"), bool(args.get("with_keys"))
        async with self._busy:
            now_ms = self._office.world.clock.now_ms()
            if given:
                file = Path(given)
            else:
                file = await asyncio.to_thread(self._own_file, now_ms)
                to = tuple(self._config.backup_recipients)
            make = partial(make_backup, self._home, self._config, self._store, file, to)
            made = await asyncio.to_thread(make, with_keys=with_keys, now_ms=now_ms)
            await self._note(made, 0)
        return made.document()

    def _own_file(self, now_ms: int) -> Path:
        """A new file in the folder of scheduled backups; InputError where there is none, or it cannot be made."""
        if not self._config.backup_folder:
            remedy = "在 config.toml 设 backup_folder，重启节点"
            raise InputError("没有设置备份目录", field="配置项 backup_folder", remedy=remedy)
        folder = backup_folder(self._home, self._config)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            remedy = f"核对 config.toml 的 backup_folder（{folder}）"
            raise InputError("不能建立备份目录", field="配置项 backup_folder", value=folder, remedy=remedy) from error
        moment = datetime.fromtimestamp(now_ms / 1000, SHANGHAI).strftime("%Y%m%d-%H%M%S")
        ending = ".backup.age" if self._config.backup_recipients else ".backup"
        target = folder / f"dulian-{self._config.office}-manual-{moment}{ending}"
        if target.exists():
            raise InputError("刚刚备份过", field="文件", value=target.name, remedy="稍等一秒再备份")
        return target

    async def daily(self) -> None:
        """The scheduled backup, where one is due; what fails is an alarm, and is tried again at the next call."""
        if not self._config.backup_folder:
            return
        async with self._busy:
            now_ms = self._office.world.clock.now_ms()
            reader, hour = self._store.reader(), self._config.backup_hour
            day = await asyncio.to_thread(lambda: backups.due_day(reader, now_ms, hour))
            if not day:
                return
            try:
                made = await asyncio.to_thread(scheduled, self._home, self._config, self._store, day, now_ms)
            except (DulianError, OSError) as error:
                text = f"每日备份未成：{error}"
                await self._in_core(lambda: self._office.alarms.raise_(backups.FAILED, backups.BACKUP_JOB, text))
                return
            await self._note(made, day)

    async def _note(self, made: Made, day: int) -> None:
        office = self._office
        await self._in_core(
            lambda: backups.note_made(office.store, office.alarms, made.document(), day, made.at_ms)
        )

    async def _in_core(self, run: object) -> None:
        assert callable(run)  # noqa: S101 - a lambda of this file
        await asyncio.wrap_future(self._runner.call(run))
