"""`latentdo simulate`: rows from a case study's own simulator."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .failures import DONE
from .options import Flag, Output, Whole
from .output import output_path, say_json, tell

if TYPE_CHECKING:
    from latentdo.tables import Table

USAGE = "latentdo simulate NAME -n N [--do NODE=VALUE] [-o TABLE.csv] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo simulate signaling -n 500 --seed 1 -o cells.csv
  latentdo simulate signaling -n 500 --do SOS=70 -o held.csv
  latentdo simulate signaling -n 5 --do SOS=70,Ras=30 --latents
  latentdo simulate covid -n 500 --do sIL6R=20,EGFR=20 -o treated.csv"""

CODES = "Exit codes: 0 done, 2 bad input, 130 interrupted."

TABLES = (".csv", ".tsv", ".parquet", ".pq")


def command(
    name: str,
    /,
    *,
    n: Annotated[Whole, Parameter(name="-n")],
    seed: Whole = 0,
    do: Annotated[list[str] | None, Parameter(negative=())] = None,
    latents: Flag = False,
    output: Output = None,
    progress: bool | None = None,
    json: Flag = False,
) -> int:
    """Draw rows from a case study's own simulator, untouched or under an intervention.

    The rows come from the true process, not from a model: answers can be
    compared with it.

    Args:
        name: The study: multicause, napkin, signaling (cells, molecule by molecule), covid, multicause-strong,
            signaling-strong, knockout.
        n: Number of rows.
        seed: A whole number; the same seed gives the same rows.
        do: Hold a node at a value: SOS=70; several with commas, or the option again.
        latents: Add the columns of the latent nodes.
        output: Where to write (.csv, .tsv, .parquet); left out, stdout, as CSV.
        progress: Show progress on stderr; left out, only at a terminal.
        json: Print an object: path, n, columns; without -o also data, the rows column by column.
    """
    from latentdo.simulators import held_of

    held = held_of(do or [], "--do")
    path = None if output is None else output_path("-o", output, "table", TABLES)
    table = _simulated(name, n, seed, held, latents=latents, progress=progress)
    if path is not None:
        table.write(path)
        tell(f"Wrote {table.n_rows} rows of {', '.join(table)} to {path}.")
    if json:
        facts = {"path": None if path is None else str(path), "n": table.n_rows, "columns": list(table)}
        if path is not None:
            say_json(facts)
        else:
            say_json({**facts, "data": {key: values.tolist() for key, values in table.items()}}, indent=None)
    elif path is None:
        sys.stdout.write(table.text())
    return DONE


def _simulated(name: str, n: int, seed: int, held: dict[str, float], *, latents: bool, progress: bool | None) -> Table:
    from latentdo.inference import watch
    from latentdo.simulators import simulate

    with watch(progress) as tell_share:
        return simulate(name, n, seed=seed, do=held, latents=latents, progress=lambda share: tell_share(name, share))
