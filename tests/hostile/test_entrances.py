"""Every place that takes a picture or a zip says in a sentence what is wrong with a hostile one, and goes on."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hostile import archives, pictures
from lent import Lent
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.cli import main
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import InputError, RunError
from runflow_widgets.portal import shared
from runflow_widgets.thumbnails import Thumbnails

CUT_OUT = "bria/background/remove"
REMOVE = "runflow/object-removal"
#: What begins like a picture, and so is sent to be opened where the work is done.
DISGUISED = [
    "a web page behind a PNG's first bytes",
    "more pixels than are opened",
    "sixteen channels",
    "EXIF of 50 MB in parts",
    "three thousand scans",
    "run lengths that jump",
    "a WebP of many megapixels",
]
ZIPS = [name for name in archives.REFUSED if name != "nothing"]
SMALL = {name: make for name, (make, _) in pictures.REFUSED.items() if not name.startswith(("50 MB", "EXIF of 50"))}


@pytest.fixture(scope="module")
def warm():
    pool = WorkerPool(1)
    yield pool
    shared().call(pool.close())


@pytest.fixture
def session(warm):
    return rf.connect(embedded=True, workers=Lent(warm))


def works(session):
    return rf.run(CUT_OUT, image=pictures.plain(), session=session).result().outputs[0].image.size == (64, 48)


# ---------------------------------------------------------------- runs


@pytest.mark.slow
def test_a_run_with_no_honest_picture_fails_in_a_sentence_and_the_next_one_works(session):
    for name in DISGUISED:
        make, sentence = pictures.REFUSED[name]

        with pytest.raises(RunError, match=f"INPUT_VALIDATION_FAILED.*{sentence}") as failure:
            rf.run(CUT_OUT, image=make(), session=session).result()
        assert failure.value.state.failure_code == "INPUT_VALIDATION_FAILED", name

    assert works(session)


@pytest.mark.slow
def test_a_run_with_a_zip_that_lies_fails_in_a_sentence_and_the_next_one_works(session):
    for name in ZIPS:
        make, sentence = archives.REFUSED[name]
        data = make()

        with pytest.raises((RunError, InputError), match=sentence):
            rf.run(REMOVE, zip_url=data, file_input="photo.png", file_mask="mask.png", session=session).result()

    assert works(session)


@pytest.mark.parametrize("name", [name for name in pictures.REFUSED if name not in DISGUISED])
def test_what_does_not_even_begin_like_a_picture_is_not_sent(session, name):
    make, sentence = pictures.REFUSED[name]
    data = make()

    with pytest.raises((InputError, RunError), match=f"{sentence}|is empty"):
        rf.run(CUT_OUT, image=data, session=session).result()


class Liar(BaseHTTPRequestHandler):
    """Calls everything a picture."""

    def do_GET(self):
        body = self.server.body
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.slow
def test_a_link_to_what_is_no_picture_fails_in_a_sentence(session):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for name in ("an SVG", "a web page", "a zip", "three thousand scans", "cut in the middle"):
            make, sentence = pictures.REFUSED[name]
            server.body = make()
            with pytest.raises(RunError, match=f"INPUT_VALIDATION_FAILED.*({sentence}|file_input)"):
                rf.run(
                    CUT_OUT, image=f"http://127.0.0.1:{server.server_port}/{len(name)}.png", session=session
                ).result()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.slow
def test_the_command_line_says_it_in_one_line(tmp_path, capfd, warm):
    path = tmp_path / "bomb.jpg"
    path.write_bytes(pictures.REFUSED["three thousand scans"][0]())

    code = main(["run", CUT_OUT, "--embedded", "--image", str(path), "-o", str(tmp_path)])

    told = capfd.readouterr().err
    assert code == 1
    assert "scans" in told
    assert "Traceback" not in told


# ---------------------------------------------------------------- widgets


@pytest.mark.parametrize("name", SMALL)
def test_the_mask_pad_and_the_compare_view_refuse_it(name, wire):  # noqa: F811
    data = SMALL[name]()
    sentence = pictures.REFUSED[name][1]

    with pytest.raises(InputError, match=sentence):
        rf.MaskPad(data)
    with pytest.raises(InputError, match=sentence):
        rf.compare(Image.new("RGB", (8, 8)), data)


@pytest.mark.parametrize("name", SMALL)
def test_a_file_that_is_brought_to_a_field_is_refused_and_the_choice_stays(name, wire):  # noqa: F811
    data, chosen = SMALL[name](), Image.new("RGB", (8, 8))
    field = rf.ImageField(chosen, label="Photo")

    say(field, {"do": "begin", "id": "u", "name": "../../<img src=x onerror=alert(1)>.png", "size": len(data)})
    say(field, {"do": "chunk", "id": "u"}, [data])

    assert field.value is chosen
    assert data == b"" or field.error
    field.close()


def test_a_small_picture_of_a_hostile_file_is_not_made(tmp_path):
    for place, name in enumerate(SMALL):
        path = tmp_path / f"{place}.png"
        path.write_bytes(SMALL[name]())

        with pytest.raises(InputError):
            Thumbnails().make(path)


@pytest.mark.parametrize("name", SMALL)
def test_what_a_hostile_file_was_made_with_is_not_known(name):
    assert rf.settings_of(SMALL[name]()) is None
