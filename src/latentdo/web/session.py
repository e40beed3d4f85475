"""One session: a table, a fit in the making or done, and what was asked of it. All tabs of the page share it.

What it holds stands in its folder too, so that a server that was killed loses no more than the moment.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo.errors import DataError, LatentdoError, UsageError
from latentdo.files import is_file

from .errors import error_of
from .folders import new_folder, read_state, write_state
from .job import Job
from .reading import reading_of
from .study import Draft
from .training import FIT, KEPT, LOG, OPTIONS, STUDY

if TYPE_CHECKING:
    from latentdo.answers import Answers
    from latentdo.comparison import Comparison
    from latentdo.inference import Posterior
    from latentdo.tables import Overview

Told = Callable[[str, Any], None]
"""Told what changed, `fit` or `table`, and how it is now."""


class Session:
    """What a server knows of the work in its page.

    Attributes:
        folder: For its files, private.
        given: The study that the server was started with.
        table: The path of the table, in the folder or where the given study has it.
        look: Its columns, under the name that its owner gives it; the copy here has one of our making.
        draft: Of what the fit is.
        fitted: What its owner calls the table that it was trained on; another may be brought since.
        begun: What is trained, and what its table is called; the fit that is there stays until that is done.
        opened: The name of a fit that was opened in place of one trained here.
        asked: What was asked last, for files that say it again.
        answers: The answers to it.
        curve: The last sweep.
        comparison: The last comparison.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = new_folder() if folder is None else folder
        self.given: Draft | None = None
        self.table: Path | None = None
        self.look: Overview | None = None
        self.draft: Draft | None = None
        self.fitted: str | None = None
        self.begun: tuple[Draft, str | None] | None = None
        self.opened: str | None = None
        self.asked: dict[str, Any] = {}
        self.answers: Answers | None = None
        self.curve: Answers | None = None
        self.comparison: Comparison | None = None
        self.told: Told = lambda what, value: None
        self.heavy = threading.Lock()
        """Held while numbers are computed or pictures drawn: one thing at a time."""
        self._lock = threading.RLock()
        self._job: Job | None = None
        self._left: str | None = None
        self._posterior: Posterior | None = None
        self._known: dict[str, Any] | None = None
        self._broken: dict[str, Any] | None = None
        """Why the fit that is there cannot be read."""
        if folder is not None:
            self._take_up(read_state(folder))
        self.note()

    # --- what stands on disk

    @property
    def fit_folder(self) -> Path:
        """Where a fit is kept."""
        return self.folder / "fit"

    @property
    def training_folder(self) -> Path:
        """Where the next one is made."""
        return self.folder / "training"

    @property
    def fit_path(self) -> Path:
        """The fit, if there is one."""
        return self.fit_folder / FIT

    @property
    def keeps(self) -> bool:
        """Whether there is a fit, finished, or not, or only begun, that would be missed."""
        if is_file(self.fit_path) or (self.training_folder / KEPT).is_dir():
            return True
        failed = self._job is not None and self._job.state == "failed"
        return is_file(self.training_folder / STUDY) and not failed

    def note(self) -> None:
        """Write down what a server that goes on must know."""
        state = {
            "kept": self.keeps or (self._job is not None and self._job.state == "running"),
            "table": None if self.table is None else str(self.table),
            "called": None if self.look is None else self.look.name,
            "draft": None if self.draft is None else self.draft.to_json(),
            "fitted": self.fitted,
            "begun": None if self.begun is None else self.begun[0].to_json(),
            "begun_of": None if self.begun is None else self.begun[1],
            "opened": self.opened,
        }
        write_state(self.folder, state)

    def _take_up(self, state: dict[str, Any]) -> None:
        """Go on with what another server left."""
        from .request import Request

        if (table := state.get("table")) and is_file(Path(table)):
            self._look_at(Path(table), state.get("called"))
        if draft := state.get("draft"):
            self.draft = Draft.of(Request(draft, "session"))
        self.fitted, self.opened = state.get("fitted"), state.get("opened")
        if begun := state.get("begun"):
            self.begun = Draft.of(Request(begun, "session")), state.get("begun_of")
            self._left = "stopped"
            self._settle()

    def close(self) -> str | None:
        """End the session; a sentence where something of it is kept."""
        with self._lock:
            if self._job is not None and self._job.state == "running":
                self._job.stop()
            if self.keeps:
                self.note()
                return "The fit is kept for 7 days: latentdo serve goes on with it."
            shutil.rmtree(self.folder, ignore_errors=True)
            return None

    def forget_table(self) -> None:
        """Remove the table; a fit has the rows that it was trained on, and stays."""
        with self._lock:
            if self.table is not None and self.table.is_relative_to(self.folder):
                self.table.unlink(missing_ok=True)
            self.table, self.look = None, None
            self.note()
        self._tell_table()
        self._tell_fit()

    def forget_fit(self) -> None:
        """Remove the fit, what was asked of it, and one in the making."""
        with self._lock:
            if self._job is not None and self._job.state == "running":
                self._job.stop()
            self._job, self._left, self.draft, self.fitted, self.begun = None, None, None, None, None
            self._drop_answers()
            for path in (self.fit_folder, self.training_folder, self.folder / "opened"):
                shutil.rmtree(path, ignore_errors=True)
            self.note()
        self._tell_fit()

    # --- the table

    def take_table(self, path: Path, name: str | None = None) -> None:
        """Work with a table from now on.

        Args:
            path: Where it is.
            name: What people call it, if not as it is called there.

        Raises:
            DataError: It is none.
        """
        with self._lock:
            before = self.table
            try:
                self._look_at(path, name)
            except DataError as fault:
                # Its owner knows it by another name than it has here.
                told = str(fault).replace(path.name, name or path.name)
                raise DataError(told, fault.column, fault.line) from None
            if before is not None and before != path and before.is_relative_to(self.folder):
                before.unlink(missing_ok=True)
            self.note()
        self._tell_table()
        if self.fitted is not None:
            # It may be one of another table from now on.
            self._tell_fit()

    def _look_at(self, path: Path, name: str | None = None) -> None:
        from latentdo.tables import overview

        self.look = replace(overview(path), name=name or path.name)
        self.table = path

    def rows(self) -> Path:
        """The path of the table.

        Raises:
            DataError: There is none.
        """
        if self.table is None:
            raise DataError(
                "There is no table yet. Drop a file with a column for each measured node (.csv, .tsv, .parquet)."
            )
        return self.table

    # --- the fit

    def fit(self, draft: Draft) -> None:
        """Begin to train; what an earlier run of the very same kept is used.

        Raises:
            UsageError: A fit is running.
            LatentdoError: The model, a question or the table cannot be used.
        """
        from latentdo.opening import engine_of, rows_of

        self._refuse_while_running()
        study = draft.study()
        engine_of(study)
        # What cannot be trained is told before anything changes.
        rows_of(study.model, self.rows(), study, do=draft.do)
        with self._lock:
            self._refuse_while_running()
            table, folder = self.rows(), self.training_folder
            if self.begun is None or draft != self.begun[0]:
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            self.begun = draft, None if self.look is None else self.look.name
            # A copy of its own: what is trained does not change where another table is brought.
            own = folder / table.name
            if not own.is_file() or not own.samefile(table):
                own.unlink(missing_ok=True)
                _linked(table, own)
            (folder / STUDY).write_text(draft.yaml(table.name), encoding="utf-8")
            options = {"seed": draft.seed, "check": draft.check, "do": draft.do}
            (folder / OPTIONS).write_text(json.dumps(options), encoding="utf-8")
            self._begin()

    def resume(self) -> None:
        """Go on with the fit that was stopped, or that failed.

        Raises:
            UsageError: There is none.
        """
        with self._lock:
            self._refuse_while_running()
            if self.state() not in ("stopped", "failed") or not is_file(self.training_folder / STUDY):
                raise UsageError("There is no fit to go on with. Begin one.")
            self._begin()

    def stop(self) -> None:
        """Stop training; what was done is kept.

        Raises:
            UsageError: Nothing is running.
        """
        with self._lock:
            if self._job is None or self._job.state != "running":
                raise UsageError("No fit is running.")
            job = self._job
        job.stop()

    def open_fit(self, path: Path, name: str) -> None:
        """Work with a saved fit, once the reader of fits has found it whole.

        Raises:
            ArchiveError: It is none.
        """
        from latentdo.api import load

        self._refuse_while_running()
        posterior = load(path)
        with self._lock:
            self._refuse_while_running()
            for folder in (self.fit_folder, self.training_folder):
                shutil.rmtree(folder, ignore_errors=True)
            self.fit_folder.mkdir()
            self._drop_answers()
            path.replace(self.fit_path)
            queries = tuple((None if key == str(query) else key, str(query)) for key, query in posterior.queries)
            text, priors = posterior.spec.source
            more = {"priors": dict(priors)} if priors else {}
            self.draft = Draft(text, queries, seed=posterior.seed, more=more)
            self.opened, self.fitted, self.begun, self._posterior = name, None, None, posterior
            self._job, self._left = None, None
            self.note()
        self._tell_fit()

    def posterior(self) -> Posterior:
        """The fit.

        Raises:
            UsageError: There is none yet.
        """
        with self._lock:
            self._settle()
            if self._posterior is not None:
                return self._posterior
            if not is_file(self.fit_path):
                running = self.state() == "running"
                raise UsageError(
                    "The fit is not done yet." if running else "There is no fit yet. Train the model first."
                )
            from latentdo.api import load

            self._posterior = load(self.fit_path)
            return self._posterior

    def state(self) -> str:
        """Where training stands: none, running, stopped, failed or done; an earlier fit may be there whatever it is."""
        self._settle()
        if self._job is not None and self._job.state != "done":
            return self._job.state
        if self._broken is not None:
            return "failed"
        return self._left or ("done" if is_file(self.fit_path) else "none")

    def _settle(self) -> None:
        """Put a fit that is done in the place of the one before it, and forget what was asked of that."""
        with self._lock:
            running = self._job is not None and self._job.state == "running"
            if self.begun is None or running or not is_file(self.training_folder / FIT):
                return
            shutil.rmtree(self.fit_folder, ignore_errors=True)
            self.training_folder.rename(self.fit_folder)
            self._drop_answers()
            (self.draft, self.fitted), self.begun, self._left = self.begun, None, None
            self.note()

    def fit_json(self) -> dict[str, Any]:
        """Where the fit stands, as the page reads it."""
        nothing = {"seconds": 0.0, "left": None, "share": 0.0, "blocks": [], "step": None, "notes": [], "error": None}
        found = {"state": self.state(), **nothing} if self._job is None else self._job.to_json()
        facts = None
        if is_file(self.fit_path):
            try:
                facts = self._facts()
            except LatentdoError as problem:
                self._broken = error_of(problem, self.folder)
        if self._broken is not None and found["state"] == "done":
            found |= {"state": "failed", "error": self._broken}
        study = self.draft or (None if self.begun is None else self.begun[0])
        kept = found["state"] == "stopped" or (self.training_folder / KEPT).is_dir()
        return {
            **found,
            "goes_on": found["state"] in ("stopped", "failed") and kept and is_file(self.training_folder / STUDY),
            "study": None if study is None else study.to_json(),
            "canonical": None if study is None else _meaning(study),
            "table": self._earlier_table(),
            "opened": self.opened,
            "fit": facts,
        }

    def is_of(self, draft: Draft) -> bool:
        """Whether the fit is of the model of a draft."""
        return self.draft is not None and _meaning(self.draft) == _meaning(draft)

    def _earlier_table(self) -> str | None:
        """What the table of the fit is called, where the one at hand has other rows."""
        # Not the one at hand: its name may have changed, and what it is called in the folder of the fit has not.
        others = (STUDY, OPTIONS, FIT, KEPT, LOG)
        own = [path for path in self.fit_folder.glob("*") if is_file(path) and path.name not in others]
        if self.fitted is None or self.table is None or len(own) != 1:
            return None
        same = own[0].samefile(self.table) or filecmp.cmp(own[0], self.table, shallow=False)
        return None if same else self.fitted

    def _facts(self) -> dict[str, Any]:
        """What is known of the fit, once it is done."""
        if self._known is None:
            self._known = self._facts_found()
        return self._known

    def _facts_found(self) -> dict[str, Any]:
        from latentdo.criticism import known
        from latentdo.fitting import facts_of

        posterior = self.posterior()
        found = known(posterior)
        return {
            **facts_of(posterior),
            "levels": _levels_of(posterior),
            "word": None if found is None else str(found.word),
            "check": None if found is None else found.to_json(),
            "summary": str(posterior.summary()),
        }

    def _begin(self) -> None:
        self._left = None
        self._job = Job(self.training_folder, self._moved)
        self.note()
        self._tell_fit()

    def _moved(self) -> None:
        """The job has told something."""
        if self._job is not None and self._job.state != "running":
            self._settle()
            self.note()
        self._tell_fit()

    def _drop_answers(self) -> None:
        self.opened, self._posterior, self._known, self._broken, self.asked = None, None, None, None, {}
        self.answers, self.curve, self.comparison = None, None, None

    def _refuse_while_running(self) -> None:
        if self._job is not None and self._job.state == "running":
            raise UsageError("A fit is running, perhaps in another tab. Wait until it is done, or stop it.")

    def _tell_fit(self) -> None:
        self.told("fit", self.fit_json())

    def _tell_table(self) -> None:
        self.told("table", None if self.look is None else self.look.to_json())


def _meaning(draft: Draft) -> str | None:
    """A model as `read` has it, so that a text with another comment is known to be the same."""
    try:
        return reading_of(draft.text).canonical
    except LatentdoError:
        return None


def _levels_of(posterior: Posterior) -> dict[str, list[Any]]:
    """The values of each node that has only some, in their order."""
    spec = posterior.spec
    found = {name: spec.levels.get(name) or mechanism.family.points for name, mechanism in spec.mechanisms}
    return {name: list(levels) for name, levels in found.items() if levels}


def _linked(source: Path, target: Path) -> None:
    """The same file under another name, or a copy of it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
