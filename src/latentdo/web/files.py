"""Files that people take away: the fit, its study, answers, and what repeats the session elsewhere to the same numbers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from latentdo.errors import MissingExtraError, UsageError

from .session import Session
from .study import Draft

if TYPE_CHECKING:
    from latentdo.answers import Answers
    from latentdo.sheet import Sheet

File = tuple[str, str, bytes]
"""A name, a media type, and what is in it."""

PICTURED = {
    "answers": "The answers with their intervals",
    "sweep": "The curve with its intervals",
    "compare": "The methods with their intervals",
}
_TEXT = "text/plain; charset=utf-8"


def fit_file(here: Session) -> File:
    """The fit, without the rows of its table."""
    target = here.folder / "download.ldo"
    try:
        here.posterior().save(target)
        return here.opened or "fit.ldo", "application/octet-stream", target.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def study_file(here: Session) -> File:
    """The study that was trained, or would be."""
    draft = here.draft or here.given
    if draft is None:
        raise UsageError("There is no study yet. Train the model first.")
    return study_of(here, draft)


def study_of(here: Session, draft: Draft) -> File:
    """A study as a file, which names the table of the fit where it is of that model, or else the one at hand.

    Raises:
        LatentdoError: The model, or a question, cannot be read.
    """
    draft.study()
    other = here.look is not None and here.fitted is not None and not here.is_of(draft)
    name = here.look.name if here.look is not None and other else _table_name(here)
    return "study.yaml", "application/yaml", draft.yaml(name).encode()


def csv_file(here: Session) -> File:
    """A row for each answer."""
    from latentdo.sheet import csv_bytes

    return "answers.csv", "text/csv; charset=utf-8", csv_bytes(*_answers(here).rows(here.asked["level"]))


def json_file(here: Session) -> File:
    """The answers for programs."""
    answers = _answers(here).to_json(here.asked["level"])
    return "answers.json", "application/json", json.dumps({"answers": answers}, ensure_ascii=False, indent=2).encode()


def latex_file(here: Session) -> File:
    """A table for a paper."""
    return "answers.tex", _TEXT, f"{_answers(here).latex(here.asked['level'])}\n".encode()


def methods_file(here: Session) -> File:
    """A paragraph for a paper."""
    return "methods.txt", _TEXT, f"{_answers(here).methods(here.asked['level'])}\n".encode()


def report_file(here: Session) -> File:
    """All of it as one page, which needs no other file."""
    from latentdo.criticism import known
    from latentdo.sheet import Sheet, bodies, web

    posterior, level = here.posterior(), here.asked.get("level", 0.9)
    found = known(posterior)
    parts: list[str] = []
    if here.answers is not None:
        methods = Sheet("Methods", lead=tuple(here.answers.methods(level).splitlines()))
        parts.append(bodies([here.answers.sheet(level), *_picture(here, "answers", level), methods]))
    if here.curve is not None:
        level = here.asked["curve_level"]
        parts.append(bodies([*_picture(here, "sweep", level), here.curve.sheet(level)]))
    if here.comparison is not None:
        parts += [here.comparison._repr_html_(), bodies(_picture(here, "compare", level))]
    parts.append(posterior._repr_html_())
    if found is not None:
        parts.append(bodies(found.sheets))
    trained = () if here.draft is None else here.draft.queries
    asked = [text for _, text in here.asked.get("queries") or here.asked.get("compared") or trained]
    title = asked[0] if asked else "latentdo"
    heading = f"<h1>{web.escape(title)}</h1>"
    return "report.html", "text/html; charset=utf-8", web.page(title, heading + "".join(parts)).encode()


def _picture(here: Session, kind: str, level: float) -> list[Sheet]:
    """What was found last as a picture that stands in the page itself; nothing without matplotlib."""
    from latentdo.sheet import Sheet

    from .verbs import picture

    try:
        return [Sheet(PICTURED[kind], picture=picture(here, kind, level))]
    except MissingExtraError:
        return []


def script_file(here: Session) -> File:
    """A Python script that gives the same numbers."""
    return "session.py", _TEXT, "".join(f"{line}\n" for line in _script(here)).encode()


def _script(here: Session) -> Iterator[str]:
    asked = here.asked
    yield '"""What was done in the page, again: the same numbers."""'
    yield "\nimport latentdo as ld\n"
    draft = here.draft
    if draft is None:
        raise UsageError("Nothing was done yet. Train the model first.")
    if here.opened is not None:
        yield f"posterior = ld.load({here.opened!r})"
    else:
        options = {"seed": draft.seed, "do": draft.do, "check": draft.check}
        given = "".join(f", {key}={value!r}" for key, value in options.items() if value is not None)
        yield f"STUDY = {_quoted(draft.yaml(None))}"
        yield f"\nposterior = ld.fit(ld.load_study(STUDY), {_table_name(here)!r}{given})"
        yield 'posterior.save("fit.ldo", data=True)'
    yield "print(posterior.summary())"
    if "level" in asked:
        options = {key: asked[key] for key in ("seed", "allow_unidentified", "naive") if asked[key]}
        given = "".join(f", {key}={value!r}" for key, value in options.items())
        yield f"\nanswers = ld.ask(posterior, {_pairs(asked['queries'])}{given})"
        yield f"print(answers.text({asked['level']!r}))"
        yield f'answers.to_csv("answers.csv", {asked["level"]!r})'
    if "curve" in asked:
        yield f"\ncurve = ld.ask(posterior, {asked['curve']!r}, seed={asked['curve_seed']!r})"
        yield f"print(curve.text({asked['curve_level']!r}))"
    if "compared" in asked:
        options = {"methods": asked["methods"], "level": asked["compare_level"], **asked["compare"]}
        given = "".join(f", {key}={value!r}" for key, value in options.items() if value)
        data = f", data={_table_name(here)!r}" if here.opened is not None else ""
        yield f"\nprint(ld.compare(posterior, {_pairs(asked['compared'])}{data}{given}).text())"


def _quoted(text: str) -> str:
    """A text of several lines as people write it in Python."""
    plain = "\\" not in text and '"""' not in text and text.isprintable() is False
    odd = any(not char.isprintable() and char != "\n" for char in text)
    return f'"""\\\n{text}"""' if plain and not odd else repr(text)


def _pairs(queries: list[tuple[str | None, str]]) -> str:
    """Questions as an argument of the verbs; none at all are those of the study."""
    return repr([text if name is None else (name, text) for name, text in queries])


def commands_file(here: Session) -> File:
    """Commands that give the same numbers."""
    return "session.sh", _TEXT, "".join(f"{line}\n" for line in _commands(here)).encode()


def _commands(here: Session) -> Iterator[str]:
    draft, asked = here.draft, here.asked
    if draft is None:
        raise UsageError("Nothing was done yet. Train the model first.")
    table = shlex.quote(_table_name(here))
    yield "#!/bin/sh\n# What was done in the page, again: the same numbers.\nset -e"
    fit = shlex.quote(here.opened or "fit.ldo")
    if here.opened is None:
        yield f"\n{_heredoc('cat > study.yaml', draft.yaml(None))}"
        given = f" --do-column {shlex.quote(draft.do)}" if draft.do is not None else ""
        given += "" if draft.check is None else " --check" if draft.check else " --no-check"
        yield f"latentdo fit study.yaml {table} -o fit.ldo --store-rows --seed {draft.seed}{given}"
    if "level" in asked:
        flags = "".join(f" --{key.replace('_', '-')}" for key in ("allow_unidentified", "naive") if asked[key])
        ending = f"--seed {asked['seed']} --level {asked['level']!r} --csv answers.csv{flags}"
        yield f"\n{_asking(f'latentdo ask {fit}', asked['queries'], ending)}"
    if "curve" in asked:
        yield f"\nlatentdo ask {fit} {shlex.quote(asked['curve'])} --seed {asked['curve_seed']} --level {asked['curve_level']!r}"
    if "compared" in asked:
        options = asked["compare"]
        ending = f"--seed {options['seed']} --level {asked['compare_level']!r}"
        ending += " --allow-unidentified" * options["allow_unidentified"]
        ending += f" --methods {shlex.quote(','.join(asked['methods']))}" if asked["methods"] else ""
        yield f"\n{_asking(f'latentdo compare {fit} {table}', asked['compared'], ending)}"


def _asking(command: str, queries: list[tuple[str | None, str]], ending: str) -> str:
    if not any(name for name, _ in queries):
        return " ".join([command, *(shlex.quote(text) for _, text in queries), ending])
    from latentdo.graphs import quote

    lines = [text if name is None else f"{quote(name)}: {text}" for name, text in queries]
    return _heredoc(f"{command} --file - {ending}", "\n".join(lines) + "\n")


def _heredoc(command: str, text: str) -> str:
    """A command with a text on its standard input, whatever stands in it."""
    end = "END"
    while end in text.split("\n"):
        end += "_"
    return f"{command} <<'{end}'\n{text}{end}"


def _answers(here: Session) -> Answers:
    if here.answers is None:
        raise UsageError("Nothing was asked yet. Ask first, and then download.")
    return here.answers


def _table_name(here: Session) -> str:
    """What its owner calls the table of the fit, or the one at hand; beginning with a dash it would be read as an option."""
    name = here.fitted or ("data.csv" if here.look is None else here.look.name)
    return f"./{name}" if name.startswith("-") else name


FILES: dict[str, Callable[[Session], File]] = {
    "fit": fit_file,
    "study": study_file,
    "script": script_file,
    "commands": commands_file,
    "csv": csv_file,
    "json": json_file,
    "latex": latex_file,
    "methods": methods_file,
    "report": report_file,
}
