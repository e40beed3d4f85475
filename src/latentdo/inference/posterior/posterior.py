"""`Posterior`: a trained model as users hold it: with its summary, its file, the labels of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import ArchiveError, SpecError
from latentdo.sheet import bodies, texts

from ..blocks.fitted import Fitted
from ..storage.archive import read_fitted, write_archive

if TYPE_CHECKING:
    import xarray

    from .labels import ParameterLabel
    from .prior_check import PriorCheck


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Fitted):
    """A trained model: answer any number of questions from it with `ld.ask`.

    Its values are those of `Fitted`; here are the ways to look at them and to keep them.
    """

    @cached_property
    def parameter_labels(self) -> tuple[ParameterLabel, ...]:
        """What the data say of every parameter, in the order of `parameters`.

        Pinned down, narrowed, nothing, or not identified because of a symmetry of the hidden causes; or its chains did not mix.
        """
        from .labels import parameter_labels

        return parameter_labels(self)

    @property
    def plan(self) -> str:
        """What was trained how, block by block, in words."""
        from .account import plan

        return plan(self)

    def save(self, path: str | Path, *, data: bool = False) -> Path:
        """Write the fit as one file, and return its path.

        Args:
            path: Where to; an existing file is replaced only once the new one is complete.
            data: Whether to write the rows of the data too. Without, only their hash and column summaries are kept.

        Raises:
            ArchiveError: The file cannot be written.
        """
        if not isinstance(path, str | Path):
            raise ArchiveError(path, f"a fit is saved under a path, not under a {type(path).__name__}.")
        return write_archive(self, Path(path), data=arguments.flag("data", data, SpecError))

    def prior_check(self, *, n_draws: int = 1000, seed: int = 0) -> PriorCheck:
        """What the priors alone would say of each measured node, beside its column: whether they mean what was meant.

        Args:
            n_draws: Draws of all parameters from their priors, 100 to 100,000.
            seed: Same seed, same numbers.

        Returns:
            A table per node, with `.warnings` where the priors all but exclude the column, or allow for far more than any.
        """
        from .prior_check import check_priors

        return check_priors(self.spec, self.coordinates, self.facts.columns, seed, n_draws=n_draws)

    def plot_shapes(self, data: Any = None) -> Any:
        """A picture of each fitted shape (`s(X)`, `log(X)`, `X^2`): what X adds to its child's predictor, with its 90 % band.

        Beside it stand the rows, less what the other parents add, where the child is normal or student.

        Args:
            data: Any table that `ld.fit` takes; the rows that the fit holds unless given. Without rows the curves stand alone.

        Returns:
            The matplotlib axes of the first parent that enters by a shape; `axes.figure` has those of all.

        Raises:
            SpecError: The model has no shape.
            MissingExtraError: matplotlib is not installed.
        """
        from .row_likelihood import rows_of
        from .shapes import plot_shapes

        if not self.spec.shaped:
            raise SpecError(
                "No parent enters by a shape, so there is no curve to draw. Write s(X), log(X) or X^2 in the place of X."
            )
        return plot_shapes(self, self.data if data is None else rows_of(self, data))

    def log_likelihood(self, data: Any = None, draws: int | Sequence[int] | IntArray | None = None) -> FloatArray:
        """The log likelihood of each row with its latents integrated out, summed over blocks: complete log densities.

        Where quadrature does not settle the sum over rows to 0.01 the log says so. Nodes without noise (`linear`) add
        nothing: given their parents they are certain.

        Args:
            data: Any table that `ld.fit` takes, with levels that the fit knows; the rows that the fit holds unless given.
            draws: How many draws, evenly chosen, or an array of their places, chains laid end to end; all unless given.

        Returns:
            (draw, row), rows in the order of the table.

        Raises:
            DataError: The fit holds no rows and no table is given; a table that cannot have come from the model.
            SpecError: Draws that there are not.
            UnsupportedError: More than 2 GiB of numbers.
        """
        from .row_likelihood import log_likelihood

        return log_likelihood(self, data, draws)

    def to_arviz(self) -> xarray.DataTree:
        """The fit as an ArviZ DataTree, for its statistics and plots.

        Returns:
            `posterior`: one array per kind of free parameter (`weight`, `intercept`, `sd`, …) with the dimensions chain,
            draw and `weight_of`, `intercept_of`, …, whose coordinates name the parameters, in raw units. `sample_stats`:
            `lp`, the log posterior of each block of chains. `observed_data`: the rows, where they are in memory (a slash in
            a node's name is ∕ there). `log_likelihood`: that of each row with its latents integrated out, as `rows`, where
            rows are in memory and it takes seconds: `arviz_stats.loo(tree)` works on it; left out, the attributes say so.
            Engine, seed, versions and model stand in the attributes. Independent draws are cut into chains for the shape
            alone.

        Raises:
            MissingExtraError: arviz-base is not installed.
        """
        from .data_tree import to_arviz

        return to_arviz(self)

    def summary(self) -> str:
        """The fit on one page: model, data, priors, plan, convergence, parameters."""
        return str(self)

    def __str__(self) -> str:
        from .summary import WIDTH, sheets

        return texts(sheets(self), WIDTH)

    def __repr__(self) -> str:
        state = "one draw" if self.is_point else "converged" if self.converged else "NOT converged"
        state += f", APPROXIMATE ({', '.join(self.approximate)})" if self.approximate else ""
        return f"<Posterior of {len(self.spec.measured)} measured and {len(self.spec.latent)} latent nodes, {state}>"

    def _repr_html_(self) -> str:
        from .summary import sheets

        return bodies(sheets(self))


def read_archive(path: Path) -> Posterior:
    """The fit in a file that `write_archive` made; answers from it are those of the fit that was saved.

    Raises:
        ArchiveError: The file cannot be opened, is damaged, was changed, or is not a fit of this version.
    """
    fitted = read_fitted(path)
    return Posterior(**{each.name: getattr(fitted, each.name) for each in fields(Fitted)})
