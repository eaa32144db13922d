"""The system's Chromium, as tests of the console and the pictures of the README use it."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--lang=zh-CN",
)  # fmt: skip


def program() -> str | None:
    """Where it is; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """Start it, speaking Chinese where its language files are installed (chromium-l10n)."""
    surroundings: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "zh_CN"}
    return playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS), env=surroundings)
