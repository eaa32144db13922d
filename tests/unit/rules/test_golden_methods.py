"""Ways of supervising that the documents name are classes of items, so that they can be listed and counted."""

from tests.unit.rules.days import shipped


def labels(profile: str) -> set[str]:
    return {one.label for one in shipped(profile).classes if "R100" in one.refs}


def test_R100_kinds_of_supervision() -> None:
    city = shipped("liupanshui-002")
    assert labels("liupanshui-002") == {
        "专项督查", "交叉督查", "重点督查", "专项督办", "明查", "暗访督查（四不两直）", "回访督查",
    }  # fmt: skip
    assert labels("xianyang-001") == {"明查", "暗访", "联合督查", "集中督查", "日常督查"}
    # 专项督办 is a work line; and each of these stands in the ledger of great inspections (R92).
    assert "special" in {source.line for source in shipped("xianyang-001").sources}
    wanted = {one.id for one in city.classes if "R100" in one.refs} | {"inspection"}
    assert set(city.ledger("inspections").filter.class_) == wanted


def test_R101_the_class_of_unannounced_inspections_is_hidden_by_itself() -> None:
    assert [one.id for one in shipped("liupanshui-002").classes if one.hidden] == ["inspect.hidden"]
