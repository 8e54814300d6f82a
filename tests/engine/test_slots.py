"""Places whose number changes while they are taken."""

import asyncio

from runflow_widgets.engine.slots import Slots


async def take(slots, taken, name, go):
    async with slots:
        taken.append(name)
        await go.wait()


async def some_turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_are_taken_than_there_are_and_in_the_order_of_asking():
    taken, go = [], asyncio.Event()
    slots = Slots(lambda: 2)
    tasks = [asyncio.create_task(take(slots, taken, number, go)) for number in range(4)]
    await some_turns()
    before = list(taken)

    go.set()
    await asyncio.gather(*tasks)

    assert (before, taken) == ([0, 1], [0, 1, 2, 3])


async def test_more_places_are_handed_out_at_once_and_fewer_as_they_come_back():
    sizes, taken, goes = [1], [], [asyncio.Event() for _ in range(5)]
    slots = Slots(lambda: sizes[-1])
    tasks = [asyncio.create_task(take(slots, taken, number, go)) for number, go in enumerate(goes)]
    await some_turns()
    sizes.append(3)
    slots.refresh()
    await some_turns()
    grown = list(taken)
    sizes.append(1)
    goes[0].set()
    await some_turns()
    shrunk = list(taken)

    for go in goes:
        go.set()
    await asyncio.gather(*tasks)

    assert (grown, shrunk, taken) == ([0, 1, 2], [0, 1, 2], [0, 1, 2, 3, 4])


async def test_a_place_is_not_lost_with_one_who_waited_for_it():
    taken, go = [], asyncio.Event()
    slots = Slots(lambda: 1)
    tasks = [asyncio.create_task(take(slots, taken, number, go)) for number in range(3)]
    await some_turns()

    tasks[1].cancel()
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert taken == [0, 2]


async def test_a_place_is_not_lost_with_one_who_was_just_given_it():
    taken, go = [], asyncio.Event()
    slots = Slots(lambda: 1)
    tasks = [asyncio.create_task(take(slots, taken, number, go)) for number in range(3)]
    await some_turns()

    go.set()
    await asyncio.sleep(0)  # the first leaves, and the second has the place and does not know it yet
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert taken == [0, 2]
