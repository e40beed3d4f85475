"""What the page asks to be trained, as the study file that says it: read by the one reader of studies, and handed to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from latentdo.errors import StudyError

from .request import Request

if TYPE_CHECKING:
    from latentdo.models.study import Study

ENGINE = "auto"


@dataclass(frozen=True)
class Draft:
    """A model as it stands in the page, its questions, and how it is to be trained.

    Attributes:
        text: The model.
        queries: (name, text) of each question; a question need not have a name.
        missing: What is done about missing cells.
        do: A column that names the nodes that were set in each row.
        engine: By its name.
        settings: Numbers of the engine.
        seed: Of the fit.
        check: Whether the fit is set against its rows.
        more: Other entries of a study file, such as `priors` and `units`.
    """

    text: str
    queries: tuple[tuple[str | None, str], ...] = ()
    missing: str | None = None
    do: str | None = None
    engine: str = ENGINE
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    check: bool | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, given: Draft | None = None) -> Draft:
        """What a request says; other entries of a study file are those of the study that the server was given."""
        more = request.mapping("more")
        return cls(
            request.text("text"),
            tuple(request.questions("queries")),
            request.maybe_text("missing"),
            request.maybe_text("do"),
            request.text("engine", ENGINE),
            request.mapping("settings"),
            request.whole("seed", 0),
            request.maybe_flag("check"),
            more or ({} if given is None else given.more),
        )

    @classmethod
    def of_study(cls, study: Study, text: str) -> Draft:
        """A study as the page has it; `text` is that of its file."""
        from latentdo.models.study import plain, read_document

        content = plain(read_document(text, study.name).root)
        known = ("model", "data", "queries", "missing", "inference")
        return cls(
            content["model"],
            tuple((None if name == str(query) else name, str(query)) for name, query in study.queries),
            study.missing,
            None,
            study.inference.engine,
            study.inference.arguments,
            more={key: value for key, value in content.items() if key not in known},
        )

    def to_json(self) -> dict[str, Any]:
        """The draft as the page sends it."""
        return {
            "text": self.text,
            "queries": [text if name is None else [name, text] for name, text in self.queries],
            "missing": self.missing,
            "do": self.do,
            "engine": self.engine,
            "settings": dict(self.settings),
            "seed": self.seed,
            "check": self.check,
            "more": dict(self.more),
        }

    def yaml(self, data: str | None) -> str:
        """The study file; `data` is the path of its table."""
        import yaml

        class Dumper(yaml.SafeDumper):
            pass

        def shown(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
            # Texts of several lines stand as a block, as people write them.
            return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

        Dumper.add_representer(str, shown)
        entries: dict[str, Any] = {"model": f"{self.text.strip()}\n"}
        if data is not None:
            entries["data"] = data
        if self.missing is not None:
            entries["missing"] = self.missing
        entries |= self.more
        if self.queries:
            named = any(name is not None for name, _ in self.queries)
            texts = [text for _, text in self.queries]
            entries["queries"] = {name or text: text for name, text in self.queries} if named else texts
        if self.engine != ENGINE or self.settings:
            entries["inference"] = {"engine": self.engine, **self.settings}
        return yaml.dump(entries, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)

    def study(self) -> Study:
        """The study.

        Raises:
            LatentdoError: It cannot be read; the place of an error in the model is that in its text.
        """
        from latentdo.models.study import load_study
        from latentdo.opening import model_of

        # First alone, so that a mistake in it has its place in the text that people see.
        model_of(self.text)
        if len({name or text for name, text in self.queries}) < len(self.queries):
            raise StudyError("Two questions have the same name. Give each one of its own.", "queries")
        return load_study(self.yaml(None))
