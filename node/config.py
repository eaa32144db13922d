"""Configuration of a node: one TOML file in its home, checked before use.

A variable DULIAN_… of the environment goes before the file (a database URL with a password need not stand in it). The
file is written by `init` and `join`; everything in it may be changed by the operator while the node is stopped.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from node.errors import InputError

CONFIG_FILE = "config.toml"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})\Z")


class Config(BaseSettings):
    """Settings of one node. Addresses are host:port; lives and intervals carry their unit."""

    model_config = SettingsConfigDict(env_prefix="DULIAN_", extra="forbid", frozen=True)

    office: str
    listen: str = "127.0.0.1:7600"
    advertise: str = ""
    console: str = ""
    parent: str = ""  # the parent's address where it moved; who answers there must still prove to be the parent
    database: str = ""
    tls_lifetime_s: int = Field(default=180 * 86_400, ge=5, le=3_650 * 86_400)
    mark_interval_s: int = Field(default=60, ge=1, le=86_400)
    attachment_mib_max: int = Field(default=500, ge=1, le=2_048)
    keepalive_s: int = Field(default=20, ge=1, le=600)  # a link silent for twice as long is dead
    retry_max_s: int = Field(default=120, ge=1, le=3_600)  # between two attempts to reach the parent

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
    def _address(cls, value: str) -> str:
        return value if not value else check_address(value, "config.toml")

    @property
    def reachable_at(self) -> str:
        """host:port that invitations name."""
        return self.advertise or self.listen


def check_address(value: str, field: str) -> str:
    """Return a host:port; InputError naming the field."""
    found = _ADDRESS.match(value)
    if not found or not 0 <= int(found[2]) <= 65_535:
        raise InputError("地址写法不对", field=field, value=value, remedy="写成 主机:端口,如 10.1.2.3:7600")
    return value


def read_config(home: Path) -> Config:
    """Read HOME/config.toml; InputError where it is missing or not acceptable."""
    path = home / CONFIG_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = "先用 dulian init(顶级)或 dulian join(下级)建立"
        raise InputError("此处还没有节点", field="--home", value=home, remedy=remedy) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"配置文件写法有误:{error}", field=str(path), remedy="改正后重试") from error
    try:
        return Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"配置项 {name} 不对:{first['msg']}", field=str(path), remedy="改正后重试") from error


def write_config(home: Path, values: dict[str, str | int]) -> None:
    """Write HOME/config.toml (a JSON string is a TOML string)."""
    lines = ["# 督联节点配置。修改后重启节点生效。"]
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items() if value != ""]
    (home / CONFIG_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
