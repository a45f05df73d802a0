"""The penalty that wants two passes with different dropout to agree."""

import pytest
import torch
from torch import nn

from gantools.networks import PatchGAN
from gantools.objectives import Objective, Sample, Verdict
from gantools.objectives.layers import add_dropout
from gantools.objectives.losses import Wasserstein
from gantools.objectives.penalties import Consistency


def samples(n):
    return torch.randn(n, 3, 8, 8)


def consistency(penalty, critic, real, fake, rng):
    objective = Objective(Wasserstein(), {"consistency": penalty})
    return objective.d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng)[0]["consistency"]


class Fickle(nn.Module):
    """Says something else in each pass: scores and features as given."""

    def __init__(self, *verdicts):
        super().__init__()
        self.verdicts = iter(verdicts)

    def forward(self, image):
        return next(self.verdicts)


@pytest.mark.parametrize("margin", [0.0, 1.5])
def test_consistency_is_the_excess_of_squared_differences_over_the_margin(margin, rng):
    one, other = torch.tensor([1.0, -2, 0.5], requires_grad=True), torch.tensor([2.0, -2, -1], requires_grad=True)
    h, k = (torch.randn(3, 4, 2, 2, requires_grad=True) for _ in range(2))
    fake = Verdict(torch.zeros(3), (torch.zeros(3, 4, 2, 2),))
    critic = Fickle(fake, Verdict(one, (h,)), Verdict(other, (k,)))  # those generated come first, without a gradient
    value = consistency(Consistency(weight=1, margin=margin), critic, samples(3), samples(3), rng(3))
    parts = [
        ((a - b) ** 2 + 0.1 * ((x - y) ** 2).mean() - margin).item()
        for a, b, x, y in zip(one, other, h, k, strict=True)
    ]
    assert value.item() == pytest.approx(sum(max(0.0, part) for part in parts) / 3, rel=1e-5)
    over = torch.tensor([part > 0 for part in parts]).float()
    of_one, of_other, of_h, of_k = torch.autograd.grad(value, [one, other, h, k])
    torch.testing.assert_close(of_one, over * 2 * (one - other) / 3)
    torch.testing.assert_close(of_other, -of_one)
    torch.testing.assert_close(of_h, over.view(3, 1, 1, 1) * 0.1 * 2 * (h - k) / 16 / 3)
    torch.testing.assert_close(of_k, -of_h)


def test_consistency_is_computed_in_float32_under_autocast(rng):
    critic, dtypes = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Tanh(), nn.Linear(8, 1)), []
    critic[3].register_forward_hook(lambda module, inputs, output: dtypes.append((len(output), output.dtype)))
    with torch.autocast("cpu", torch.bfloat16):
        value = consistency(Consistency(), critic, samples(4), samples(3), rng(4))
    # Without dropout the two passes say the same, were it not for the digits.
    assert value.item() == 0
    assert dtypes == [(3, torch.bfloat16), (4, torch.float32), (4, torch.float32)]


def test_dropout_comes_behind_each_activation_but_the_first():
    critic = PatchGAN(width=4, layers=2)
    names = list(critic.state_dict())
    Objective(Wasserstein(), {"consistency": Consistency(dropout=0.3)}).prepare(nn.ModuleDict({"d": critic}), "d")
    places = [name for name, module in critic.named_modules() if isinstance(module, nn.Dropout)]
    assert places == ["body.0.2.1", "body.1.2.1"]
    assert all(isinstance(critic.get_submodule(place[:-1] + "0"), nn.LeakyReLU) for place in places)
    assert {critic.get_submodule(place).p for place in places} == {0.3}
    assert list(critic.state_dict()) == names


def test_a_critic_with_dropout_of_its_own_keeps_it():
    critic = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.2), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    Objective(Wasserstein(), {"consistency": Consistency()}).prepare(nn.ModuleDict({"d": critic}), "d")
    assert [module.p for module in critic.modules() if isinstance(module, nn.Dropout)] == [0.2]


def test_a_single_activation_has_the_dropout_behind_it():
    critic = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    add_dropout(critic, 0.5)
    assert isinstance(critic[1][1], nn.Dropout)


def test_consistency_sees_the_last_hidden_layer(rng):
    critic = PatchGAN(width=4, layers=2)
    objective = Objective(Wasserstein(), {"consistency": Consistency(weight=1)})
    objective.prepare(nn.ModuleDict({"d": critic}), "d")
    real, fake = Sample(torch.randn(2, 3, 32, 32)), Sample(torch.randn(2, 3, 32, 32))
    torch.manual_seed(3)
    value = objective.d_losses(critic, real, [(fake, 1.0)], rng(2))[0]["consistency"]
    torch.manual_seed(3)
    critic(fake.image)
    hidden = [critic.body(critic.stem(real.image)) for _ in range(2)]
    scores = [critic.head(h).mean((1, 2, 3)) for h in hidden]
    distance = (hidden[0] - hidden[1]).square().mean((1, 2, 3))
    expected = ((scores[0] - scores[1]).square() + 0.1 * distance).mean()
    torch.testing.assert_close(value, expected)
    assert distance.min() > 0
