"""`restore` reads what a file holds as what a stranger wrote."""

from pathlib import Path

import pytest

from node.bootstrap.restoring import _take_config
from node.config import CONFIG_FILE
from node.errors import InputError


@pytest.mark.parametrize("listen", ["", "127.0.0.1:7600"])
def test_a_configuration_that_is_none_is_refused_with_its_line(tmp_path: Path, listen: str) -> None:
    (tmp_path / CONFIG_FILE).write_text('office = "320000"\nlisten = [\n', encoding="utf-8")
    (tmp_path / CONFIG_FILE).chmod(0o600)
    with pytest.raises(InputError, match="配置文件.*写法有误"):
        _take_config(tmp_path, listen, "")
