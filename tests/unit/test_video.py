"""A video in, a video out: size, times and sound are kept, and what stands still stays still."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantools.inference.files import plan
from gantools.inference.large import Tiling
from gantools.inference.pipeline import translate_files
from gantools.inference.video import _Frames
from tests.unit.test_tiles import load, one_thread, picture  # noqa: F401

av = pytest.importorskip("av")
RATE, COUNT = 12, 10


def film(path, sound=True, size=(64, 48), times=range(COUNT)):
    """A disc that crosses a still background, with a tone; its pixels are twice as wide as tall."""
    still = np.asarray(picture(size))
    with av.open(str(path), "w") as made:
        video = made.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt, video.options = *size, "yuv420p", {"crf": "10"}
        video.codec_context.sample_aspect_ratio, video.codec_context.time_base = Fraction(2), Fraction(1, 100 * RATE)
        audio = made.add_stream("aac", rate=44100, layout="mono") if sound else None
        for i, time in enumerate(times):
            pixels = still.copy()
            pixels[10:30, 4 * i : 4 * i + 20] = 255
            frame = av.VideoFrame.from_image(Image.fromarray(pixels))
            frame.pts, frame.time_base = round(100 * time), Fraction(1, 100 * RATE)
            made.mux(video.encode(frame))
        tone = np.sin(np.arange(COUNT * 44100 // RATE) * 0.06).astype(np.float32)[None]
        for k in range(0, tone.shape[1] if sound else 0, 1024):
            frame = av.AudioFrame.from_ndarray(tone[:, k : k + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 44100, k, Fraction(1, 44100)
            made.mux(audio.encode(frame))
        for stream in (video, audio) if sound else (video,):
            made.mux(stream.encode(None))
    return path


def contents(path):
    """Return frames, times, and the bytes of the sound."""
    with av.open(str(path)) as container:
        frames = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = [bytes(packet) for packet in container.demux(audio=0)] if container.streams.audio else []
    return np.stack([frame for frame, _ in frames]).astype(int), [time for _, time in frames], sound


def translate(model, source, out):
    (result,) = translate_files(model, plan([str(source)], Path(out), force=False))
    return result


def test_size_times_and_sound_are_kept(tmp_path):
    source = film(tmp_path / "clip.mp4")
    model = load(tmp_path, "cyclegan", {"blocks": 1})
    result = translate(model, source, tmp_path / "out")
    assert result.error is None
    assert result.job.target == tmp_path / "out" / "clip.mp4"
    (frames, times, sound), (made, made_times, made_sound) = contents(source), contents(result.job.target)
    assert made.shape == frames.shape == (COUNT, 48, 64, 3)
    assert made_times == pytest.approx(times, abs=1e-3)
    assert len(sound) > 5
    assert made_sound == sound
    assert np.abs(made - frames).mean() > 10  # it is translated


def test_frames_at_any_time_keep_their_times_their_shape_and_colours(tmp_path):
    """A phone's frames come when they come, not at a rate."""
    source = film(tmp_path / "clip.mp4", times=[0, 0.05, 1, 4, 4.01, 4.5, 7, 8, 9, 9.2])
    seen = []
    model = load(tmp_path, "cyclegan", {"blocks": 1})
    model.tiling = Tiling(report=lambda *progress: seen.append(progress))
    model.picture = lambda image, options, seed: image
    model.in_parts = lambda options: False
    target = translate(model, source, tmp_path / "out").job.target
    (frames, times, _), (made, made_times, _) = contents(source), contents(target)
    assert made_times == pytest.approx(times, abs=1e-3)
    assert np.abs(made - frames).mean() < 3
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == 2
        assert stream.codec_context.colorspace == 6  # else a player guesses by the size
    assert seen == [("frames of clip.mp4", i + 1, COUNT + 1) for i in range(COUNT)]


def test_what_stands_still_stays_still(tmp_path):
    """Far from the disc nothing changes, which by each frame's own statistics it does."""
    source = film(tmp_path / "clip.mp4", sound=False)
    model = load(tmp_path, "pix2pix", {"generator": "resnet", "blocks": 0, "norm": "instance"})
    made, _, sound = contents(translate(model, source, tmp_path / "out.mp4").job.target)
    assert not sound
    frames = contents(source)[0]
    own = np.stack([np.asarray(model.translate(Image.fromarray(f.astype(np.uint8))), dtype=int) for f in frames])
    steady, unsteady = (np.abs(np.diff(one[:, 42:], axis=0)).mean() for one in (made, own))
    assert steady < unsteady / 2


def test_a_network_of_one_size_goes_by_the_clips_statistics_too(tmp_path):
    model = load(tmp_path, "pix2pix", {})  # a U-Net, that sees pictures scaled, by their own statistics
    options = model.options({})
    frames = _Frames(model, film(tmp_path / "clip.mp4", sound=False), options, 0)
    still, other = picture((64, 48)), Image.new("RGB", (64, 48))
    first, _, again = (frames(image).tobytes() for image in (still, other, still))
    assert first == again
    assert first != model.picture(still, options, 0).tobytes()


def test_a_picture_and_a_video_are_not_mistaken(tmp_path):
    source = film(tmp_path / "clip.mp4", sound=False)
    (tmp_path / "broken.mp4").write_text("no video")
    with pytest.raises(Exception, match=r"is a video, and .*x\.png would be a picture"):
        plan([str(source)], tmp_path / "x.png", force=False)
    with pytest.raises(Exception, match=r"\.avi videos are not written"):
        plan([str(source)], tmp_path / "x.avi", force=False)
    model = load(tmp_path, "cyclegan", {"blocks": 1})
    result = translate(model, tmp_path / "broken.mp4", tmp_path / "out")
    assert "broken.mp4 cannot be read" in result.error
    assert not (tmp_path / "out" / "broken.mp4").exists()
