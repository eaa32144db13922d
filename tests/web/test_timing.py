"""How long pages take is told to the metrics, by route."""

from node.services.care.metrics import Metrics
from tests.web.desk import Desk


def test_pages_are_timed_by_route_and_no_id_becomes_a_label(desk: Desk) -> None:
    metrics = Metrics(desk.office.health)
    item = desk.item("推进水环境治理")
    browser = desk.sign_in("王督查")
    browser.page(f"/items/{item}")
    browser.page(f"/items/{item}")
    told = metrics.text().decode()
    assert 'dulian_http_request_seconds_count{page="/items/{item}"} 2.0' in told
    assert item not in told
    assert "/live" not in told, "streams never end"
