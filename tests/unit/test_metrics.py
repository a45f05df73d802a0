"""Metrics: numbers against closed forms, loops written out, and pictures whose figures can be said by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter
from scipy.special import softmax
from torch_fidelity.metric_kid import kid_features_to_metric

from gantools.metrics import Evidence
from gantools.metrics.meaning import (
    ColourAccuracy,
    DomainAccuracy,
    LinearClassifier,
    Retrieval,
    colour_in,
    dominant_colour,
)
from gantools.metrics.nearest import Nearest
from gantools.metrics.pairs import CycleError, MeanAbsolute, SignalToNoise, StructuralSimilarity, structural_similarity
from gantools.metrics.sets import (
    Diversity,
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    KernelDistanceOfAll,
    Precision,
    Recall,
    kernel_distance,
    kernel_distances,
)

SHADES = {
    "blue": "#61b2e4", "red": "#ea5a47", "green": "#5c9e31", "yellow": "#fcea2b", "grey": "#9b9b9a",
    "orange": "#f4aa41", "pink": "#ffa7c0", "purple": "#b399c8", "brown": "#a57939",
}  # fmt: skip


class Known(list):
    """Pictures, or only their features, as a set of pictures has them."""

    def __init__(self, pictures=(), pooled=None, logits=None):
        super().__init__(pictures if pooled is None else pooled)
        self.features = SimpleNamespace(pooled=pooled, logits=logits)


def normal(count, dim, shift=0.0):
    return torch.randn(count, dim, dtype=torch.float64) + shift


def sets(made, real, **more):
    return Evidence(Known(pooled=made), Known(pooled=real), **more)


def plain(*levels, side=8):
    """Grey pictures of these levels."""
    return Known([torch.full((3, side, side), level, dtype=torch.uint8) for level in levels])


def as_tensor(image):
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)


def test_kid_is_the_papers_double_sum():
    x, y = normal(7, 4).numpy(), normal(5, 4, 0.5).numpy()

    def mean_kernel(a, b, same):
        values = [
            (float(p @ q) / 4 + 1) ** 3 for i, p in enumerate(a) for j, q in enumerate(b) if not (same and i == j)
        ]
        return sum(values) / len(values)

    expected = 1000 * (mean_kernel(x, x, True) + mean_kernel(y, y, True) - 2 * mean_kernel(x, y, False))
    found = KernelDistance()(sets(torch.from_numpy(x), torch.from_numpy(y)))
    assert (found.value, found.n) == (pytest.approx(expected, rel=1e-12), 7)


def test_kid_of_all_pairs_is_torch_fidelitys_with_one_subset():
    x, y = normal(30, 16), normal(30, 16, 0.3)
    found = kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=30, verbose=False)
    value = KernelDistanceOfAll()(sets(x, y, truth=tuple(range(30)))).value
    assert value == pytest.approx(1000 * found["kernel_inception_distance_mean"], rel=1e-9)


def test_kid_leaves_out_a_picture_and_its_truth_and_pictures_of_one_truth():
    x, y = normal(8, 4), normal(5, 4, 0.5)
    truth = (0, 0, 3, None, 2, None, 3, 1)
    kernels = [((a @ b.T / 4 + 1) ** 3).tolist() for a, b in ((x, x), (y, y), (x, y))]
    kept = [
        [kernels[0][i][j] for i in range(8) for j in range(8) if i != j and (truth[i] is None or truth[i] != truth[j])],
        [kernels[1][i][j] for i in range(5) for j in range(5) if i != j],
        [kernels[2][i][j] for i in range(8) for j in range(5) if truth[i] != j],
    ]
    within, real, across = (sum(values) / len(values) for values in kept)
    seen = sets(x, y, truth=truth)
    assert KernelDistance()(seen).value == pytest.approx(1000 * (within + real - 2 * across), rel=1e-9)
    assert KernelDistanceOfAll()(seen).value == pytest.approx(KernelDistance()(sets(x, y)).value, rel=1e-9)


def test_kid_of_a_set_and_itself_is_0_as_pairs_and_as_strangers():
    real = normal(40, 8)
    assert KernelDistance()(sets(real, real, truth=tuple(range(40)))).value == pytest.approx(0, abs=1e-6)
    assert KernelDistanceOfAll()(sets(real, real, truth=tuple(range(40)))).value < -30  # what every pair counted says


def test_kid_is_0_on_average_for_samples_of_one_distribution():
    values = [KernelDistance()(sets(normal(12, 4), normal(30, 4))).value for _ in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 200**0.5


@pytest.mark.parametrize("paired", [False, True])
def test_kids_error_is_the_spread_of_many_samples(paired):
    found = []
    for _ in range(80):
        x = normal(50, 8)
        y = x + 0.3 * normal(50, 8) if paired else normal(50, 8)
        found.append(KernelDistance()(sets(x, y + 0.5, truth=tuple(range(50)) if paired else ())))
    errors, spread = np.mean([one.std_error for one in found]), np.std([one.value for one in found])
    assert 0.5 < errors / spread < 1.7  # pairs drawn as if they were none read 2.3


def test_two_sets_of_equal_kin_are_drawn_alike():
    kin = [*range(20), 3, 3, 40, 41]  # of which two go with no picture of y
    x, y, turn = normal(24, 4), normal(40, 4, 0.5), torch.linalg.qr(normal(4, 4)).Q
    values = kernel_distances(x, y, kin)
    assert len(values) == 1001
    torch.testing.assert_close(kernel_distances(x @ turn, y @ turn, kin), values)  # other numbers, the same kernels
    assert kernel_distance(x, y, kin) == (float(values[0]), float(values[1:].std()))


def test_the_error_of_a_paired_difference_is_its_spread():
    found = []
    for _ in range(80):
        y = normal(50, 8)
        first = y + 0.5 + 0.3 * normal(50, 8)
        second = first + 0.1 + 0.1 * normal(50, 8)
        found.append([kernel_distances(made, y, range(50)) for made in (first, second)])
    spread = np.std([float(one[0] - other[0]) for one, other in found])
    errors = np.mean([float((one - other)[1:].std()) for one, other in found])
    apart = np.mean([float((one[1:].var() + other[1:].var()).sqrt()) for one, other in found])
    assert 0.5 < errors / spread < 1.7
    assert errors < apart / 2  # as if the two were of different pictures


def test_fid_of_two_gaussians_is_the_closed_form():
    turn = torch.linalg.qr(normal(3, 3)).Q  # covariances that commute: their distance is that of the roots
    x = normal(100_000, 3) * torch.tensor([1.0, 2, 3]) @ turn
    y = normal(100_000, 3) * torch.tensor([2.0, 1, 1]) @ turn + torch.tensor([1.0, 2, -2])
    assert FrechetDistance()(sets(x, y)).value == pytest.approx(1 + 4 + 4 + 1 + 1 + 4, rel=0.01)


def test_precision_and_recall_are_the_shares_within_a_third_neighbour():
    made, real = normal(12, 2), normal(17, 2, 2)

    def share(points, among):
        def reach(i):
            return sorted(math.dist(among[i], other) for other in among)[3]

        inside = [any(math.dist(p, among[i]) <= reach(i) for i in range(len(among))) for p in points]
        return sum(inside) / len(inside)

    precision, recall = share(made.tolist(), real.tolist()), share(real.tolist(), made.tolist())
    assert 0 < precision < recall < 1
    for metric, expected, n in ((Precision(), precision, 12), (Recall(), recall, 17)):
        assert metric(sets(made, real))[:3] == (expected, (expected * (1 - expected) / n) ** 0.5, n)


def test_pictures_of_one_caption_are_no_neighbours_of_each_other():
    real = normal(40, 2)
    made = (real + 0.2 * normal(40, 2)).repeat_interleave(4, 0) + 0.01 * normal(160, 2)
    truth = tuple(i // 4 for i in range(160))
    assert Recall()(sets(made, real, truth=truth)).value > 0.9
    assert Recall()(sets(made, real)).value < 0.5  # three siblings make the reach of each tiny
    alone = Diversity()(sets(made[::4], real, truth=truth[::4])).value
    assert Diversity()(sets(made, real, truth=truth)).value == pytest.approx(alone, rel=0.01)


def drawn_at_random(count, seed):
    """Pictures of a few large patches, as drawings have them."""
    patches = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return [Image.fromarray(patch).resize((32, 32), Image.Resampling.BICUBIC) for patch in patches]


@pytest.mark.parametrize("flaw", ["none", "noise", "blur", "mirror"])
def test_copies_of_training_pictures_are_found_whatever_small_flaws_they_have(flaw):
    change = {
        "none": lambda image: image,
        "noise": lambda image: Image.fromarray(
            np.clip(np.asarray(image) + rng.normal(0, 15, (32, 32, 3)), 0, 255).astype(np.uint8)
        ),
        "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
        "mirror": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    }[flaw]
    rng = np.random.default_rng(3)
    learned, real = drawn_at_random(60, 1), drawn_at_random(20, 2)

    def nearest(pictures, truth=()):
        made, known, seen = (Known(map(as_tensor, images)) for images in (map(change, pictures), learned, real))
        return Nearest()(Evidence(made, seen, truth, training=known)).value

    assert nearest(learned[:20]) < 0.45
    assert nearest(real[1:] + real[:1], tuple(range(20))) < 20  # pictures of others' truth
    assert nearest(real, tuple(range(20))) == pytest.approx(1, abs=0.1)


def test_inception_score_is_the_number_of_clear_classes():
    def score(logits):
        return InceptionScore()(Evidence(Known(pooled=logits, logits=logits), Known())).value

    assert score(100 * torch.eye(7).repeat(3, 1)) == pytest.approx(7)
    assert score(torch.zeros(9, 7)) == pytest.approx(1)
    logits = normal(9, 5)
    p = softmax(logits.numpy(), axis=1)
    assert score(logits) == pytest.approx(math.exp((p * np.log(p / p.mean(0))).sum(1).mean()))


def test_diversity_is_the_ratio_of_mean_distances():
    real = normal(10, 3)
    assert Diversity()(sets(real / 4 + 5, real)).value == pytest.approx(0.25)
    assert Diversity()(sets(real * 0, real)).value == 0


def test_l1_and_psnr_by_hand():
    seen = Evidence(plain(128, 50, 9), plain(9, 64, 80), truth=(1, 2, 0))
    first, second = 64 / 255, 30 / 255
    mean = (first + second) / 3
    error = math.sqrt(sum((one - mean) ** 2 for one in (first, second, 0)) / 2 / 3)
    assert MeanAbsolute()(seen)[:3] == pytest.approx((mean, error, 3), rel=1e-6)
    decibels = [-20 * math.log10(one) for one in (first, second, 0.5 / 255)]  # equal ones count half a step
    assert SignalToNoise()(seen).value == pytest.approx(sum(decibels) / 3, rel=1e-6)


def test_pairs_without_a_truth_are_left_out_and_other_sizes_are_resized():
    seen = Evidence(plain(100, 0), plain(0, 151, side=16), truth=(1, None))
    assert MeanAbsolute()(seen)[:3] == pytest.approx((51 / 255, None, 1))
    assert not MeanAbsolute().applies(Evidence(plain(1), plain(2), truth=(None,)))


def test_ssim_is_a_loop_over_gaussian_windows():
    # Agrees with skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False).
    x = torch.rand(14, 19, dtype=torch.float64)
    y = (0.6 * x + 0.3 * torch.rand(14, 19, dtype=torch.float64)).clamp(0, 1)
    line = np.exp(-np.square(np.arange(-5, 6)) / 4.5)
    window = np.outer(line, line) / line.sum() ** 2
    values = []
    for top in range(4):
        for left in range(9):
            a, b = (z.numpy()[top : top + 11, left : left + 11] for z in (x, y))
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    assert structural_similarity(x, y) == pytest.approx(np.mean(values), rel=1e-9)
    colour = Known([torch.randint(0, 256, (3, 14, 19), dtype=torch.uint8)])
    red = Known([colour[0] * torch.tensor([1, 0, 0], dtype=torch.uint8).view(3, 1, 1)])
    assert StructuralSimilarity()(Evidence(colour, colour, truth=(0,))).value == pytest.approx(1)
    assert StructuralSimilarity()(Evidence(colour, red, truth=(0,))).value < 0.5


def test_cycle_error_compares_with_the_source():
    seen = Evidence(plain(0, 0), plain(0), source=plain(10, 20), back=plain(15, 5))
    assert CycleError()(seen).value == pytest.approx(10 / 255)
    assert not CycleError().applies(Evidence(plain(0), plain(0), source=plain(1)))


def test_the_classifier_is_ridge_regression_and_tells_separable_classes_apart():
    centres = 4 * normal(3, 40)
    classes = [centre + normal(8, 40) for centre in centres]
    classifier = LinearClassifier(classes)
    x = torch.cat(classes)
    z = ((x - x.mean(0)) / x.std(0)).numpy()
    wanted = np.repeat(np.where(np.eye(3) > 0, 1, -1), 8, axis=0)
    weights = np.linalg.solve(z.T @ z + 40 * np.eye(40), z.T @ (wanted - wanted.mean(0)))  # the primal problem
    np.testing.assert_allclose(classifier(x), z @ weights + wanted.mean(0), atol=1e-9)
    domains = {name: Known(pooled=part) for name, part in zip("abc", classes, strict=True)}
    new = torch.cat([centres[1] + normal(9, 40), centres[2] + normal(3, 40)])
    for domain, expected in (("a", 0), ("b", 0.75), ("c", 0.25)):
        value = DomainAccuracy()(Evidence(Known(pooled=new), Known(), domains=domains, domain=domain))
        assert value[:3] == (expected, (expected * (1 - expected) / 12) ** 0.5, 12)


def drawing(fill, blur, paper="white"):
    """A small patch of colour amid thin lines of ink, whose edges are grey."""
    big = Image.new("RGB", (256, 256), paper)
    draw = ImageDraw.Draw(big)
    for k in range(20, 250, 20):
        draw.line([(0, k), (255, k - 7)], "black", 6)
    draw.ellipse([60, 70, 150, 160], fill, "black", 8)
    return big.resize((64, 64), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(blur))


@pytest.mark.parametrize("name", SHADES)
def test_the_dominant_colour_is_the_fills_also_where_edges_are_many_or_soft(name):
    for blur in (0, 0.7):
        assert dominant_colour(as_tensor(drawing(SHADES[name], blur))) == name
    assert dominant_colour(as_tensor(drawing(SHADES[name], 0, paper="#e5e5e5"))) == name  # nearer to grey than to white
    shaded = torch.tensor([int(SHADES[name][i : i + 2], 16) for i in (1, 3, 5)]).view(3, 1, 1)
    noisy = (shaded + 8 * torch.randn(3, 16, 16)).clamp(0, 255).byte()
    assert dominant_colour(noisy) == name


def test_colours_are_asked_of_pictures_whose_words_name_one():
    made = Known(as_tensor(Image.new("RGB", (4, 4), SHADES[name])) for name in ("red", "blue", "green", "red"))
    words = ("a Red bird", "a red bird", "a bird", "a red bird with grey wings")
    assert [colour_in(text) for text in words] == ["red", "red", None, None]
    assert ColourAccuracy()(Evidence(made, Known(), prompts=words)) == (0.5, 0.125**0.5, 2, 1 / 9)
    assert not ColourAccuracy().applies(Evidence(made, Known(), prompts=words[2:]))
    assert dominant_colour(plain(0, 255)[0]) is None


def test_retrieval_asks_pictures_of_the_same_colour_and_counts_every_picture_of_the_caption():
    words = [
        "a red fish",
        *(f"a red bird {k}" for k in range(6)),
        *(f"a blue bird {k}" for k in range(9)),
        "a red fish",
    ]
    real = torch.arange(17.0, dtype=torch.float64)[:, None]
    made = real.clone()
    made[0] = 16  # nearest are its caption's other picture, and four red birds; blue ones are not asked
    made[1] = 30  # nearest are the last red one and birds 6 to 3
    seen = sets(made, real, truth=tuple(range(17)), prompts=words)
    found = Retrieval()(seen)
    assert found.value == pytest.approx(16 / 17)
    rivals = {"red fish": (8, 2), "red bird": (8, 1), "blue": (9, 1)}  # so many real ones, so many of the caption
    chances = {name: 1 - math.comb(n - k, 5) / math.comb(n, 5) for name, (n, k) in rivals.items()}
    by_hand = 2 * chances["red fish"] + 6 * chances["red bird"] + 9 * chances["blue"]
    assert found.chance == pytest.approx(by_hand / 17)
    made[0] = -1
    made[5] = 15  # blue ones lie between
    assert Retrieval()(seen).value == pytest.approx(16 / 17)
