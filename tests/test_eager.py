"""Tasks that begin at once: they do what tasks do, only sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import uvloop

from api.edge.eager import begin_at_once


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as found:
        begin_at_once(found.get_loop())
        yield found


def test_the_first_step_is_taken_where_the_task_is_made(runner: asyncio.Runner) -> None:
    async def outer() -> None:
        said: list[str] = []

        async def inner() -> int:
            said.append("begun")
            return 7

        task = asyncio.get_running_loop().create_task(inner())
        assert said == ["begun"]
        assert await task == 7

    runner.run(outer())


def test_what_waits_goes_on_when_that_has_come_and_ends_with_its_value(runner: asyncio.Runner) -> None:
    async def inner(comes: asyncio.Future[int]) -> int:
        first = await comes
        await asyncio.sleep(0)
        return first + await asyncio.wait_for(asyncio.sleep(0.01, 2), 10)

    async def outer() -> None:
        loop = asyncio.get_running_loop()
        late: asyncio.Future[int] = loop.create_future()
        known: asyncio.Future[int] = loop.create_future()
        known.set_result(10)
        tasks = [loop.create_task(inner(late)), loop.create_task(inner(known))]
        await asyncio.sleep(0)
        assert not tasks[0].done()
        late.set_result(40)
        assert await asyncio.gather(*tasks) == [42, 12]

    runner.run(outer())


def test_two_may_wait_for_the_same_from_their_first_step_on(runner: asyncio.Runner) -> None:
    async def inner(comes: asyncio.Future[int]) -> int:
        return await comes

    async def outer() -> None:
        loop = asyncio.get_running_loop()
        one: asyncio.Future[int] = loop.create_future()
        tasks = [loop.create_task(inner(one)) for _ in range(3)]
        one.set_result(7)
        assert await asyncio.gather(*tasks) == [7, 7, 7]

    runner.run(outer())


@pytest.mark.parametrize("turns", [0, 2])
def test_what_waits_can_be_given_up_and_cleans_up(runner: asyncio.Runner, turns: int) -> None:
    said: list[str] = []

    async def inner() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            said.append("cleaned")

    async def outer() -> None:
        task = asyncio.get_running_loop().create_task(inner())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    runner.run(outer())
    assert said == ["cleaned"]


def test_an_error_after_waiting_is_the_tasks(runner: asyncio.Runner) -> None:
    async def inner() -> None:
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        except TimeoutError:
            raise ValueError("late") from None

    async def outer() -> None:
        task = asyncio.get_running_loop().create_task(inner())
        with pytest.raises(ValueError, match="late"):
            await task

    runner.run(outer())
