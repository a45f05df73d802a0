import json
from pathlib import Path

import pytest
import torch

from gantools import GanToolsError
from gantools.storage import checksum, write_tensors
from gantools.training.checkpoint import list_checkpoints, load_checkpoint, newest_checkpoint, save_checkpoint

FOLDER = Path("checkpoints")


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_nested_state_comes_back():
    state = {
        "step": 7, "total": None, "seconds": 0.1 + 0.2, "on": True, "text": "ünï\n", "large": 2**70,
        "inf": float("inf"), "empty": {}, "nothing": [],
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}, 11: {"exp_avg": torch.rand(2, 3)}},
                      "groups": [{"params": [0, 1], "betas": (0.5, 0.999), "lr": 2e-4}]},
        "tensors": [torch.rand(2).bfloat16(), torch.tensor([True, False]), torch.arange(3), torch.tensor(5),
                    torch.empty(0, 4), torch.rand(3, 4).T, None],
        "pool": {"slots": None, "filled": {0: 3}},
    }  # fmt: skip
    assert same(state, load_checkpoint(save_checkpoint(FOLDER, 7, state)))


def test_tuples_come_back_as_lists():
    back = load_checkpoint(save_checkpoint(FOLDER, 1, {"betas": (0.5, (1, 2))}))
    assert back == {"betas": [0.5, [1, 2]]}


def test_tensors_that_share_memory_come_back_apart():
    weight = torch.rand(4)
    back = load_checkpoint(save_checkpoint(FOLDER, 1, {"one": weight, "same": weight, "part": weight[1:3]}))
    assert torch.equal(back["one"], back["same"])
    assert torch.equal(back["part"], weight[1:3])
    back["one"].zero_()
    assert torch.equal(back["same"], weight)


def test_real_optimizer_state_is_taken_back():
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = load_checkpoint(save_checkpoint(FOLDER, 1, optimizer.state_dict()))
    other = torch.optim.Adam(torch.nn.Linear(3, 2).parameters())
    other.load_state_dict(state)
    assert same(other.state_dict()["state"], optimizer.state_dict()["state"])


def test_the_newest_two_are_kept_in_order_of_their_steps():
    for step in (500, 999_999, 1_000_000, 1_500_000):
        save_checkpoint(FOLDER, step, {"step": step})
    assert [path.name for path in list_checkpoints(FOLDER)] == ["step-1000000.safetensors", "step-1500000.safetensors"]
    assert len(list(FOLDER.iterdir())) == 2


def test_equal_states_are_equal_files():
    state = {"b": torch.ones(2), "a": {"c": torch.zeros(3)}, "n": 1}
    one = save_checkpoint(Path("one"), 1, state).read_bytes()
    assert save_checkpoint(Path("two"), 1, state).read_bytes() == one


def test_damaged_files_and_files_of_others_are_errors():
    path = save_checkpoint(FOLDER, 1, {"x": torch.rand(100)})
    raw = path.read_bytes()
    for content in (b"", raw[:50], raw[: len(raw) // 2], raw[:-1], b"\0" * 500):
        path.write_bytes(content)
        with pytest.raises(GanToolsError, match=r"step-000001\.safetensors") as caught:
            load_checkpoint(path)
        assert caught.value.hint


@pytest.mark.parametrize("state", [None, 3, [], {}, {"tensor": "9"}, {"items": 3}, {"items": [[1]]}, {"list": None}])
def test_a_state_that_is_none_is_damage_though_the_checksum_is_right(state):
    tensors = {"0": torch.zeros(2)}
    content = {"step": 1, "state": state, "checksum": checksum(tensors, json.dumps(state))}
    write_tensors(Path("x.safetensors"), tensors, "checkpoint", content)
    with pytest.raises(GanToolsError, match="is damaged"):
        load_checkpoint(Path("x.safetensors"))


def test_a_checkpoint_of_a_later_format_says_so_and_none_before_it_is_taken(monkeypatch):
    save_checkpoint(FOLDER, 1, {"step": 1})
    with monkeypatch.context() as patch:
        patch.setattr("gantools.storage.FORMAT", 2)
        save_checkpoint(FOLDER, 2, {"step": 2})
    with pytest.raises(GanToolsError, match=r"step-000002.* is of format 2, and this gantools reads 1") as caught:
        newest_checkpoint(FOLDER)
    assert caught.value.hint == "install a newer gantools"


@pytest.mark.parametrize("place", [0.02, 0.3, 0.9])
def test_a_flipped_bit_anywhere_is_noticed(place):
    path = save_checkpoint(FOLDER, 1, {"weight": torch.rand(100, 10), "names": ["a"] * 200, "lr": 2e-4})
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(GanToolsError):
        load_checkpoint(path)
