"""The paragraphs in their order, with the references that they cite."""

from __future__ import annotations

from collections.abc import Sequence

from latentdo.errors import QueryError

from ..estimate import Estimate
from ..sheets import checked
from .fit import data, model, software, training
from .numbers import cautions, computation
from .priors import priors_in_words
from .questions import questions
from .sources import REFERENCES


def methods_of(answers: Sequence[Estimate], level: float) -> str:
    """The paragraphs, with blank lines between; the last lists the references that they cite.

    Args:
        level: Of the intervals that are reported.

    Raises:
        QueryError: There is no answer, answers do not know their posterior, or come from different ones.
    """
    if not answers:
        raise QueryError("There is no answer, and so no methods. Ask a question first.")
    posterior = answers[0].posterior
    if posterior is None or any(answer.posterior is not posterior for answer in answers):
        raise QueryError(
            "A methods section describes one fit, and these answers come from several, or do not know theirs. Ask all "
            "questions of one fit in one call of ld.ask."
        )
    cited: dict[str, None] = {}
    paragraphs = [
        " ".join(model(posterior, cited)),
        " ".join(questions(answers, cited)),
        " ".join([*data(posterior, cited), *priors_in_words(posterior)]),
        " ".join(training(posterior, cited)),
        " ".join(computation(answers, level, cited)),
        " ".join(checked(answers)),
        " ".join(cautions(answers)),
        " ".join(software(posterior)),
        "References: " + ". ".join(REFERENCES[key] for key in REFERENCES if key in cited) + ".",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
