"""Plain tars are a folder: the same pictures in the same order, and nothing of what is hostile in them."""

import io
import tarfile
from itertools import islice
from pathlib import Path

import pytest
import torch

from gantools import GanToolsError
from gantools.data import places
from gantools.data.captions import read_captions
from gantools.data.decode import open_image
from gantools.data.evaluated import unpaired_comparisons
from gantools.data.folders import list_images
from gantools.data.labels import read_labels
from gantools.data.loader import batches
from gantools.data.paired import PairedImages
from gantools.data.settings import PairedSettings, UnpairedSettings
from gantools.data.shards import expand
from gantools.data.unpaired import UnpairedImages
from gantools.datasets.check import check
from tests.conftest import EXAMPLES

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
LONG = "x" * 70 + "/" + "ü" * 90


def pack(folder, pattern):
    """Deal a folder's files out to the tars of a pattern, each of another format, not in order."""
    files = sorted((path for path in Path(folder).rglob("*") if path.is_file()), key=lambda path: path.name[::-1])
    tars = expand(pattern)
    for number, name in enumerate(tars):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(name, "w", format=FORMATS[number % 3]) as tar:
            for path in files[number :: len(tars)]:
                tar.add(path, path.relative_to(folder).as_posix())


def write(path, members):
    """Write a tar of names and what they hold, or of whole TarInfo."""
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def picture(shade):
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (20, 20), (shade,) * 3).save(data, "PNG")
    return data.getvalue()


def refuse(pattern):
    with pytest.raises(GanToolsError) as caught:
        list_images(Path(pattern))
    assert caught.value.hint
    return caught.value.message


@pytest.fixture
def sides(folders):
    pack(folders["a"], "noto/{000..003}.tar")
    pack(folders["b"], "fluent3d/{one,two}-{8..10}.tar")
    return {"a": "noto/{000..003}.tar", "b": "fluent3d/{one,two}-{8..10}.tar"}


@pytest.mark.parametrize("cache_mb", [64, 0])
def test_samples_are_those_of_the_folders_with_workers_and_ranks_too(folders, sides, cache_mb):
    def build(where):
        return UnpairedImages(UnpairedSettings(size=16, cache_mb=cache_mb, **where), lambda *_: None)

    one, other = build(folders), build(sides)
    assert one.describe() == other.describe()  # names, counts, fingerprint
    for here, there in (
        (batches(one, 3, 4, 1, 0, False), batches(other, 3, 4, 1, 2, False)),
        (batches(one, 0, 4, 1, 0, False, 1, 2), batches(other, 0, 4, 1, 0, False, 1, 2)),
    ):
        for mine, theirs in islice(zip(here, there, strict=False), 12):
            assert all(torch.equal(mine[side], theirs[side]) for side in "ab")


def test_an_index_is_kept_and_made_again_for_another_tar(sides, monkeypatch):
    path = Path("noto/{000..003}.tar")
    names = list(list_images(path).names)
    [kept] = Path("cache/shards").iterdir()
    with monkeypatch.context() as patched:
        patched.setattr(places, "_open", {})
        patched.setattr("gantools.data.shards.members_of", lambda _: pytest.fail("read again"))
        assert list(list_images(path).names) == names
    kept.write_bytes(kept.read_bytes()[:99])
    places._open.clear()
    assert list(list_images(path).names) == names
    write("noto/002.tar", [("new.png", picture(9))])
    assert "new.png" in list_images(path).names
    assert open_image(path / "new.png").getpixel((0, 0)) == (9, 9, 9)


def test_folders_in_tars_are_sides_domains_and_pairs():
    write("set-0.tar", [(f"./{side}/{i}.png", picture(10 * i)) for side in "AB" for i in range(5)])
    write("set-1.tar", [(f"{side}/{LONG}.png", picture(200)) for side in "AB"])
    data = Path("set-{0..1}.tar")
    paired = PairedImages(PairedSettings(data=data, size=16, flip=False, load_size=16), lambda *_: None)
    assert paired.describe()["domains"] == ["A", "B"]
    assert all(torch.equal(paired[k]["a"], paired[k]["b"]) for k in range(6))
    assert read_labels(data, None, []).counts() == {"A": 6, "B": 6}
    write("beside.tar", [("x/1.png", picture(0))])
    assert places.name_of(Path("beside.tar")) == "beside"
    assert places.name_of(Path("horses/{0..1}.tar")) == "horses"


def test_captions_stand_beside_pictures_as_txt_or_json():
    rows = [("0.png", picture(0)), ("0.txt", "a cat\nein Kätzchen".encode()), ("1.png", picture(1))]
    rows += [("1.json", b'{"caption": "a dog", "width": 20}'), ("2.png", picture(2)), ("2.json", b"{}")]
    write("words.tar", rows)
    found = read_captions(Path("words.tar"))
    assert {one.file.name: one.texts for one in found} == {"0.png": ("a cat", "ein Kätzchen"), "1.png": ("a dog",)}


def test_shards_are_checked_as_folders_are(sides):
    from_tars = check([Path(sides["a"]), Path(sides["b"])])
    from_folders = check([EXAMPLES / "noto", EXAMPLES / "fluent3d"])
    assert sorted(from_tars.counts.values()) == sorted(from_folders.counts.values())
    for kind in ("exact", "near"):
        assert len(from_tars.duplicates[kind]) == len(from_folders.duplicates[kind])


def test_shards_are_compared_as_folders_are(sides, folders):
    one, other = (unpaired_comparisons(UnpairedSettings(**where)) for where in (sides, folders))
    assert [row.fingerprint() for row in one] == [row.fingerprint() for row in other]


def test_hostile_members_are_names_only_or_passed_over():
    Path("secret.png").write_bytes(picture(99))
    link, device, hard, lost = map(tarfile.TarInfo, ("link.png", "device.png", "hard.png", "lost.png"))
    link.type, link.linkname = tarfile.SYMTYPE, "../secret.png"
    device.type = tarfile.CHRTYPE
    hard.type, hard.linkname = tarfile.LNKTYPE, "/abs.png"
    lost.type, lost.linkname = tarfile.LNKTYPE, "../secret.png"
    names = ["../up.png", "/abs.png", "a/../../b.png", ".hidden.png", "good//twice.png", "folder/"]
    others = [(link, b""), (device, b""), (hard, b""), (lost, b""), ("broken.png", b"no picture")]
    write("in.tar", [(name, picture(1)) for name in names] + others)
    assert list(list_images(Path("in.tar")).names) == ["abs.png", "broken.png", "good/twice.png", "hard.png"]
    assert open_image(Path("in.tar/hard.png")).getpixel((0, 0)) == (1, 1, 1)
    for name in ("../secret.png", "link.png", "nothing.png"):
        with pytest.raises(GanToolsError, match="cannot be read"):
            open_image(Path("in.tar", name))
    with pytest.raises(GanToolsError, match=r"in\.tar/broken\.png is not a picture"):
        open_image(Path("in.tar/broken.png"))


def test_of_a_name_that_a_tar_has_twice_the_later_counts_and_two_tars_must_not_share_one():
    write("0.tar", [("a.png", picture(1)), ("a.png", picture(2))])
    assert open_image(list_images(Path("0.tar"))[0]).getpixel((0, 0)) == (2, 2, 2)
    write("1.tar", [("a.png", picture(1))])
    assert refuse("{0..1}.tar") == "a.png is in 0.tar and in 1.tar"


def test_what_is_no_whole_plain_tar_is_named():
    write("whole.tar", [(f"{i}.png", picture(i)) for i in range(3)])
    data = Path("whole.tar").read_bytes()
    for length in (100, 512, 700, len(data[: data.index(b"\0" * 1024)])):
        Path("cut.tar").write_bytes(data[:length])
        assert "cut.tar is " in refuse("cut.tar")
    Path("bad.tar").write_bytes(data[:1024] + b"?" * 512 + data[1536:])
    assert refuse("bad.tar") == "bad.tar is damaged: there is no header at byte 1,024"
    Path("bad.tar").write_bytes(data[:124] + b"99999999999\0" + data[136:])
    assert "bad.tar is damaged" in refuse("bad.tar")
    Path("text.tar").write_text("no tar")
    assert refuse("text.tar") == "text.tar is no tar"
    with tarfile.open("zipped.tar", "w:gz") as tar:
        tar.add("whole.tar")
    assert refuse("zipped.tar") == "zipped.tar is compressed with gzip"
    assert refuse("some/{0..9}.tar.gz") == "some/{0..9}.tar.gz: compressed tars are not read"
    with pytest.raises(GanToolsError) as caught:
        list_images(Path())
    assert caught.value.hint == "name its tars: './{000..099}.tar'"
    assert "no pictures in empty.tar" in (write("empty.tar", []), refuse("empty.tar"))[1]


def test_patterns_count_and_list_as_a_shell_does():
    assert expand("s/{08..10}.tar") == ["s/08.tar", "s/09.tar", "s/10.tar"]
    assert expand("{a,b}/{9..10}.tar") == ["a/9.tar", "a/10.tar", "b/9.tar", "b/10.tar"]
    for wrong in ("{9..0}.tar", "{x}.tar", "{0..999999999}.tar", "{0..999}{0..999}.tar"):
        refuse(wrong)
    Path("{x}.tar").touch()
    assert expand("{x}.tar") == ["{x}.tar"]
    write("0.tar", [])
    assert refuse("{0..1}.tar") == "1.tar, one of {0..1}.tar, cannot be read: No such file or directory"
