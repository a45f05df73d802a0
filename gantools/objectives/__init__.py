"""The objective layer: adversarial losses, penalties and constraints that every task shares.

A loss says what both players minimise, a penalty adds a term to one player's loss, a constraint changes a network
itself, a recipe names a combination with the optimizer settings of its paper. `Objective` puts them together and owns
every pass through a critic.
"""

from gantools.objectives.base import Constraint, Entry, Judged, Loss, Losses, Needs, Penalty, Recipe, Sample, Verdict
from gantools.objectives.objective import Objective

__all__ = [
    "Constraint",
    "Entry",
    "Judged",
    "Loss",
    "Losses",
    "Needs",
    "Objective",
    "Penalty",
    "Recipe",
    "Sample",
    "Verdict",
]
