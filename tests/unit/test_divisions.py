"""The directory of real offices and the check at `invite`."""

from __future__ import annotations

import gzip

import pytest

from node.documents.divisions import Division, Divisions
from node.errors import InputError


@pytest.fixture(scope="module")
def divisions() -> Divisions:
    return Divisions.load()


def test_whole_table_is_shipped(divisions: Divisions) -> None:
    assert len(divisions) == 44_691


@pytest.mark.parametrize(
    ("code", "name", "level", "parent"),
    [
        ("000000", "国家", "nation", ""),
        ("110000", "北京市", "province", "000000"),
        ("110101", "东城区", "county", "110000"),  # no prefecture in between
        ("320000", "江苏省", "province", "000000"),
        ("320500", "苏州市", "prefecture", "320000"),
        ("320583", "昆山市", "county", "320500"),
        ("320583100", "玉山镇", "township", "320583"),
        ("441900003", "东城街道", "township", "441900"),  # a prefecture without counties
        ("659012", "白杨市", "county", "650000"),
        ("320500-fgw", "", "unit", "320500"),
        ("000000-gwy", "", "unit", "000000"),
    ],
)
def test_get(divisions: Divisions, code: str, name: str, level: str, parent: str) -> None:
    assert divisions.get(code) == Division(code, name, level, parent)


@pytest.mark.parametrize("code", ["", "32", "320599", "320583999", "320599-fgw", "320500-", "320500-FGW", "320500-a-b"])
def test_get_unknown(divisions: Divisions, code: str) -> None:
    assert divisions.get(code) is None


@pytest.mark.parametrize(
    ("code", "name", "odd"),
    [
        ("320500", "苏州市人民政府", False),
        ("320500", " 江苏省 苏州市 ", False),
        ("320500", "苏州市人民政府办公室督查室", False),
        ("320500", "中共苏州市委督查室", False),
        ("320500", "昆山市人民政府", True),
        ("320500", "苏州市姑苏区人民政府", True),
        ("320500", "苏州", True),
        ("320500-fgw", "苏州市发展和改革委员会", False),  # the directory has no names for units
        ("320599", "某县人民政府", False),  # unlisted: there is nothing to compare with
    ],
)
def test_name_doubt(divisions: Divisions, code: str, name: str, odd: bool) -> None:
    doubt = divisions.name_doubt(code, name)
    assert bool(doubt) is odd
    if odd:
        assert name in doubt
        assert "320500 在表中是苏州市" in doubt


def test_every_listed_parent_is_listed(divisions: Divisions) -> None:
    above = {"province": {"nation"}, "prefecture": {"province"}, "county": {"prefecture", "province"}}
    for code in (*divisions._offices, *divisions._townships):
        office = divisions.get(code)
        assert office is not None
        parent = divisions.get(office.parent)
        assert parent is not None
        assert parent.level in above.get(office.level, {"county", "prefecture"}), office


@pytest.mark.parametrize(("code", "count"), [("000000", 31), ("320000", 13), ("441900", 36), ("320583100", 0)])
def test_children(divisions: Divisions, code: str, count: int) -> None:
    children = divisions.children(code)
    assert len(children) == count
    assert [child.code for child in children] == sorted(child.code for child in children)
    assert all(child.parent == code for child in children)


@pytest.mark.parametrize(
    ("parent", "code"),
    [
        ("000000", "320000"),
        ("320000", "320500"),
        ("320500", "320583"),
        ("320583", "320583100"),
        ("110000", "110101"),
        ("441900", "441900003"),
        ("320500", "320500-fgw"),
        ("320583100", "320583100-zz"),
        ("990000", "990000-fgw"),  # an unlisted office may have units
    ],
)
def test_check_child_accepts(divisions: Divisions, parent: str, code: str) -> None:
    divisions.check_child(parent, code)


@pytest.mark.parametrize(
    ("parent", "code", "words"),
    [
        ("320500", "320599", ["没有这个代码", "320509 吴江区", "--unlisted"]),
        ("320583", "320583199", ["没有这个代码", "昆山", "--unlisted"]),
        ("000000", "999999", ["没有这个代码", "--unlisted"]),
        ("320500", "320281", ["320200 无锡市", "不是 320500 苏州市", "--unlisted"]),
        ("320000", "320583", ["320500 苏州市", "不是 320000 江苏省"]),
        ("440000", "441900003", ["441900 东莞市"]),
        ("320500", "320000", ["000000 国家"]),
        ("320500", "000000", ["没有上级"]),
        ("320500", "320500", ["自己"]),
        ("320500", "320200-fgw", ["320200 无锡市", "320500-fgw"]),
        ("320500-fgw", "320583", ["部门节点", "320500"]),
        ("320500", "32058", ["320500-fgw", "6位"]),
        ("320500", "3205831", ["6位"]),
        ("320500", "３２０５８３", ["6位"]),  # full-width digits
        ("320500", "320583\n", ["6位"]),
        ("320500", "320500-FGW", ["小写"]),
    ],
)
def test_check_child_refuses(divisions: Divisions, parent: str, code: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        divisions.check_child(parent, code)
    assert caught.value.exit_code == 2
    assert caught.value.value == code
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


def test_the_name_finds_the_right_code(divisions: Divisions) -> None:
    with pytest.raises(InputError) as caught:
        divisions.check_child("320500", "320999", name="昆山市人民政府")
    assert "320583 昆山市" in str(caught.value)


def test_names_elsewhere_are_suggested_too(divisions: Divisions) -> None:
    with pytest.raises(InputError) as caught:
        divisions.check_child("320500", "919191", name="江阴市人民政府办公室")
    assert "320281 江阴市" in str(caught.value)


def test_an_irregular_township_keeps_its_parent() -> None:
    packed = gzip.compress(
        "=320500,c,320000,苏州市\n=320583,x,320500,昆山市\n100玉山镇\n=320583900,t,320500,某园区\n101巴城镇".encode()
    )
    divisions = Divisions.parse(packed)
    assert divisions.get("320583900") == Division("320583900", "某园区", "township", "320500")
    assert divisions.get("320583101") == Division("320583101", "巴城镇", "township", "320583")
    assert [d.code for d in divisions.children("320500")] == ["320583", "320583900"]
