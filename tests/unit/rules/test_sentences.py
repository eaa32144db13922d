"""Every quotation in a shipped profile stands word for word in its document; the documents lie beside the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.documents.profiles import SHIPPED
from node.rules.profile import Profile
from node.rules.values import Quoted
from tests.unit.rules.days import shipped

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "data"
DOCUMENTS = {
    "000": DATA / "seed_000.txt",
    **{number: HERE / "seeds" / f"{number}.txt" for number in ("001", "002", "003", "004")},
}


def quotations(profile: Profile) -> Iterator[Quoted]:
    for value in (getattr(profile, name) for name in type(profile).model_fields):
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Quoted):
                yield part


@pytest.mark.parametrize("name", SHIPPED)
def test_sentences_are_literal(name) -> None:
    documents = {number: path.read_text(encoding="utf-8") for number, path in DOCUMENTS.items()}
    quoted = [part for part in quotations(shipped(name)) if part.sentence]
    assert len(quoted) >= 8
    assert [part.sentence for part in quoted if part.sentence not in documents[part.seed]] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_figure_of_a_document_carries_its_sentence_and_its_number(name) -> None:
    bare = [part for part in quotations(shipped(name)) if part.seed and not (part.sentence and part.refs)]
    assert bare == []
    assert [rule.id for rule in shipped(name).rules if not rule.seed] == []
