"""What open pages are told: at once after a quiet time, together while changes go on, and never more than they may."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from node.web.limits import CHANGED_IDS_MAX, GATHER_S, SPREAD_PER_STREAM_MS, STREAMS_MAX, STREAMS_PER_SESSION_MAX
from node.web.live import ITEMS, Hub, Stream

ONE, TWO = bytes(32), bytes([1] * 32)


def told(stream: Stream, spread_ms: int = 0) -> list[dict[str, Any]]:
    lines = stream.take(spread_ms).decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def in_loop(story: Callable[[Hub], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        hub = Hub()
        hub.start()
        await story(hub)
        hub.close()

    asyncio.run(run())


def test_the_first_change_is_told_at_once_and_those_that_follow_together() -> None:
    async def story(hub: Hub) -> None:
        stream = hub.open(b"s", with_ids=True)
        assert stream is not None
        hub.changed([ONE])
        await stream.wait(GATHER_S / 2)
        assert told(stream, hub.spread_ms) == [{"ids": [ONE.hex()], "spread": SPREAD_PER_STREAM_MS}]
        for _ in range(50):
            hub.changed([ONE])
            hub.changed([TWO])
            await asyncio.sleep(0)
        assert told(stream) == [], "it was told a moment ago"
        await stream.wait(20 * GATHER_S)
        assert told(stream) == [{"ids": sorted([ONE.hex(), TWO.hex()]), "spread": 0}]
        assert told(stream) == []

    in_loop(story)


def test_many_changes_are_many_and_who_sees_only_some_items_hears_of_none() -> None:
    async def story(hub: Hub) -> None:
        all_, some = hub.open(b"a", with_ids=True), hub.open(b"b", with_ids=False)
        assert all_ is not None
        assert some is not None
        hub.changed([number.to_bytes(32, "big") for number in range(CHANGED_IDS_MAX + 9)])
        await all_.wait(GATHER_S)
        assert told(all_) == told(some) == [{"many": True, "spread": 0}]
        hub.publish(ITEMS, [ONE.hex()])
        assert told(some) == [{"many": True, "spread": 0}]

    in_loop(story)


def test_the_more_pages_are_open_the_more_seldom_and_the_more_spread_they_ask() -> None:
    async def story(hub: Hub) -> None:
        alone = hub.gather_s, hub.spread_ms
        for number in range(STREAMS_MAX):
            assert hub.open(b"%d" % number, with_ids=True) is not None
        assert hub.gather_s > 10 * alone[0]
        assert hub.spread_ms > alone[1]
        assert hub.open(b"one more", with_ids=True) is None

    in_loop(story)


def test_of_a_session_the_oldest_page_ends_for_a_new_one() -> None:
    async def story(hub: Hub) -> None:
        streams = [hub.open(b"s", with_ids=True) for _ in range(STREAMS_PER_SESSION_MAX + 1)]
        assert [stream.ended for stream in streams if stream is not None] == [True] + [False] * STREAMS_PER_SESSION_MAX

    in_loop(story)


def test_a_stream_ends_with_its_session_also_while_changes_go_on() -> None:
    """W6: what is revoked on the server is over, however busy the office."""

    async def story(hub: Hub) -> None:
        stream = hub.open(b"s", with_ids=True)
        assert stream is not None

        async def ended() -> bool:
            return False

        said: list[bytes] = []
        hub.publish(ITEMS, [ONE.hex()])
        async for part in hub.events(stream, ended, heartbeat_s=0.05):
            said.append(part)
            assert len(said) < 200, "it goes on for ever"
            await asyncio.sleep(0.01)
            hub.publish(ITEMS, [ONE.hex()])
        assert said[-1].startswith(b"event: bye")

    in_loop(story)
