"""Stored results as Markdown tables."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from asking import ALL, COARSE, EACH, KINDS
from cases import CASES, STUDIES
from coverage import table as coverage_table
from covid_floor import ARMS, errors
from training import Runs, gathered

HERE = Path(__file__).parent
ENGINES = {"auto": "`Auto`", "nuts": "`Nuts`", "laplace": "`Laplace`", "svi": "`Svi`"}
PROGRAMS = {"latentdo": "latentdo", "numpyro": "NumPyro", "stan": "Stan", "nutpie": "nutpie"}
BARS = "▁▂▃▄▅▆▇█"
ALPHA, DOUBT = 0.01, 0.05
EXACT = ("auto", "nuts")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are set to the right."""
    lines = [heads, ["---", *(["---:"] * (len(heads) - 1))], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def records(name: str) -> list[dict[str, Any]]:
    """The lines of a stored file; none where there is no such file."""
    path = HERE / name
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()] if path.exists() else []


def bars(bins: Sequence[int]) -> str:
    """Counts as bars, a flat line of middle height where all are alike."""
    level = 2 * sum(bins) / len(bins)
    return "".join(BARS[min(len(BARS) - 1, int(len(BARS) * count / level))] for count in bins)


def probability(p: float) -> str:
    """Two digits, or how small it is."""
    return f"{p:.2f}" if p >= 0.01 else f"{p:.3f}" if p >= 0.001 else "< 0.001"


def calibration(chosen: Sequence[str]) -> str:
    """One line per model and engine: the worst functional's ranks, and how likely the worst is if all are uniform."""
    path = HERE / "calibration.json"
    found = json.loads(path.read_text(encoding="utf8")) if path.exists() else []
    found = [cell for cell in found if cell["engine"] in chosen]
    rows = []
    for cell in found:
        functionals: Mapping[str, Any] = cell["functionals"]
        worst = min(functionals, key=lambda name: min(functionals[name]["chi_square_p"], functionals[name]["ks_p"]))
        alike = sum(other["engine"] == cell["engine"] for other in found)
        verdict = "**off**" if cell["p"] * alike < ALPHA else "doubtful" if cell["p"] < DOUBT else "uniform"
        outside = sum(functional["outside"] for functional in functionals.values())
        rows.append(
            [
                cell["cell"],
                *([ENGINES[cell["engine"]]] if len(chosen) > 1 else []),
                f"{cell['datasets']}",
                f"{bars(functionals[worst]['bins'])} {worst}",
                f"{outside} of {len(functionals)}",
                probability(cell["p"]),
                verdict,
                f"{cell['unsure']}",
            ]
        )
    heads = ["model", *(["engine"] if len(chosen) > 1 else []), "data sets", "worst ranks", "outside the 95 % envelope"]
    return table([*heads, "p", "ranks", "not certified"], rows)


def fit_checks(*, wrong: bool) -> str:
    """What the check of a fit says of right models, or of wrong ones beside what their answers needed."""
    cells = [cell for cell in json.loads((HERE / "fit_checks.json").read_text("utf8")) if cell["wrong"] == wrong]

    def share(cell: Mapping[str, Any], *words: str) -> str:
        return f"{100 * sum(cell['words'].get(word, 0) for word in words) / cell['tables']:.0f}"

    heads = ["model" if not wrong else "what is wrong", "rows", "tables", "no misfit found", "cannot tell"]
    heads += ["misfit, answer stands; law only", "misfit, cannot tell", "misfit moves the answer", "contradicted"]
    words = [("no misfit found",), ("cannot tell",), ("misfit, answer stands", "law only"), ("misfit, cannot tell",)]
    words += [("misfit moves the answer",), ("contradicted",)]
    rows = []
    for cell in cells:
        row = [cell["cell"], f"{cell['n']:,}", str(cell["tables"]), *(share(cell, *some) for some in words)]
        if wrong:
            row += [f"{cell['alarmed']} of {cell['hurt']}", str(cell["reassured"])]
        rows.append(row)
    return table([*heads, *(["alarm where the answer is hurt", "told to stand though hurt"] if wrong else [])], rows)


def agreement() -> str:
    """One line per problem and engine, over all of its questions and seeds."""
    by_fit: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records("agreement.jsonl"):
        by_fit.setdefault((record["study"], record["engine"]), []).append(record)
    rows = []
    places = {name: place for place, name in enumerate((*ENGINES, *CASES))}
    for (study, engine), fits in sorted(by_fit.items(), key=lambda item: (places[item[0][1]], places[item[0][0]])):
        answers = [answer for fit in fits for answer in fit["answers"]]
        shift = max(answers, key=lambda answer: abs(answer["shift"]))
        ratio = max(answers, key=lambda answer: abs(answer["log_ratio"]))
        off = sum(not _agrees(answer) for answer in answers)
        rows.append(
            [
                study,
                ENGINES[engine],
                f"{len(answers)}",
                f"{shift['shift']:+.3f} ± {shift['shift_error']:.3f}",
                f"{math.exp(ratio['log_ratio']):.3f} ± {ratio['log_ratio_error']:.3f}",
                f"**{off} off**" if off else "all agree",
                f"{sum(fit['converged'] for fit in fits)} of {len(fits)}" if engine in EXACT else "–",
            ]
        )
    heads = ["problem", "engine", "answers", "largest shift of a mean, sd", "farthest ratio of sds", "verdict"]
    return table([*heads, "certified"], rows)


def beside_nuts() -> str:
    """One line per model of many rows and number of rows."""
    rows = []
    for record in sorted(records("nuts.jsonl"), key=lambda record: (record["n"], record["model"])):
        answers = record["answers"]
        shift = max(answers, key=lambda answer: abs(answer["shift"]))
        ratio = max(answers, key=lambda answer: abs(answer["log_ratio"]))
        off = sum(not _agrees(answer) for answer in answers)
        rows.append(
            [
                record["model"],
                f"{record['n']:,}",
                f"{len(answers)}",
                f"{shift['shift']:+.3f} ± {shift['shift_error']:.3f}",
                f"{math.exp(ratio['log_ratio']):.3f} ± {ratio['log_ratio_error']:.3f}",
                f"**{off} off**" if off else "all agree",
                f"{record['processor']:.0f}",
                f"{record['nuts']['processor']:.0f}",
            ]
        )
    heads = ["model", "rows", "answers", "largest shift of a mean, sd", "farthest ratio of sds", "verdict"]
    return table([*heads, "`Auto`, processor s", "NUTS"], rows)


def _agrees(answer: Mapping[str, float]) -> bool:
    return (
        abs(answer["shift"]) <= 0.1 + 2 * answer["shift_error"]
        and abs(answer["log_ratio"]) <= 0.05 + 2 * answer["log_ratio_error"]
    )


def covid() -> str:
    """One line per sample size and question."""
    path = HERE / "covid.json"
    stored = json.loads(path.read_text(encoding="utf8")) if path.exists() else {}
    rows = []
    for n in sorted({int(key.split()[0]) for key in stored}):
        found = [record for key, record in stored.items() if key.startswith(f"{n} ")]
        for query in ARMS:
            e = errors(query, found)
            rows.append(
                [
                    f"{n}",
                    f"`{query}`",
                    f"{len(found)}",
                    f"{np.median(abs(e.fit)):.4f}",
                    f"{np.median(abs(e.floor)):.4f}",
                    f"{e.more.mean():+.4f} ± {e.more.std(ddof=1) / math.sqrt(len(found)):.4f}",
                    f"{e.covers}",
                    f"{e.floor_covers}",
                    f"{sum(record['converged'] for record in found)}",
                ]
            )
    heads = ["rows", "question", "data sets", "median error", "floor", "mean error less floor (± se)", "90 % covers"]
    return table([*heads, "floor covers", "certified"], rows)


def coverage() -> str:
    """One line per study and question."""
    path = HERE / "coverage.json"
    return coverage_table(json.loads(path.read_text(encoding="utf8"))) if path.exists() else ""


def training() -> str:
    """One line per study and program."""
    found = gathered(records("training.jsonl"))
    rows = []
    for study in STUDIES:
        programs = found.get(study, {})
        own = programs.get("latentdo")
        for program, title in PROGRAMS.items():
            if (runs := programs.get(program)) is not None:
                rows.append([study, title, *_timing(runs, None if program == "latentdo" else own)])
    heads = ["study", "program", "cold s (processor s)", "warm s (processor s)", "agrees", "R-hat", "ESS"]
    return table(
        [*heads, "ESS per s, cold", "warm", "latentdo is, cold", "warm", "by processor time, cold", "warm"], rows
    )


def asking() -> str:
    """One line per kind of question, the thousand of the first four together, and the hardest apart."""
    path = HERE / "asking.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf8"))
    own, rows = found["own"], []
    for text, kind in ALL.items():
        mine = own["kinds"][text]
        cells = [f"{mine['units']:,.0f}", _each(mine["seconds"], mine["processor"], mine["n"])]
        for name in ("matched", "coarse"):
            peer = found[name]["kinds"][kind]
            ratio = _at_equal_noise(peer, mine, name) * mine["n"] / mine["processor"]
            cells += [f"{peer['n_units']:,}", _each(peer["each"], peer["each_processor"]), f"{ratio:,.0f}x"]
        rows.append([f"`{text}`", *cells])
    cells = ["", f"{own['warm']['seconds']:.1f} s ({own['warm']['processor']:.1f})"]
    for name in ("matched", "coarse"):
        peers = [found[name]["kinds"][kind] for kind in KINDS.values()]
        seconds, processor = (sum(EACH * peer[key] for peer in peers) for key in ("each", "each_processor"))
        mine = [own["kinds"][text] for text in KINDS]
        equal = sum(EACH * _at_equal_noise(*pair, name) for pair in zip(peers, mine, strict=True))
        cells += ["", f"{seconds:,.0f} s ({processor:,.0f})", f"**{equal / own['warm']['processor']:,.0f}x**"]
    rows.insert(len(KINDS), ["all four, 250 each", *cells])
    heads = ["question", "units", "latentdo, ms each", "NumPyro, equal noise: units", "ms each", "latentdo is"]
    return table([*heads, "intervals 5 % too wide: units", "ms each", "latentdo is"], rows)


def _at_equal_noise(peer: Mapping[str, Any], mine: Mapping[str, Any], name: str) -> float:
    """Processor seconds that a question takes the peer at the noise it should have: units were chosen on other questions."""
    made = statistics.median(noise / mine["sd"] ** 2 for noise in peer["noise"])
    return peer["each_processor"] * made / (mine["added"] if name == "matched" else COARSE)


def _each(seconds: float, processor: float, n: int = 1) -> str:
    return f"{1000 * seconds / n:,.1f} ({1000 * processor / n:,.1f})"


def asking_errors() -> str:
    """One line per question."""
    path = HERE / "asking_errors.json"
    found = json.loads(path.read_text(encoding="utf8")) if path.exists() else {}
    rows = [
        [
            f"`{text}`",
            f"{each['within']} of {each['n']} ({each['within'] / each['n']:.1%})",
            f"{each['error']:.2%}",
            f"{each['told']:.2%}",
            f"{each['units']:,}",
        ]
        for text, each in found.items()
    ]
    heads = [
        "question",
        "errors within the 95 % t quantile times e",
        "error made, of the sd",
        "error stated, of the sd",
    ]
    return table([*heads, "units"], rows)


def _timing(runs: Runs, own: Runs | None) -> list[str]:
    if not runs.cold:
        return [runs.note, *["–"] * 10]
    rates = [runs.rate(kind) for kind in ("cold", "warm")]
    times = [
        "" if own is None else _times(own.rate(kind, processor=processor), runs.rate(kind, processor=processor))
        for processor in (False, True)
        for kind in ("cold", "warm")
    ]
    return [
        _seconds(runs.cold, runs.processor["cold"]),
        _seconds(runs.warm, runs.processor["warm"]) if runs.warm else runs.note or "–",
        f"{sum(runs.agree)} of {len(runs.agree)}",
        f"{max(runs.rhat):.3f}",
        f"{statistics.median(runs.draws):,.0f}",
        *(f"{rate:,.1f}" if math.isfinite(rate) else "–" for rate in rates),
        *times,
    ]


def _seconds(seconds: Sequence[float], processor: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f} ({statistics.median(processor):.1f})"


def _times(own: float, other: float) -> str:
    if not math.isfinite(other):
        return "–"
    return f"{own / other:,.0f}x" if other > 0 else "answers off"
