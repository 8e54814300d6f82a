"""Weights come only when they are asked for and their licence is accepted, and only the known file is kept."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import networks
import numpy as np
import pytest

import runflow_widgets as rf
from runflow_widgets.client import Outside
from runflow_widgets.engine.models.fill_nets import FILLERS
from runflow_widgets.engine.models.subject_nets import RECIPES
from runflow_widgets.errors import ConfigError, InputError, OutputError
from runflow_widgets.weights import KNOWN, OF_YOURS, bring, locate

BODY = b"weights" * 1000


@pytest.fixture
def store():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield replace(
        KNOWN["u2net"],
        url=f"http://127.0.0.1:{server.server_address[1]}/u2net.onnx",
        sha256=hashlib.sha256(BODY).hexdigest(),
        size_bytes=len(BODY),
    )
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_kind_that_can_be_located_can_be_run():
    kinds = {*OF_YOURS, *(entry.kind for entry in KNOWN.values())}

    assert kinds == {*RECIPES, *FILLERS}


def test_the_known_files_have_a_whole_checksum_and_come_over_https():
    for entry in KNOWN.values():
        assert len(entry.sha256) == 64
        assert int(entry.sha256, 16)
        assert entry.url.startswith("https://")


def test_nothing_is_fetched_before_its_licence_is_accepted_by_name():
    for licence in (None, "yes", "MIT"):
        with pytest.raises(ConfigError, match=r"176 MB from github.com, under the licence Apache-2.0"):
            rf.fetch_weights("u2net", accept_licence=licence)


def test_an_unknown_network_names_the_known_ones():
    with pytest.raises(InputError, match="birefnet-lite"):
        rf.fetch_weights("magic")
    with pytest.raises(ConfigError, match="birefnet-lite"):
        locate("magic")


def test_what_is_not_here_says_how_to_get_it():
    with pytest.raises(ConfigError, match=r"rf.fetch_weights\('lama', accept_licence='Apache-2.0'\)"):
        rf.connect(models={"runflow/object-removal": "lama"})


async def test_the_known_file_is_kept_with_progress(store):
    said = []

    path = await bring(store, Outside(allow_private=True), said.append)

    assert path.read_bytes() == BODY
    assert said[-1] == 1.0
    assert [file.name for file in path.parent.iterdir()] == ["u2net.onnx"]
    assert locate("u2net") == ("u2net", path)
    assert rf.fetch_weights("u2net") == path


async def test_another_file_is_not_kept(store):
    wrong = replace(store, sha256="0" * 64)

    with pytest.raises(OutputError, match="not the known file"):
        await bring(wrong, Outside(allow_private=True), lambda _: None)

    assert list(wrong.path.parent.iterdir()) == []


async def test_offline_is_a_sentence_and_leaves_nothing(store):
    away = replace(store, url="http://127.0.0.1:9/u2net.onnx")

    with pytest.raises(OutputError, match="could not be fetched"):
        await bring(away, Outside(allow_private=True), lambda _: None)

    assert list(away.path.parent.iterdir()) == []


def test_a_file_of_yours_is_used_where_it_lies(tmp_path):
    path = tmp_path / "mine.onnx"
    path.touch()

    assert locate(f"rmbg:{path}") == ("rmbg", path)
    with pytest.raises(ConfigError, match="no file"):
        locate("rmbg:/no/such/file.onnx")


@pytest.mark.slow
def test_a_network_does_the_model_it_was_named_for(tmp_path):
    cut, fill = networks.redness(tmp_path / "cut.onnx"), networks.paint(tmp_path / "fill.onnx")
    photo = np.zeros((60, 80, 3), np.uint8)
    photo[..., 1] = 150
    photo[20:40, 30:50] = (230, 10, 10)
    mask = np.zeros((60, 80), np.uint8)
    mask[5:15, 5:15] = 255
    rf.connect(
        embedded=True,
        models={"bria/background/remove": f"isnet:{cut}", "runflow/object-removal": f"lama:{fill}"},
    )

    alpha = np.asarray(rf.run("bria/background/remove", image=photo).result(60).image)[..., 3]
    filled = np.asarray(rf.run("runflow/object-removal", image=photo, mask=mask).result(60).image)

    assert (alpha[30, 40], alpha[5, 5]) == (255, 0)
    assert filled[10, 10].tolist() == [0, 128, 255]
    assert np.array_equal(filled[mask == 0], photo[mask == 0])


@pytest.mark.slow
def test_a_network_of_the_wrong_kind_is_said_in_the_run(tmp_path):
    rf.connect(embedded=True, models={"runflow/object-removal": f"isnet:{networks.redness(tmp_path / 'cut.onnx')}"})
    mask = np.zeros((30, 30), np.uint8)
    mask[5:9, 5:9] = 255

    run = rf.run("runflow/object-removal", image=np.full((30, 30, 3), 99, np.uint8), mask=mask)

    with pytest.raises(rf.RunflowError, match="isnet cannot do runflow/object-removal"):
        run.result(60)


def test_a_model_that_does_not_run_here_takes_no_network(tmp_path):
    with pytest.raises(ConfigError, match="does not run here"):
        rf.connect(embedded=True, models={"runflow/skin-fix": "u2net"})
