import math

import torch
from gantools_cut.nce import patch_nce

from gantools.testing import conformance

TestCUT = conformance("cut", size=32, width=4, blocks=2, d_layers=2, patches=16)


def test_the_loss_is_that_of_a_guess_where_nothing_can_be_told_apart():
    same = torch.ones(2, 8, 4) / 2
    assert math.isclose(patch_nce([same], [same], 0.07).item(), math.log(8), rel_tol=1e-5)


def test_the_loss_is_small_where_every_patch_knows_its_own():
    own = torch.eye(8).expand(2, 8, 8)
    assert patch_nce([own], [own], 0.07) < 1e-4
    assert patch_nce([own.flip(1)], [own], 0.07) > 10
