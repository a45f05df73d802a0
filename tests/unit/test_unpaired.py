import shutil
from itertools import islice
from pathlib import Path

import pytest
import torch
from PIL import Image

from gantools import GanToolsError
from gantools.data.loader import batches
from gantools.data.settings import UnpairedSettings
from gantools.data.unpaired import UnpairedImages


def quiet(name, done, total):
    pass


def build(**settings):
    return UnpairedImages(UnpairedSettings(**{"size": 16, **settings}), quiet)


def paint(folder, count, blue):
    """Write pictures of one colour each: its red says which one it is."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new("RGB", (20, 20), (i, 0, blue)).save(Path(folder, f"{i:03d}.png"))


def which(sample, side):
    assert sample[side].float().std(dim=(1, 2)).max() == 0
    return int(sample[side][0, 0, 0])


@pytest.fixture
def painted():
    paint("set/trainA", 30, 0)
    paint("set/trainB", 45, 255)
    return {"data": "set"}


def same(one, other):
    return all(torch.equal(one[side], other[side]) for side in ("a", "b"))


def test_a_sample_is_a_function_of_the_seed_and_its_number(folders):
    data, again, other = build(**folders), build(**folders), build(**folders, seed=1)
    samples = [data[k] for k in range(60)]
    assert all(same(again[k], samples[k]) for k in reversed(range(60)))
    assert sum(same(other[k], samples[k]) for k in range(60)) < 3
    assert samples[0]["a"].shape == (3, 16, 16)
    assert samples[0]["a"].dtype == torch.uint8


def test_memory_budget_and_workers_do_not_change_a_sample(folders):
    kept, decoded = build(**folders, cache_mb=64), build(**folders, cache_mb=0)
    assert (kept.cached, decoded.cached) == (True, False)
    ahead = batches(decoded, 5, 4, 1, 1, False)
    for here, there in zip(islice(batches(kept, 5, 4, 1, None, False), 8), ahead, strict=False):
        assert same(here, there)
    assert same(kept.sheet(), decoded.sheet())
    assert kept.describe() == decoded.describe()


def test_every_training_picture_is_used_once_an_epoch_and_none_of_those_held_back(painted):
    data = build(**painted)
    shown = {side: {int(picture[0, 0, 0]) for picture in data.sheet()[side]} for side in ("a", "b")}
    assert {side: len(pictures) for side, pictures in shown.items()} == {"a": 4, "b": 4}
    assert len(data) == 41  # of the larger side
    for side, count in (("a", 26), ("b", 41)):
        for epoch in range(2):
            used = [which(data[k], side) for k in range(epoch * count, (epoch + 1) * count)]
            assert len(set(used)) == count
            assert not shown[side] & set(used)


def test_a_broken_picture_does_not_bring_a_held_back_one_into_training(painted):
    shown = {int(picture[0, 0, 0]) for picture in build(**painted).sheet()["a"]}
    broken = [i - 1 for i in shown if i]  # each is followed by a held-back one
    for i in broken:
        Path(f"set/trainA/{i:03d}.png").write_text("no picture")
    data, again = build(**painted, cache_mb=0), build(**painted, cache_mb=0)
    used = [which(data[k], "a") for k in range(52)]
    assert not set(used) & (shown | set(broken))
    assert len(set(used)) == 26 - len(broken)
    assert [which(again[k], "a") for k in reversed(range(52))] == used[::-1]


def test_small_folders_are_shown_and_trained_on():
    paint("A", 1, 0)
    paint("B", 3, 255)
    data = build(a="A", b="B")
    assert {which(data[k], "b") for k in range(3)} == {0, 1, 2}
    assert {side: len(pictures) for side, pictures in data.sheet().items()} == {"a": 1, "b": 1}
    assert len(data) == 3


def test_crops_are_random_only_as_far_as_asked(folders):
    plain = build(**folders, load_size=16, flip=False)
    pictures = {side: [plain.sets[side][i] for i in range(len(plain.sets[side]))] for side in ("a", "b")}
    for k in range(30):
        assert any(torch.equal(plain[k]["a"], picture) for picture in pictures["a"])
    assert build(**folders, load_size=20).sets["a"][0].shape == (3, 20, 20)
    assert build(**folders, size=256).sets["a"][0].shape == (3, 286, 286)  # as in the paper


def test_transparent_pictures_lie_on_the_background_asked_for():
    for side in ("A", "B"):
        Path(side).mkdir()
        Image.new("RGBA", (20, 20)).save(Path(side, "clear.png"))
    for name, expected in (("white", [255, 255, 255]), ("#102030", [16, 32, 48])):
        assert build(a="A", b="B", background=name)[0]["a"][:, 0, 0].tolist() == expected


def test_the_description_survives_the_loss_of_the_folders_and_holds_no_path(painted, tmp_path):
    data = build(data=tmp_path / "set")
    told = data.describe()
    assert told["domains"] == ["trainA", "trainB"]
    assert told["counts"] == [30, 45]
    assert told["trained_on"] == [26, 41]
    assert str(tmp_path) not in str(told)
    shutil.rmtree("set")
    assert data.describe() == told
    assert which(data[0], "a") in range(30)


def test_errors_come_before_training():
    paint("A", 1, 0)
    Path("B").mkdir()
    with pytest.raises(GanToolsError, match="no pictures in B: it is empty"):
        build(a="A", b="B")
    with pytest.raises(GanToolsError, match="--b missing"):
        build(a="A")
