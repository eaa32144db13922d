"""`alarm ack`: ends what only a person can end, leaves the rest, and keeps who did it."""

from node.storage.port import Evidence
from tests.unit.one_office import county


def test_an_alarm_that_only_a_person_can_end_is_ended_and_who_did_it_is_kept() -> None:
    office = county()
    store, alarms = office.machine.store, office.machine.office.alarms
    store.begin()
    alarms.raise_("internal", "ValueError", "内部错误")
    alarms.raise_("clock_skew", "320583", "时钟偏差")
    store.commit(durable=True)
    answer = office.do("alarm.ack", code="internal", subject="ValueError")
    assert answer == {"code": "internal", "subject": "ValueError", "text": "内部错误"}
    assert [alarm.code for alarm in alarms.standing()] == ["clock_skew"]
    assert [row.code for row in store.rows(Evidence)] == ["alarm_ack"]
    refused = office.refused("alarm.ack", code="clock_skew", subject="320583")
    assert "自动结束" in refused.text
    assert refused.remedy
    assert office.refused("alarm.ack", code="internal", subject="ValueError").code == "not_found"
    assert office.refused("alarm.ack", "承办", code="clock_skew", subject="320583").code == "no_right"
