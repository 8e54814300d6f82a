"""Who of those that began runs is still there, told from a real process that lives, ends, forks or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from runflow_widgets.presence import Presence

HOLD = """
import sys
from pathlib import Path
from runflow_widgets.presence import Presence
presence = Presence(Path(sys.argv[1]))
print(presence.token(), flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")


@pytest.fixture
def other(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.token = process.stdout.readline().strip()
        yield process
        process.kill()


def test_a_process_that_lives_is_not_gone(other, tmp_path):
    assert not Presence(tmp_path).is_gone(other.token)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_was_ended_by_force_is_gone_and_leaves_no_file(other, tmp_path, how):
    other.send_signal(how)
    other.wait(10)

    assert Presence(tmp_path).is_gone(other.token)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ended_by_itself_is_gone_and_has_taken_its_file_along(other, tmp_path):
    other.stdin.close()
    other.wait(10)

    assert list(tmp_path.iterdir()) == []
    assert Presence(tmp_path).is_gone(other.token)


def test_this_process_is_known_by_one_name_and_is_here(tmp_path):
    presence = Presence(tmp_path / "made")

    assert presence.token() == presence.token()
    assert not presence.is_gone(presence.token())
    # Another record of runs in the same process looks at the same lock, and it is held.
    assert not Presence(tmp_path / "made").is_gone(presence.token())


def test_a_forked_process_is_somebody_else(tmp_path):
    presence = Presence(tmp_path)
    mine = presence.token()
    reader, writer = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(writer, f"{presence.token()} {presence.is_gone(mine)}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs, gone = os.read(reader, 100).decode().split()
    os.close(reader)
    os.close(writer)

    assert theirs != mine
    assert gone == "False"
    assert presence.is_gone(theirs)
    assert not Presence(tmp_path).is_gone(mine)


def test_of_somebody_unknown_nothing_is_claimed(tmp_path):
    presence = Presence(tmp_path / "never-made")

    assert not presence.is_gone(None)
    assert not presence.is_gone("a" * 32)


def test_where_no_file_can_be_made_a_process_has_no_name(tmp_path):
    (tmp_path / "file").write_text("in the way")

    assert Presence(tmp_path / "file").token() is None
