"""Every line of Python in the README is run as it stands, in a real kernel; and what the terminal is told to do."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from kernel_front import KernelFront

import runflow_widgets as rf
from runflow_widgets.cli import main

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

AT_HAND = """
import hashlib, hmac, json
import os
from at_hand import ENVIRONMENT, lay_out, mask, photo, rf, secret, small
os.environ.update(ENVIRONMENT)
lay_out()
rf.connect(embedded=True)
"""
#: What a reader does between two lines: presses, paints, waits (until something is so), or has done before.
BEFORE = {
    "form.runs[-1].image": "form.value = {**form.value, 'aspect_ratio': '1:1', 'resolution': '1K'}\n"
    "form.run().result(60)",
    "studio.image": "studio.form.run().result(60)",
    "print(studio.code())": "until len(studio.versions) == 2",
    "rf.runs.star": "rf.run('bria/background/remove', image=small['plant'], client_ref='order-7').result(60)",
    "made = rf.settings_of": "run = rf.run('runflow/tag-removal', image=photo).result(60)\n"
    "run.save('.')[0].rename('tag-removal-01.png')",
    "gallery.value.image": "gallery.choose(rf.runs(status='succeeded')[0].key)",
    'run = rf.run("runflow/object-removal", image=pad': "pad.draw_stroke([(60, 60), (90, 80)])",
    "rf.compare(run)": "run.result(60); run_1 = run_2 = run",
    "rf.callbacks.listen": "photo = small['tagged_mug']",
    "payload = rf.verify_callback": "said = {'run_id': run.id, 'status': 'succeeded', 'output': {}}\n"
    "body = json.dumps(said).encode()\n"
    "sign = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()\n"
    "class request: headers, body = {'Runflow-Signature': sign}, body",
    'rf.models("remove': "rf.connect(embedded=True)",
}
#: What a reader puts in place of three dots.
PLACES = {"rf_live_…": "rf_live_0123456789", "whsec_…": "whsec_README", "https://…/": "https://example.test/"}
#: What cannot go well without the network; it must end in a sentence of ours.
OUTSIDE = ("rf.fetch_weights(", "rf.connect(models=", "rf.connect(workers=", "async with rf.Client(")


def statements(block):
    """The lines of a block, those of one statement together."""
    if any(line.startswith("%") for line in block.splitlines()):
        return block.splitlines()
    lines = block.splitlines()
    code = compile(block, "README", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return ["\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in code.body]


def test_the_readme_runs_as_it_stands(tmp_path):
    unused = set(BEFORE)
    with KernelFront(home=tmp_path / "home") as kernel:
        kernel.run(AT_HAND)
        for block in BLOCKS:
            for written in statements(block):
                statement = written
                for start in [start for start in unused if start in statement]:
                    unused.remove(start)
                    act = BEFORE[start]
                    kernel.until(act.removeprefix("until ")) if act.startswith("until ") else kernel.run(act)
                for place, value in PLACES.items():
                    statement = statement.replace(place, value)
                reply = kernel.finish(kernel.start(statement))
                if statement.startswith(OUTSIDE):
                    assert reply["status"] == "error", statement
                    assert issubclass(getattr(rf.errors, reply["ename"]), rf.errors.RunflowError), reply
                else:
                    assert reply["status"] == "ok", "\n".join([statement, *reply.get("traceback", [])])

    assert unused == set()


def test_what_the_readme_tells_the_terminal_is_understood(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rf.samples.load("tagged_mug").resize((300, 250)).save("mug.jpg")
    commands = [
        command.strip()
        for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
        for line in block.splitlines()
        for command in line.split("&&")
        if command.strip().startswith("runflow-widgets")
    ]

    assert len(commands) >= 4
    for command in commands:
        assert main(shlex.split(command, comments=True)[1:]) == 0, command
    assert list((tmp_path / "cleaned").iterdir())
    assert "bria/background/remove" in capsys.readouterr().out
