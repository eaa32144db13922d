"""One office for the tests of a module: they do not mind each other's items."""

from collections.abc import Iterator

import pytest

from tests.web.desk import Desk, open_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("web")) as opened:
        yield opened
