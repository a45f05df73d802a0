"""`gantools lab`: one file a verb, heavy imports inside the commands."""

from __future__ import annotations

import typer

from gantools.cli.examples import epilog
from gantools_lab.cli.compare import compare
from gantools_lab.cli.dirac import dirac
from gantools_lab.cli.estimate import estimate
from gantools_lab.cli.landscape import landscape

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Experiments with GAN theory: estimates beside exact values, landscapes, comparisons.",
)
app.command(
    epilog=epilog(
        "gantools lab estimate --objective f-kl",
        "gantools lab estimate --objective wgan-gp --p normal:0,1 --q uniform:-1,2",
    )
)(estimate)
app.command(epilog=epilog("gantools lab landscape -o figures"))(landscape)
app.command(epilog=epilog("gantools lab dirac", 'gantools lab dirac wgan "wgan --penalty gp" --lr 0.2'))(dirac)
app.command(
    epilog=epilog(
        "gantools lab compare lsgan wgan-gp --seeds 5",
        'gantools lab compare hinge "minimax --n-critic 5" --with "--data grid25"',
    )
)(compare)


@app.callback()
def group() -> None:
    """Experiments with GAN theory: estimates beside exact values, landscapes, comparisons."""
