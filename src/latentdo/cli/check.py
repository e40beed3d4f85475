"""`latentdo check`: everything that can be said before training. Does not load JAX."""

from __future__ import annotations

from pathlib import Path

from latentdo.graphs import is_fit_path

from .failures import DONE, NOT_IDENTIFIED
from .options import Flag, Source, Whole
from .output import say, say_json, tell
from .sources import no_variants, source_text, study_of, variant_of

USAGE = "latentdo check STUDY [DATA] [--variant NAME] [--prior] [--seed N] [--json]"

EXAMPLES = """\
Examples:
  latentdo check study.yaml
  latentdo check study.yaml data.csv --json
  latentdo check study.yaml --variant misspecified
  latentdo check study.yaml data.csv --prior
  latentdo check "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)" data.csv"""

CODES = "Exit codes: 0 ready to fit, 3 some query is not identified, 2 bad input."


def command(
    study: Source,
    data: str | None = None,
    /,
    *,
    variant: str | None = None,
    prior: Flag = False,
    seed: Whole = 0,
    json: Flag = False,
) -> int:
    """What can be said before training: the verdict of each query, and whether the table fits the model.

    Refuses what `fit` would refuse: missing cells, constant columns, values that
    a family cannot produce. Trains nothing. Of the study's variants it says
    whether they look the same from the measured nodes, and which verdicts change.

    Args:
        study: The path of a study (.yaml) or of a saved fit (.ldo), for its model, a model as text, or - for a text on standard
            input.
        data: The table (.csv, .tsv, .parquet); left out, the one that the study names, if it exists.
        variant: One of the study's variants, in place of its model.
        prior: Simulate the measured nodes from the priors alone, and set them beside their columns.
        seed: Of that simulation: the same seed gives the same numbers.
        json: Print an object: measured, latent, verdicts, n_rows, columns, counts, cautions, functional, ignored,
            unread, variants, prior, units.
    """
    from latentdo.api import check

    source = source_text(study, fits=True)
    if is_fit_path(source):
        no_variants(variant)
        report = check(Path(source), data, prior=prior, seed=seed)
    else:
        chosen = variant_of(study_of(source), variant)
        report = check(chosen, data, prior=prior, seed=seed)
        if report.n_rows is None and chosen.data is not None:
            tell(f"note: {chosen.data} does not exist yet, so no column was checked.")
    if json:
        say_json(report.to_json())
    else:
        say(str(report))
    return DONE if report.identified else NOT_IDENTIFIED
