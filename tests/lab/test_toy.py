"""The task `toy`: its data against closed forms, its measures against hand-made samples, its training."""

import math
from itertools import permutations

import pytest
import torch
from PIL import Image

import gantools
from gantools.errors import GanToolsError
from gantools.objectives.layers import AcrossBatch
from gantools.task import Networks
from gantools.training.run import resolve
from gantools_lab.config import Config, parse_modes
from gantools_lab.measures import good_share, modes_covered, wasserstein
from gantools_lab.points import Points, draw
from gantools_lab.surface import SIDE, Plane
from gantools_lab.task import AutoEncoder, Toy, _scores_apart, _slopes

TWO = "mixture:0.25*normal:-2,1,0.1+0.75*normal:2,1e+0,0.3"
N = 2**17
# Of swissroll, t is uniform on [1.5π, 4.5π]; the integrals of t cos t, t sin t and t² over it.
ROLL_MEAN = (2 / 7.5, 2 / (3 * math.pi) / 7.5)
ROLL_SQUARE = (4.5**3 - 1.5**3) * math.pi**2 / 9 / 7.5**2


def points(**settings: object) -> Points:
    return Points(Config(**settings))


def ring(k: int, count: int, away: float = 0.0) -> torch.Tensor:
    """``count`` samples at the k-th mode of ring8, moved outwards by ``away``."""
    angle = torch.tensor(k * math.pi / 4)
    return (2 + away) * torch.stack([angle.cos(), angle.sin()]).expand(count, 2)


@pytest.mark.parametrize(
    ("data", "mean", "square"),
    [
        ("ring8", (0, 0), 4 + 2 * 0.02**2),
        ("grid25", (0, 0), 2 * (8 + 0.05**2)),
        (TWO, (1, 1), 5 + 2 * (0.25 * 0.1**2 + 0.75 * 0.3**2)),
        ("swissroll", ROLL_MEAN, ROLL_SQUARE + 2 * (0.25 / 7.5) ** 2),
    ],
)
def test_moments_of_the_data(data: str, mean: tuple[float, float], square: float) -> None:
    x = draw(data, N, torch.Generator().manual_seed(0)).double()
    squares = x.square().sum(1)
    error = 4 / math.sqrt(N)  # four standard errors
    assert x.mean(0).tolist() == pytest.approx(mean, abs=error * float(x.std(0).max()))
    assert float(squares.mean()) == pytest.approx(square, abs=error * float(squares.std()) + 1e-6)


@pytest.mark.parametrize("data", ["ring8", "grid25", TWO])
def test_each_mode_has_its_share_and_its_spread(data: str) -> None:
    x = draw(data, N, torch.Generator().manual_seed(1)).double()
    modes = parse_modes(data)
    nearest = torch.cdist(x, torch.tensor([[mode.x, mode.y] for mode in modes], dtype=torch.float64)).argmin(1)
    for k, mode in enumerate(modes):
        own = x[nearest == k]
        assert len(own) / N == pytest.approx(mode.weight, abs=4 * math.sqrt(mode.weight / N))
        assert own.std(0).tolist() == pytest.approx([mode.std] * 2, rel=4 / math.sqrt(len(own)))


def test_nine_tenths_and_more_of_the_data_are_good() -> None:
    for data in ("ring8", "grid25"):  # a normal point in the plane is within 3 std with probability 1 - exp(-9/2)
        x = draw(data, N, torch.Generator().manual_seed(2))
        assert good_share(x, data) == pytest.approx(1 - math.exp(-4.5), abs=0.002)
    # Across a curve there is one dimension to stray into: erf(3/√2), but for what lies beyond the ends.
    roll = draw("swissroll", 2**13, torch.Generator().manual_seed(2))
    assert good_share(roll, "swissroll") == pytest.approx(math.erf(3 / math.sqrt(2)), abs=0.004)
    assert good_share(torch.zeros(10, 2), "swissroll") == 0


def test_sample_k_is_a_function_of_seed_and_k() -> None:
    here, there = points(seed=3), points(seed=3)
    ks = [70_000, 5, 200_000, 65_535]
    forwards, backwards = [here[k]["x"] for k in ks], [there[k]["x"] for k in reversed(ks)]
    assert torch.equal(torch.stack(forwards), torch.stack(backwards[::-1]))
    assert not torch.equal(points(seed=4)[5]["x"], here[5]["x"])
    assert not torch.equal(here[5]["x"], here[5 + len(here)]["x"])
    assert torch.equal(points(seed=4).sheet()["x"], here.sheet()["x"])


@pytest.mark.parametrize("ks", [range(100, 356), range(65_400, 65_656), [9, 3, 70_000]])
def test_a_batch_is_its_samples(ks: range | list[int]) -> None:
    data = points()
    assert torch.equal(data.batch(ks)["x"], torch.stack([data[k]["x"] for k in ks]))


def test_a_mode_counts_with_one_percent_near_it() -> None:
    covered = [ring(k, 480) for k in range(5)]  # of 2,500: 25 are one percent
    samples = torch.cat([*covered, ring(5, 24), ring(6, 38, away=0.061), ring(7, 38, away=10)])
    assert len(samples) == 2500
    assert modes_covered(samples, "ring8") == 5
    assert good_share(samples, "ring8") == pytest.approx(2424 / 2500)
    assert modes_covered(torch.cat([samples[:-38], ring(6, 38, away=0.059)]), "ring8") == 6


def test_a_rare_mode_counts_with_half_its_share() -> None:
    rare = "mixture:0.996*normal:0,0,0.1+0.004*normal:5,0,0.1"
    far = torch.tensor([[5.0, 0.0]])
    assert modes_covered(torch.cat([torch.zeros(997, 2), far.expand(3, 2)]), rare) == 2
    assert modes_covered(torch.cat([torch.zeros(999, 2), far]), rare) == 1


def test_wasserstein_distance_is_that_of_the_best_assignment() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(6, 2, generator=generator) for _ in range(2))
    best = min(float((first - second[list(order)]).norm(dim=1).mean()) for order in permutations(range(6)))
    assert wasserstein(first, second) == pytest.approx(best, rel=1e-6)
    many = torch.randn(300, 2, generator=generator)
    assert wasserstein(many, many[torch.randperm(300, generator=generator)]) == 0
    assert wasserstein(many, many + torch.tensor([3.0, -4.0])) == pytest.approx(5, rel=1e-6)  # a translation
    assert math.isnan(wasserstein(first, second / 0))


def test_report_counts_what_the_generator_makes() -> None:
    class FiveModes(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.cat([ring(k, len(z) // 5) for k in range(5)]).view(5, -1, 2).transpose(0, 1).reshape(-1, 2)

    task = Toy(Config())
    report = task.report({"g": FiveModes()}, points().sheet())  # type: ignore[arg-type]
    assert (report["modes"], report["good"]) == (5, 1)
    assert report["wasserstein"] > 3 * report["wasserstein_floor"] > 0
    assert report == task.report({"g": FiveModes()}, points().sheet())  # type: ignore[arg-type]


def test_a_curve_has_no_modes_to_report() -> None:
    task = Toy(Config(data="swissroll"))
    report = task.report(Networks(task.generators()), points(data="swissroll").sheet())
    assert report.keys() == {"good", "wasserstein", "wasserstein_floor"}


def test_an_autoencoder_scores_minus_its_mean_squared_error() -> None:
    critic = AutoEncoder(width=8, layers=1)
    critic.head.weight.data.zero_()
    critic.head.bias.data.copy_(torch.tensor([1.0, 2.0]))
    verdict = critic(torch.tensor([[1.0, 2.0], [4.0, 6.0]]))
    assert verdict.score.tolist() == [0, -12.5]


def test_the_surface_stands_upright() -> None:
    plane = Plane(torch.tensor([[-1.0, 0.0], [1.0, 4.0]]))
    right, up = plane.points.T
    assert (float(right.min()), float(right.max())) == pytest.approx((-2.5, 2.5), abs=0.03)  # 1.25 times the extent
    assert (float(up.min()), float(up.max())) == pytest.approx((-0.5, 4.5), abs=0.03)
    for scores, brighter, darker in ((up, (96, 192), (288, 192)), (right, (192, 288), (192, 96))):
        picture = plane.surface(scores, torch.tensor([[2.0, 4.0]]), torch.tensor([[0.0, 1.0]]))
        assert picture.shape == (1, 3, SIDE, SIDE)
        light = picture[0].mean(0)  # viridis grows lighter with the score
        assert light[brighter] > light[darker] + 0.2


class Blind(AcrossBatch):
    """Claims to look at the batch, and scores a point by its coordinates: x + 10 y²."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0] + 10 * x[:, 1].square()


def test_scores_and_slopes_go_to_their_points() -> None:
    x = torch.rand(1000, 2, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():  # as the trainer draws sheets
        scores, slopes = _scores_apart(Blind(), x, 64), _slopes(Blind(), x)
    assert torch.equal(scores, Blind()(x))
    assert torch.allclose(slopes, torch.stack([torch.ones(1000), 20 * x[:, 1]], 1))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("ring9", "did you mean `ring8`"),
        ("moons", "known: "),
        ("ring8:3", "takes no options"),
        ("mixture:", "is not WEIGHT*normal:X,Y,STD"),
        ("mixture:1*uniform:0,0,1", "is not WEIGHT*normal:X,Y,STD"),
        ("mixture:1*normal:0,0", "four numbers"),
        ("mixture:1*normal:0,0,one", "four numbers"),
        ("mixture:1*normal:0,0,0", "above 0"),
        ("mixture:1*normal:nan,0,1", "finite"),
        ("mixture:1*normal:0,0,1+1*normal:2,0,1", "sum to 2, not to 1; write 0.5, 0.5"),
    ],
)
def test_bad_data_are_explained(data: str, words: str) -> None:
    with pytest.raises(GanToolsError, match="--data") as error:
        resolve("toy", {"data": data})
    assert words in str(error.value)


def test_points_are_not_augmented() -> None:
    with pytest.raises(GanToolsError, match="--augment"):
        resolve("toy", {"augment": "color"})


def test_thirty_steps_leave_log_sheet_and_weights() -> None:
    run = gantools.train("toy", steps=30, width=16, log_every=10, seed=5, out="run", quiet=True)
    rows = run.log()
    measured = {"eval/modes", "eval/good", "eval/wasserstein", "eval/wasserstein_floor"}
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert all(measured <= row.keys() for row in rows)
    assert len({row["eval/wasserstein_floor"] for row in rows}) == 1
    with Image.open("run/samples/step-000030.png") as sheet:
        assert sheet.width > 3 * SIDE
    assert run.weights.is_file()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("objective", "share"), [("sngan", 0.85), ("wgan-gp", 0.6)])
def test_all_eight_modes_within_two_minutes_on_one_core(objective: str, share: float, seed: int) -> None:
    run = gantools.train("toy", data="ring8", objective=objective, seed=seed, device="cpu", out="run", quiet=True)
    row = run.log()[-1]
    assert row["eval/modes"] == 8
    assert row["eval/good"] >= share
    assert row["seconds"] < 120
