"""DiffAugment: what it may change, by how much, and that gradients pass through it."""

import pytest
import torch

from gantools.errors import GanToolsError
from gantools.objectives import Sample
from gantools.objectives.augment import DiffAugment

ALL = "color,translation,cutout"


def augmented(policy, images, rng):
    return DiffAugment(policy)(Sample(images), rng).image


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_dtype_are_kept(dtype, rng):
    images = torch.rand(3, 3, 24, 40).to(dtype)
    result = augmented(ALL, images, rng(3))
    assert (result.shape, result.dtype) == (images.shape, dtype)


def test_gradients_are_those_of_finite_differences(rng):
    images = torch.rand(2, 3, 8, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: augmented(ALL, x, rng(2)), images)
    assert torch.autograd.grad(augmented(ALL, images, rng(2)).sum(), images)[0].abs().sum() > 0


def test_the_same_random_numbers_give_the_same_pictures_and_others_give_others(rng):
    images = torch.rand(4, 3, 32, 32)
    assert torch.equal(augmented(ALL, images, rng(4)), augmented(ALL, images, rng(4)))
    assert not torch.equal(augmented(ALL, images, rng(4)), augmented(ALL, images, rng(4, update=1)))
    part = augmented(ALL, images[1:3], rng(4, rows=slice(1, 3)))
    torch.testing.assert_close(part, augmented(ALL, images, rng(4))[1:3])


def test_brightness_saturation_and_contrast_fill_their_ranges_and_stay_in_them(rng):
    images = torch.rand(300, 3, 16, 16) * 2 - 1
    result = augmented("color", images, rng(300))

    def statistics(x):
        grey = x.mean(1, keepdim=True)
        spread = (grey - grey.mean((2, 3), keepdim=True)).flatten(1).norm(dim=1)
        return x.mean((1, 2, 3)), spread, (x - grey).flatten(1).norm(dim=1)

    (mean, spread, chroma), (old_mean, old_spread, old_chroma) = statistics(result), statistics(images)
    contrast = spread / old_spread
    ranges = {
        (-0.5, 0.5): mean - old_mean,  # saturation and contrast leave the mean as it is
        (0.5, 1.5): contrast,
        (0.0, 2.0): chroma / old_chroma / contrast,
    }
    for (low, high), values in ranges.items():
        margin = 0.03 * (high - low)  # of 300 draws some come as near to either end: 1 - 0.97³⁰⁰ ≈ 0.9999
        assert low - 1e-4 <= values.min() <= low + margin
        assert high - margin <= values.max() <= high + 1e-4


def test_translation_shifts_by_up_to_an_eighth_and_fills_with_0(rng):
    height, width = 32, 16
    picture = torch.arange(1.0, height * width + 1).view(1, 1, height, width)
    result = augmented("translation", picture.repeat(400, 3, 1, 1), rng(400))
    shifts = set()
    for shifted in result:
        row, column = divmod(int(shifted[0, height // 2, width // 2]) - 1, width)
        down, right = height // 2 - row, width // 2 - column
        expected = torch.zeros(height, width)
        expected[max(down, 0) : height + down, max(right, 0) : width + right] = picture[
            0, 0, max(-down, 0) : height - down, max(-right, 0) : width - right
        ]
        assert all(torch.equal(channel, expected) for channel in shifted)
        shifts.add((down, right))
    # All of the 9 x 5 shifts by at most 4 and 2: the chance to miss one in 400 draws is 45 (44/45)⁴⁰⁰ ≈ 0.006,
    # and the draws are always the same.
    assert shifts == {(down, right) for down in range(-4, 5) for right in range(-2, 3)}


def test_cutout_blanks_one_square_of_half_the_size_and_nothing_else(rng):
    images = 1 + torch.rand(100, 3, 32, 32)
    result = augmented("cutout", images, rng(100))
    blank = (result == 0).all(1)
    assert torch.equal(result, images.masked_fill(blank[:, None], 0))
    rows, columns = blank.any(2), blank.any(1)
    assert torch.equal(blank, rows[:, :, None] & columns[:, None, :])
    for side in (rows, columns):
        assert (side.int().diff(dim=1).abs().sum(1) <= 2).all()  # in one piece
        assert side.sum(1).max() == 16
        assert side.sum(1).min() >= 8  # the centre is in the picture, so a quarter at least is
    assert blank.any(0).all()  # everywhere now and then


def test_an_empty_policy_changes_nothing(rng):
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(augmented("", images, rng(2)), images)


def test_conditions_that_are_not_pictures_stay_as_they_are(rng):
    images, embedding = torch.rand(2, 3, 16, 16), torch.rand(2, 7)
    sample = DiffAugment(ALL)(Sample(images, (embedding, images.clone())), rng(2))
    assert torch.equal(sample.cond[0], embedding)
    assert torch.equal(sample.cond[1], sample.image)
    assert not torch.equal(sample.image, images)


def test_an_unknown_policy_is_refused_with_what_was_meant():
    with pytest.raises(GanToolsError, match="unknown augmentation `translate`") as caught:
        DiffAugment("color, translate")
    assert "`translation`" in caught.value.hint
