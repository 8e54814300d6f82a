from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import sys
import threading

import pytest

from runflow_widgets.errors import ConfigError
from runflow_widgets.portal import Portal


@pytest.fixture
def portal():
    portal = Portal()
    yield portal
    portal.close()


async def _name_of_thread():
    return threading.current_thread().name


def test_work_is_done_on_a_thread_of_its_own(portal):
    assert portal.call(_name_of_thread()) == "runflow-portal"
    assert threading.current_thread().name != "runflow-portal"


def test_no_thread_is_started_before_it_is_needed():
    before = threading.active_count()

    portal = Portal()

    assert threading.active_count() == before
    portal.close()


async def test_a_job_is_awaited_on_any_loop(portal):
    job = portal.submit(_name_of_thread())

    assert await job == "runflow-portal"
    assert job.done


async def test_the_error_of_a_job_reaches_whoever_awaits_it(portal):
    async def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await portal.submit(fail())


def test_an_error_reaches_whoever_blocks_for_it(portal):
    async def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        portal.call(fail())


def test_a_wait_that_takes_too_long_leaves_the_job_alone(portal):
    go = threading.Event()

    async def work():
        await asyncio.to_thread(go.wait)
        return "done"

    job = portal.submit(work())
    with pytest.raises(TimeoutError):
        job.result(timeout_s=0.01)
    go.set()

    assert job.result() == "done"


def test_blocking_on_the_portals_own_thread_is_refused_with_a_sentence(portal):
    async def block():
        portal.call(asyncio.sleep(0))

    with pytest.raises(ConfigError, match="would never end"):
        portal.call(block())


async def test_cancelling_the_wait_cancels_the_job_and_lets_it_clean_up(portal):
    started, cleaned = threading.Event(), threading.Event()

    async def work():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    job = portal.submit(work())
    waiter = asyncio.ensure_future(_wait_for(job))
    await asyncio.to_thread(started.wait)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter

    assert cleaned.is_set()


async def _wait_for(job):
    return await job


async def test_an_interrupted_wait_does_what_it_was_told_instead_of_cancelling(portal):
    interrupted = []
    go = asyncio.Event()
    job = portal.submit(_until(go), interrupted=lambda: bool(interrupted.append(True)))

    waiter = asyncio.ensure_future(_wait_for(job))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    portal.soon(go.set)

    assert interrupted == [True]
    assert await job == "went on"


async def _until(event):
    await event.wait()
    return "went on"


def is_waiting(thread):
    frame = sys._current_frames()[thread.ident]
    return frame.f_code.co_name == "_wait" and frame.f_back.f_code.co_name == "result"


def test_a_keyboard_interrupt_cancels_the_job(portal):
    cleaned = threading.Event()
    started = threading.Event()

    async def work():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    def interrupt():
        started.wait(5)
        # Only once the wait has begun: an interrupt before it hits whatever the test does then.
        while not is_waiting(threading.main_thread()):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        portal.call(work())

    assert cleaned.is_set()


def test_a_job_cancelled_before_it_began_is_over(portal):
    job = portal.submit(_name_of_thread())
    job.cancel()

    concurrent.futures.wait([job.future], timeout=5)

    assert job.done


def test_closing_cancels_what_still_runs():
    portal = Portal()
    cancelled = threading.Event()
    started = threading.Event()

    async def work():
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    portal.submit(work())
    started.wait(5)
    portal.close()

    assert cancelled.is_set()


def test_a_closed_portal_opens_again_when_it_is_needed(portal):
    portal.call(_name_of_thread())
    portal.close()

    assert portal.call(_name_of_thread()) == "runflow-portal"


def test_a_forked_child_gets_a_loop_of_its_own(portal):
    portal.call(_name_of_thread())

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, portal.call(_name_of_thread(), timeout_s=5).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 100) == b"runflow-portal"


async def test_two_loops_may_wait_for_one_job(portal):
    go = threading.Event()

    async def work():
        await asyncio.to_thread(go.wait)
        return "both"

    job = portal.submit(work())
    other = asyncio.to_thread(lambda: asyncio.run(_wait_for(job)))
    waiting = asyncio.ensure_future(other)
    go.set()

    assert await job == "both"
    assert await waiting == "both"


async def test_without_threads_work_is_done_on_the_loop_that_runs_and_only_awaited():
    portal = Portal(threads=False)
    job = portal.submit(_name_of_thread())

    with pytest.raises(ConfigError, match="await run"):
        job.result()

    assert await job == threading.current_thread().name
    assert job.result() == threading.current_thread().name
    assert not portal.can_block
    portal.close()


async def test_without_threads_a_cancelled_wait_cancels_the_work():
    portal = Portal(threads=False)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiter = asyncio.create_task(_awaited(portal.submit(work())))
    await begun.wait()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter

    assert ended.is_set()


async def _awaited(job):
    return await job
