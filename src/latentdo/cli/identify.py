"""`latentdo identify`: the verdict on each question, with its formula or its hedge. Loads neither JAX nor NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latentdo.api import graph as as_graph
from latentdo.api import identify, load_study
from latentdo.errors import UnsupportedError, UsageError
from latentdo.graphs import is_study_path
from latentdo.identification import Identified, NotIdentified, testable_implications
from latentdo.opening import regimes_of, stated, value_of
from latentdo.query import queries_of

from .failures import DONE, NOT_IDENTIFIED
from .options import Flag, Names, Output, Source, name_groups
from .output import folded, output_path, say, say_json, tell
from .proofs import FILES, Page, hedge_lines, write_pages
from .sources import no_variants, questions_in, source_text, tell_left_out

if TYPE_CHECKING:
    from latentdo.types import Study

USAGE = "latentdo identify GRAPH [QUERY ...] [--proof] [--experiment Z] [--json]"

EXAMPLES = """\
Examples:
  latentdo identify "W -> R -> X -> Y; W <-> X; W <-> Y" "P(Y | do(X))"
  latentdo identify "X -> M -> Y; X <-> Y; latent U" "E[Y | do(X=1)]" --json
  latentdo identify "X -> M -> Y; X <-> Y" "P(Y | do(X))" --proof
  latentdo identify "X -> Y; X <-> Y" "P(Y | do(X))" --remedies --witness
  latentdo identify "Z -> X -> Y; X <-> Z <-> Y" "P(Y|do(X))" --experiment Z
  latentdo identify study.yaml -o proofs.html
  echo "X -> Y; X <-> Y" | latentdo identify - "P(Y | do(X))\""""

CODES = "Exit codes: 0 identified, 3 some query is not identified, 2 bad input."


def command(
    graph: Source,
    /,
    *queries: str,
    proof: Flag = False,
    forms: Flag = False,
    remedies: Flag = False,
    witness: Flag = False,
    measurements: Flag = False,
    implications: Flag = False,
    functional: Names = None,
    experiment: Names = None,
    variant: str | None = None,
    output: Output = None,
    json: Flag = False,
) -> int:
    """Whether the measured nodes can answer a question, with the formula or the reason why not.

    The verdict is complete: a "no" means that no formula exists, and it comes
    with its proof, a hedge. Nothing is estimated, and no data are read.

    Args:
        graph: A graph or model as text, the path of a study (.yaml) or of a saved fit (.ldo), or - for a text on standard input.
        queries: Such as "P(Y | do(X))", "E[Y | do(X=1), Z=0]" or a contrast; left out, those of the study.
        proof: Of a yes, print the derivation: every step, its rule and the separation that licenses it.
        forms: Print the textbook forms: adjustment sets, front doors, instruments, what estimators may use.
        remedies: Of a no, print what would help: causes to measure, edges to rule out, experiments.
        witness: Of a no, print two models that agree on all the data and differ in the answer.
        measurements: Of a yes, print which measured nodes it could do without.
        implications: Print what the graph says about the data: independences and Verma constraints.
        functional: A node that is a function of its parents, or M=X+Z of some; again, or with commas, for more.
        experiment: A node that was set in an experiment whose rows you have too, several set together with commas (A,B);
            again for another experiment.
        variant: One of the study's variants, in place of its model.
        output: Where to write all this with the proofs (.html, .tex, .txt) in place of the text.
        json: Print an object: query, identifiable, estimand, latex, derivation, hedge; of several, {"verdicts": […]};
            what else was asked for stands under its name.
    """
    path = None if output is None else output_path("-o", output, "proof", FILES)
    source = source_text(graph, fits=True)
    study = load_study(source) if is_study_path(source) else None
    subject = _subject(source, study, variant)
    wanted = _Wanted(proof, forms, remedies, witness, measurements)
    asked: list[tuple[str | None, Any]] = list(queries_of(queries, dict(study.queries if study else ())))
    if not asked and not (implications and study is None):
        asked = questions_in(graph) if study is None else []
        asked = asked or _own_queries(study, subject, variant)
    functions = _functions(functional)
    known = [*_own_experiments(study, subject), *(name_groups("--experiment", experiment) or ())]
    verdicts = [(name, identify(subject, query, functional=functions, experiments=known)) for name, query in asked]
    tests = testable_implications(as_graph(subject)) if implications else None
    if path is not None:
        pages = [Page(verdict, wanted.made(verdict), name) for name, verdict in verdicts]
        write_pages(pages, tests, path)
        count = "1 verdict" if len(verdicts) == 1 else f"{len(verdicts)} verdicts"
        tell(f"Wrote {count if verdicts else 'the implications'} to {path}.")
    if json:
        say_json(_object(verdicts, wanted, tests, single=len(queries) == 1 or None))
    elif path is None:
        blocks = [verdict_text(verdict, name, wanted) for name, verdict in verdicts]
        say("\n\n".join(blocks + ([str(tests)] if tests is not None else [])))
    return DONE if all(verdict.identified for _, verdict in verdicts) else NOT_IDENTIFIED


@dataclass(frozen=True)
class _Wanted:
    """What to say beside a verdict."""

    proof: bool = False
    forms: bool = False
    remedies: bool = False
    witness: bool = False
    measurements: bool = False

    def of(self, verdict: Identified | NotIdentified) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Each thing that is wanted and that this verdict has, by name."""
        if self.forms:
            yield "forms", lambda: verdict.forms
        match verdict:
            case Identified():
                if self.measurements:
                    yield "measurements", verdict.measurements
            case NotIdentified():
                if self.remedies:
                    yield "remedies", verdict.remedies
                if self.witness:
                    yield "witness", verdict.witness

    def made(self, verdict: Identified | NotIdentified) -> list[Any]:
        """Each thing that is wanted, or why this verdict cannot have it."""
        found: list[Any] = []
        for _, make in self.of(verdict):
            try:
                found.append(make())
            except UnsupportedError as problem:
                found.append(str(problem))
        return found


def _functions(given: list[str] | None) -> dict[str, tuple[str, ...]]:
    """What `--functional` names: M, or M=X+Z where fewer than all parents determine it."""
    found: dict[str, tuple[str, ...]] = {}
    for group in name_groups("--functional", given) or []:
        for text in group:
            node, sign, parents = text.partition("=")
            found[node.strip()] = tuple(name.strip() for name in parents.split("+")) if sign else ()
    return found


def _subject(source: Any, study: Study | None, variant: str | None) -> Any:
    if study is None:
        no_variants(variant)
        # Read once for all questions.
        return stated(value_of(source))
    # A variant may have a graph where its mechanisms make no model: identification needs no more.
    return study.model if variant is None else study.varied(variant).graph


def _own_experiments(study: Study | None, subject: Any) -> list[Any]:
    """What is set in the tables that a study names, of nodes that its variant measures too."""
    measured = set() if study is None else set(as_graph(subject).measured)
    return [held for held in regimes_of(study) if set(held) <= measured]


def _object(
    verdicts: list[tuple[str | None, Identified | NotIdentified]], wanted: _Wanted, tests: Any, single: bool | None
) -> dict[str, Any]:
    rows = [verdict_json(verdict, wanted) for _, verdict in verdicts]
    named = [{"name": name, **row} for (name, _), row in zip(verdicts, rows, strict=True)]
    found = rows[0] if single else {"verdicts": named} if named else {}
    return found if tests is None else {**found, "implications": tests.to_json()}


def _own_queries(study: Any, subject: Any, variant: str | None) -> list[tuple[str | None, Any]]:
    if study is None:
        raise UsageError('There is no question. Add one behind the graph, for example "P(Y | do(X))".')
    if not study.queries:
        raise UsageError(
            f'{study.path} has no queries. Add one behind it, for example "P(Y | do(X))", or under `queries:` in it.'
        )
    if variant is None:
        return list(study.queries)
    from latentdo.models.study import unaskable

    reasons = {key: unaskable(query, subject) for key, query in study.queries}
    if all(reasons.values()):
        key, reason = next(iter(reasons.items()))
        raise UsageError(f"No query of {study.path} can be asked of the variant {variant}. The first, {key}: {reason}")
    for key in (key for key, reason in reasons.items() if reason):
        tell_left_out(key, variant)
    return [(key, query) for key, query in study.queries if not reasons[key]]


def verdict_json(verdict: Identified | NotIdentified, wanted: _Wanted) -> dict[str, Any]:
    """The verdict as plain strings and lists, with what else was asked for."""
    row = verdict.to_json(proof=wanted.proof or None)
    for name, make in wanted.of(verdict):
        try:
            row[name] = make().to_json()
        except UnsupportedError as problem:
            row[name] = {"unavailable": str(problem)}
    return row


def verdict_text(verdict: Identified | NotIdentified, name: str | None, wanted: _Wanted) -> str:
    """The verdict for people: the formula, or the sentence and the hedge, and what else was asked for."""
    query = str(verdict.query)
    label = query if name in (None, query) else f"{query}   ({name})"
    match verdict:
        case Identified(estimand=estimand):
            lines = [f"Identified: {label}", f"  = {estimand.text}", *(folded(f"Note: {n}") for n in verdict.notes)]
            if wanted.proof:
                lines += ["", "Proof:", str(verdict.derivation)]
        case NotIdentified(reason=reason):
            lines = [f"Not identified: {label}", folded(reason)]
            lines += [f"  {line}" for line in hedge_lines(verdict)]
    for thing in wanted.made(verdict):
        lines += ["", folded(thing, "") if isinstance(thing, str) else str(thing)]
    return "\n".join(lines)
