"""Configuration of a node: one TOML file in its home, checked before use.

A variable DULIAN_… of the environment goes before the file (a database URL with a password need not stand in it). The
file is written by `init` and `join`; everything in it may be changed by the operator while the node is stopped.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from node.errors import ForbiddenError, InputError
from node.wire.loopback import check_loopback

CONFIG_FILE = "config.toml"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})\Z")


class Config(BaseSettings):
    """Settings of one node. Addresses are host:port; lives and intervals carry their unit."""

    model_config = SettingsConfigDict(env_prefix="DULIAN_", extra="forbid", frozen=True)

    office: str
    listen: str = "127.0.0.1:7600"
    advertise: str = ""
    console: str = ""  # host:port of the console; HTTPS beyond the loopback; empty = none
    console_hosts: str = ""  # more names the console is addressed by, by commas
    console_certificate: str = ""  # PEM file with the office's own certificate and chain; else one is made
    console_key: str = ""  # PEM file with its key, where it is not in the same
    parent: str = ""  # the parent's address where it moved; who answers there must still prove to be the parent
    database: str = ""
    tls_lifetime_s: int = Field(default=180 * 86_400, ge=5, le=3_650 * 86_400)
    mark_interval_s: int = Field(default=60, ge=1, le=86_400)
    freshness_limit_s: int = Field(default=129_600, ge=5, le=2_592_000)  # data older than this are 未同步 (36 h)
    attachment_mib_max: int = Field(default=500, ge=1, le=2_048)
    keepalive_s: int = Field(default=20, ge=1, le=600)  # a link silent for twice as long is dead
    retry_max_s: int = Field(default=120, ge=1, le=3_600)  # between two attempts to reach the parent
    peer_mib_per_day: int = Field(default=4_096, ge=1, le=1_048_576)  # beyond it a neighbour is slowed down
    peer_records_per_day: int = Field(default=2_000_000, ge=1, le=1_000_000_000)
    peer_logs_max: int = Field(default=100_000, ge=10, le=10_000_000)
    peer_window_kib: int = Field(default=4_096, ge=512, le=65_536)  # memory for what one neighbour has under way
    metrics: str = ""  # host:port on the loopback for /livez, /readyz, /metrics; empty = none
    reconcile_hour: int = Field(default=2, ge=0, le=23)  # Beijing time; within an hour from then the night's runs begin
    routine_hour: int = Field(default=7, ge=0, le=23)  # Beijing time; from then on a business date's routines run
    backup_folder: str = ""  # where daily backups go; empty = none are made
    backup_hour: int = Field(default=1, ge=0, le=23)  # Beijing time
    backup_keep: int = Field(default=14, ge=1, le=3_660)  # so many daily backups stay
    backup_to: str = ""  # age public keys, by commas; without one daily backups carry no keys

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the file says; nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @field_validator("listen", "advertise", "console", "parent")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        return value if not value else check_address(value, f"配置项 {info.field_name}")

    @property
    def backup_recipients(self) -> list[str]:
        """The age public keys daily backups are encrypted to."""
        return [part.strip() for part in self.backup_to.split(",") if part.strip()]

    @field_validator("metrics")
    @classmethod
    def _loopback(cls, value: str) -> str:
        if value:
            check_loopback(check_address(value, "配置项 metrics"), "配置项 metrics")
        return value

    @property
    def reachable_at(self) -> str:
        """host:port that invitations name."""
        return self.advertise or self.listen


def check_address(value: str, field: str) -> str:
    """Return a host:port; InputError naming the field."""
    found = _ADDRESS.match(value)
    if not found or not 0 <= int(found[2]) <= 65_535:
        raise InputError("地址写法不对", field=field, value=value, remedy="写成 主机:端口，如 10.1.2.3:7600")
    return value


def read_config(home: Path) -> Config:
    """Read HOME/config.toml; InputError where it is missing or not acceptable, ForbiddenError where it is not ours."""
    path = home / CONFIG_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = "先用 dulian init（顶级）或 dulian join（下级）建立"
        raise InputError("此处还没有节点", field="--home", value=home, remedy=remedy) from error
    except PermissionError as error:
        remedy = "以运行节点的系统用户身份执行"
        raise ForbiddenError("无权读取节点的数据目录", field="--home", value=home, remedy=remedy) from error
    except OSError as error:
        text = f"读不了配置文件（{error.strerror}）"
        raise InputError(text, field="配置文件", value=path, remedy="核对 --home 所指的目录") from error
    except UnicodeDecodeError as error:
        raise InputError("配置文件不是 UTF-8 编码", field="配置文件", value=path, remedy="另存为 UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line \d+", str(error))
        where = f"第 {at[0].removeprefix('line ')} 行" if at else "末尾"
        remedy = "每行写成 名称 = 值，文字加双引号"
        raise InputError(f"配置文件{where}写法有误", field="配置文件", value=path, remedy=remedy) from error
    try:
        return Config(**values)
    except ValidationError as error:
        raise _refusal(error.errors()[0], path) from error


def _refusal(first: ErrorDetails, path: Path) -> InputError:
    """What is wrong with a setting, in our words."""
    name, limits = ".".join(str(part) for part in first["loc"]), first.get("ctx") or {}
    if first["type"] == "missing":
        return InputError(f"缺少配置项 {name}", field="配置文件", value=path, remedy=f"补上 {name}")
    if first["type"] == "extra_forbidden":
        remedy = f"可用的配置项：{'、'.join(Config.model_fields)}"
        return InputError(f"没有配置项 {name}", field="配置文件", value=path, remedy=remedy)
    wanted = {"int_parsing": "整数", "int_type": "整数", "int_from_float": "整数", "string_type": "加双引号的文字"}
    if first["type"] in wanted:
        why = f"须为{wanted[first['type']]}"
    elif "ge" in limits:
        why = f"不能小于 {limits['ge']}"
    elif "le" in limits:
        why = f"不能大于 {limits['le']}"
    else:
        why = "值不合要求"
    remedy = f"在 {path} 或环境变量 DULIAN_{name.upper()} 中改正"
    return InputError(why, field=f"配置项 {name}", value=first["input"], remedy=remedy)


def write_config(home: Path, values: dict[str, str | int]) -> None:
    """Write HOME/config.toml (a JSON string is a TOML string)."""
    lines = ["# 督联节点配置。修改后重启节点生效。"]
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items() if value != ""]
    (home / CONFIG_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
