"""Named graphs with what is known of them; sources in the last field."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.graphs import Admg, LatentDag, parse_graph, project
from latentdo.query import Query


@dataclass(frozen=True)
class Known:
    """A graph, a question, and the answer: the printed estimand, or the hedge."""

    name: str
    text: str
    question: str
    formula: str | None
    hedge: tuple[str, str] | None
    source: str

    @property
    def graph(self) -> LatentDag:
        """The graph as drawn."""
        return parse_graph(self.text)

    @property
    def admg(self) -> Admg:
        """Its projection."""
        return project(self.graph)

    @property
    def query(self) -> Query:
        """The question as a value."""
        return Query.parse(self.question)


NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y"
BOW = "X -> Y; X <-> Y"
FRONT_DOOR = "X -> M -> Y; X <-> Y"
BACK_DOOR = "Z -> X -> Y; Z -> Y"
VERMA = "A -> B -> C -> D; B <-> D"

IDENTIFIED = (
    Known("single edge", "X -> Y", "P(Y | do(X))", "P(Y | X)", None, "Pearl (2009), figure 3.8a"),
    Known("back door", BACK_DOOR, "P(Y | do(X))", "Σ_Z P(Y | X, Z) P(Z)", None, "Pearl (2009), theorem 3.3.2"),
    Known(
        "front door",
        FRONT_DOOR,
        "P(Y | do(X))",
        "Σ_M P(M | X) Σ_X' P(Y | M, X') P(X')",
        None,
        "Pearl (2009), theorem 3.3.4",
    ),
    Known(
        "front door, mean",
        FRONT_DOOR,
        "E[Y | do(X=70)]",
        "Σ_M P(M | X=70) Σ_X' E[Y | M, X'] P(X')",
        None,
        "Pearl (2009), theorem 3.3.4",
    ),
    Known(
        "front door, latent drawn",
        "latent U; U -> X -> M -> Y; U -> Y",
        "P(Y | do(X))",
        "Σ_M P(M | X) Σ_X' P(Y | M, X') P(X')",
        None,
        "Pearl (2009), theorem 3.3.4",
    ),
    Known(
        "napkin",
        NAPKIN,
        "P(Y | do(X))",
        "Σ_W P(X, Y | R, W) P(W) / Σ_W P(X | R, W) P(W), for any R",
        None,
        "Pearl & Mackenzie (2018), chapter 7",
    ),
    Known(
        "two treatments",
        "X1 -> Z -> X2 -> Y; X1 -> Y; X1 <-> Z; Z <-> Y",
        "P(Y | do(X1, X2))",
        "Σ_Z P(Y | X1, X2, Z) P(Z | X1)",
        None,
        "Pearl & Robins (1995)",
    ),
    Known("verma", VERMA, "P(D | do(A))", "P(D | A)", None, "Verma & Pearl (1990)"),
    Known(
        "verma, both",
        VERMA,
        "P(D | do(A, C))",
        "Σ_B P(D | B, C) P(B)",
        None,
        "Verma & Pearl (1990): the value is free of A",
    ),
    Known("collider evidence", "A <-> B; A <-> C; D", "P(B | do(D), A, C)", "P(B | A, C)", None, "enumeration"),
    Known(
        "collider evidence, caused",
        "A -> D; B -> D; A <-> D; C",
        "P(B | do(C), A, D)",
        "P(B | A, D)",
        None,
        "enumeration",
    ),
    Known("isolated evidence", "X -> Y; Z", "P(Y | do(X), Z)", "P(Y | X)", None, "enumeration"),
    Known(
        "instrument's own effect",
        "Z -> X -> Y; X <-> Y",
        "P(Y | do(Z))",
        "P(Y | Z)",
        None,
        "intention to treat",
    ),
    Known("nothing set", BACK_DOOR, "P(Y)", "P(Y)", None, "definition"),
    Known("effect set", BACK_DOOR, "P(X | do(Y))", "P(X)", None, "rule 3"),
    Known(
        "quotients of quotients",
        "V0 -> V3; V1 -> V2; V1 -> V3; V1 -> V4; V3 -> V2; V4 -> V0; V5 -> V0; V5 -> V4; "
        "V1 <-> V2; V1 <-> V4; V1 <-> V5; V2 <-> V4; V3 <-> V4",
        "P(V3 | do(V0), V1)",
        "Σ_{V4, V5} P(V3 | V0, V1, V4, V5) P(V4, V5 | V1)",
        None,
        "enumeration",
    ),
    Known(
        "no effect through the event",
        "X -> Z; X <-> Z; X -> Y",
        "P(Y | do(X=1), Z > 0)",
        "P(Y | X=1)",
        None,
        "rule 1",
    ),
)

NOT_IDENTIFIED = (
    Known("bow", BOW, "P(Y | do(X))", None, ("X Y", "Y"), "Pearl (2009), figure 3.9a"),
    Known("bow, latent drawn", "latent U; U -> X -> Y; U -> Y", "P(Y | do(X))", None, ("X Y", "Y"), "the same"),
    Known("instrument", "Z -> X -> Y; X <-> Y", "P(Y | do(X))", None, ("X Y", "Y"), "Pearl (2009), section 3.5"),
    Known("instrument set too", "Z -> X -> Y; X <-> Y", "P(Y | do(X, Z))", None, ("X Y", "Y"), "enumeration"),
    Known(
        "evidence behind a collider",
        "A -> B; A <-> B; B <-> D; C <-> D",
        "P(C | do(A), B, D)",
        None,
        ("A B C D", "B C D"),
        "Shpitser & Pearl (2006b), theorem 6",
    ),
    Known(
        "drawn treatment with evidence",
        "X -> Z; X <-> Z; X -> Y; Z -> Y",
        "E[Y | do(X ~ normal(0, 1)), Z=1]",
        None,
        ("X Z", "Z"),
        "P(y | do(x), z) is identified, P(z | do(x)) is a bow",
    ),
    Known(
        "event evidence",
        "X -> Z; X <-> Z; X -> Y; Z -> Y",
        "P(Y | do(X), Z > 0)",
        None,
        ("X Z", "Z"),
        "the weights P(z | do(x)) are a bow",
    ),
)

ALL = IDENTIFIED + NOT_IDENTIFIED
