import os
from pathlib import Path

import pytest

from gantools import GanToolsError
from gantools.data.folders import image_suffixes, list_images, two_folders

LAYOUTS = ("--a DIR --b DIR", "A/ and B/", "trainA/ and trainB/")


def touch(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def refuse(call, *arguments):
    with pytest.raises(GanToolsError) as caught:
        call(*arguments)
    return caught.value.message, caught.value.hint


def test_pictures_are_found_in_all_folders_below_and_sorted():
    touch("in/b.png", "in/a.JPG", "in/sub/deep/c.webp", "in/with spaces/ü 猫.TIFF", "in/notes.txt", "in/noext")
    touch("in/._b.png", "in/.DS_Store", "in/.cache/d.png", "in/new\nline.png")
    names = [str(path.relative_to("in")) for path in list_images(Path("in"))]
    assert names == ["a.JPG", "b.png", "new\nline.png", "sub/deep/c.webp", "with spaces/ü 猫.TIFF"]


def test_every_format_that_pillow_opens_counts():
    assert {".png", ".jpg", ".jpeg", ".webp", ".tif", ".bmp", ".gif", ".ppm", ".tga", ".jp2"} <= image_suffixes()
    assert ".pdf" not in image_suffixes()  # Pillow only writes it


def test_links_are_followed_once_and_names_do_not_depend_on_the_disk():
    touch("in/z/1.png", "in/z/2.png")
    os.symlink("z", "in/a")
    os.symlink("..", "in/z/loop")
    os.symlink("nowhere.png", "in/dangling.png")
    names = [str(path.relative_to("in")) for path in list_images(Path("in"))]
    assert names == ["a/1.png", "a/2.png", "dangling.png"]  # the broken one is for the decoder to warn of


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], "it is empty"),
        (["in/a.txt", "in/b.txt", "in/c"], "it holds 3 other files (2 .txt, 1 no suffix)"),
        (["in/.hidden.png"], "it is empty"),
    ],
)
def test_a_folder_without_pictures_says_what_is_there_and_what_would_do(files, found):
    Path("in").mkdir()
    touch(*files)
    message, hint = refuse(list_images, Path("in"))
    assert message == f"no pictures in in: {found}"
    assert all(layout in hint for layout in LAYOUTS)


def test_a_missing_folder_names_those_beside_it():
    Path("photos/horses").mkdir(parents=True)
    Path("photos/.git").mkdir()
    message, hint = refuse(list_images, Path("photos/hosres"))
    assert message == "folder photos/hosres does not exist"
    assert hint == "did you mean `horses`?"
    assert refuse(list_images, Path("photos/cats"))[1] == "folders in photos: horses"
    assert refuse(list_images, Path("nowhere/a"))[1] == "nowhere does not exist either; check the path"


def test_a_file_is_no_folder():
    touch("a.png")
    assert refuse(list_images, Path("a.png"))[0] == "a.png is a file, not a folder of pictures"
    message, hint = refuse(two_folders, None, None, Path("a.png"))
    assert message == "a.png is a file, not a folder"
    assert all(layout in hint for layout in LAYOUTS)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_is_named(caplog):
    touch("in/a.png", "in/locked/b.png")
    Path("in/locked").chmod(0)
    try:
        assert [path.name for path in list_images(Path("in"))] == ["a.png"]
        assert "in/locked cannot be read: Permission denied" in caplog.text
    finally:
        Path("in/locked").chmod(0o755)


@pytest.mark.parametrize(("a", "b"), [("A", "B"), ("trainA", "trainB"), ("a", "b")])
def test_data_is_one_folder_in_any_of_the_layouts(a, b):
    Path("set", a).mkdir(parents=True)
    Path("set", b).mkdir()
    Path("set/testA").mkdir()
    found = two_folders(None, None, Path("set"))
    assert all(folder.samefile(Path("set", name)) for folder, name in zip(found, (a, b), strict=True))


def test_other_sub_folders_are_named_and_two_of_them_suggested():
    for name in ("summer days", "winter", ".cache"):
        Path("set", name).mkdir(parents=True)
    message, hint = refuse(two_folders, None, None, Path("set"))
    assert message == "set holds neither A/ and B/ nor trainA/ and trainB/, but sub-folders summer days, winter"
    assert hint == "give --a 'set/summer days' --b set/winter"  # to be pasted into a shell
    Path("set/more").mkdir()
    message, hint = refuse(two_folders, None, None, Path("set"))
    assert "sub-folders more, summer days, winter" in message
    assert all(layout in hint for layout in LAYOUTS)


def test_one_half_of_a_layout_is_not_enough():
    Path("set/A").mkdir(parents=True)
    assert "but sub-folders A" in refuse(two_folders, None, None, Path("set"))[0]
    touch("flat/x.png")
    assert "but no sub-folders" in refuse(two_folders, None, None, Path("flat"))[0]
    assert refuse(two_folders, None, None, Path("sett"))[0] == "folder sett does not exist"


def test_two_folders_are_needed_and_they_must_differ():
    Path("a").mkdir()
    os.symlink("a", "same")
    assert refuse(two_folders, None, None, None)[0].startswith("--a and --b missing")
    assert refuse(two_folders, Path("a"), None, None)[0].startswith("--b missing")
    assert refuse(two_folders, Path("a"), Path("same"), None)[0] == "--a and --b are the same folder, a"
    assert refuse(two_folders, Path("a"), None, Path("a"))[0] == "--data excludes --a and --b"
