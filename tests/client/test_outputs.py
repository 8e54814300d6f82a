from __future__ import annotations

import json

import httpx
import pytest
from PIL import Image

from runflow_widgets.client import Client, Pace, bring_home
from runflow_widgets.client.outputs import write_whole
from runflow_widgets.errors import OutputError, OutputExpired
from runflow_widgets.images import data_uri, encode, encode_png
from runflow_widgets.wire import RunState

PNG = encode_png(Image.new("RGB", (3, 2), "red"))
URL = "https://api.runflow.io/files/1.png?sig=old"


def state(**output):
    return RunState.read(
        {"id": "r-1", "status_code": "succeeded", "client_ref": "k-1", "cost": "0.14", "output": output}, model="a/b"
    )


async def home_with(answer, run, folder):
    async with Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0)) as client:
        return await bring_home(client, client.outside, run, folder)


def png(request):
    png.seen.append(request)
    return httpx.Response(200, content=PNG, headers={"content-type": "image/png"})


png.seen = []


@pytest.mark.parametrize(
    "output", [{"image_urls": [URL]}, {"outputs": [{"url": URL, "type": "image"}]}, {"image": [URL]}]
)
async def test_results_of_every_family_land_on_disk_with_a_note(output, tmp_path):
    saved = await home_with(png, state(**output), tmp_path / "out")

    assert [item.path.name for item in saved] == ["01.png"]
    assert saved[0].path.read_bytes() == PNG
    note = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (note["run_id"], note["key"], note["cost_usd"], note["files"]) == ("r-1", "k-1", "0.14", ["01.png"])


PICTURES = [PNG, encode(Image.new("RGB", (40, 30)), "image/jpeg"), encode(Image.new("RGB", (40, 30)), "image/webp")]


@pytest.mark.parametrize("whole", PICTURES, ids=["png", "jpeg", "webp"])
async def test_a_picture_that_arrives_cut_short_is_fetched_again(whole, tmp_path):
    answers = [whole[: len(whole) // 2], whole]

    saved = await home_with(lambda request: httpx.Response(200, content=answers.pop(0)), state(image=[URL]), tmp_path)

    assert saved[0].path.read_bytes() == whole


async def test_a_picture_that_never_arrives_whole_is_said_to_be_cut_short(tmp_path):
    answers = [PNG[:-9], PNG[:-8], PNG[:-7]]

    with pytest.raises(OutputError, match="cut short"):
        await home_with(lambda request: httpx.Response(200, content=answers.pop(0)), state(image=[URL]), tmp_path)


async def test_a_picture_that_ends_early_at_the_service_itself_is_kept_as_it_is(tmp_path):
    half = httpx.Response(200, content=PNG[:-9])

    saved = await home_with(lambda request: half, state(image=[URL]), tmp_path)

    assert saved[0].path.read_bytes() == PNG[:-9]


async def test_results_are_fetched_without_the_key(tmp_path):
    png.seen.clear()

    await home_with(png, state(image_urls=[URL]), tmp_path)

    assert [request.headers.get("authorization") for request in png.seen] == [None]


async def test_a_result_inside_the_answer_is_decoded(tmp_path):
    saved = await home_with(png, state(outputs=[{"url": data_uri(PNG, "image/png")}]), tmp_path)

    assert saved[0].path.read_bytes() == PNG


async def test_an_expired_link_is_signed_anew_once(tmp_path):
    def answer(request):
        answer.seen.append(str(request.url))
        if request.url.path == "/v1/runs/r-1":
            fresh = {"id": "r-1", "status_code": "succeeded", "output": {"image_urls": [URL.replace("old", "new")]}}
            return httpx.Response(200, json=fresh)
        return httpx.Response(403) if "old" in str(request.url) else png(request)

    answer.seen = []
    saved = await home_with(answer, state(image_urls=[URL]), tmp_path)

    assert saved[0].path.read_bytes() == PNG
    assert answer.seen[1].endswith("/v1/runs/r-1?add_signature=true")


async def test_a_link_that_stays_expired_is_reported_with_the_run(tmp_path):
    def answer(request):
        if request.url.path == "/v1/runs/r-1":
            return httpx.Response(200, json={"id": "r-1", "output": {"image_urls": [URL]}})
        return httpx.Response(403)

    with pytest.raises(OutputExpired) as failure:
        await home_with(answer, state(image_urls=[URL]), tmp_path)

    assert (failure.value.run_id, failure.value.key) == ("r-1", "k-1")
    assert "sig" not in str(failure.value)


async def test_a_transfer_that_breaks_off_is_begun_again(tmp_path):
    troubles = [httpx.RemoteProtocolError("cut"), httpx.ReadTimeout("slow")]

    def answer(request):
        if troubles:
            raise troubles.pop()
        return png(request)

    saved = await home_with(answer, state(image_urls=[URL]), tmp_path)

    assert saved[0].size_bytes == len(PNG)


@pytest.mark.parametrize(("body", "sentence"), [(b"<html>a page</html>", "should be a picture"), (b"", "is empty")])
async def test_a_result_that_is_not_what_it_says_is_not_kept(body, sentence, tmp_path):
    def answer(request):
        return httpx.Response(200, content=body, headers={"content-type": "text/html"})

    with pytest.raises(OutputError, match=sentence):
        await home_with(answer, state(image_urls=[URL]), tmp_path)

    assert not list(tmp_path.glob("01*"))


async def test_results_of_a_remote_service_are_not_fetched_from_this_machine(tmp_path):
    with pytest.raises(OutputError, match="private address"):
        await home_with(png, state(image_urls=["http://127.0.0.1:8/x.png"]), tmp_path)


async def test_a_video_keeps_its_ending(tmp_path):
    clip = b"\x00\x00\x00\x18ftypmp42" + bytes(16)

    def answer(request):
        return httpx.Response(200, content=clip, headers={"content-type": "video/mp4"})

    run = state(outputs=[{"url": "https://api.runflow.io/clip", "type": "video"}])
    saved = await home_with(answer, run, tmp_path)

    assert (saved[0].path.suffix, saved[0].kind) == (".mp4", "video")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    write_whole(tmp_path / "deep" / "a.bin", b"first")
    write_whole(tmp_path / "deep" / "a.bin", b"second")

    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.bin"]
    assert (tmp_path / "deep" / "a.bin").read_bytes() == b"second"


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "file" / "a.bin", b"x")
