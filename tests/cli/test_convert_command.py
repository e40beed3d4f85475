"""`latentdo convert`: from one format to another, what is lost told on stderr, and what cannot be done refused."""

from __future__ import annotations

import foreign_sources
import latentdo as ld


def test_converts_by_the_ends_of_names(command, tmp_path):
    (tmp_path / "g.dot").write_text('digraph { X -> M; M -> "Y 1" [arrowhead=tee]; }')
    result = command("convert", "g.dot", "g.sif")
    assert result.code == 0
    assert result.out == ""
    assert "Wrote SIF with 3 nodes and 2 edges to g.sif." in result.err
    assert (tmp_path / "g.sif").read_text() == "X\tcauses\tM\nM\tinhibits\tY 1\n"


def test_converts_a_text_to_stdout(command):
    result = command("convert", "latent U; X -> Y; U -> X", "-", "--to", "dagitty")
    assert result.code == 0
    assert result.out == "dag {\n  U [latent]\n  X\n  Y\n  U -> X\n  X -> Y\n}\n"
    assert "U" not in result.err
    assert command("convert", "-", "-", "--to", "text", stdin=b"digraph { A -> B }").out == "A -> B\n"


def test_what_is_lost_is_told(command, tmp_path):
    (tmp_path / "s.json").write_text(foreign_sources.INDRA)
    refused = command("convert", "s.json", "g.tsv")
    assert refused.code == 2
    assert "DUSP6 -> MAPK1 -> DUSP6" in refused.err
    result = command("convert", "s.json", "g.tsv", "--cycles", "drop-weakest", "--min-belief", "0.5")
    assert result.code == 0
    assert "IncreaseAmount MAPK1 -> DUSP6 has belief 0.4, below 0.5" in result.err
    assert (tmp_path / "g.tsv").read_text().startswith("source\ttarget\tsign\n")
    assert same_edges(ld.graph(tmp_path / "g.tsv"), "SOS1 -> KRAS -> MAP2K1 -> MAPK1; DUSP6 -| MAPK1")


def same_edges(graph, text):
    other = ld.graph(text)
    return graph.directed == other.directed and graph.inhibiting == other.inhibiting


def test_reports_are_objects_for_programs(command):
    found = command("convert", "latent U; U -> X", "g.sif", "--json").json
    assert found["from"]["nodes"] == 2
    assert found["to"]["format"] == "SIF"
    assert "cannot say that a node is latent: U" in found["to"]["dropped"][0]


def test_a_matrix_needs_its_convention(command, tmp_path):
    (tmp_path / "w.csv").write_text("0,0\n0.5,0\n")
    assert "a matrix has no meaning without its convention" in command("convert", "w.csv", "g.txt").err
    result = command("convert", "w.csv", "g.txt", "--convention", "lingam", "--name", "X,Y")
    assert result.code == 0
    assert (tmp_path / "g.txt").read_text() == "X -> Y\n"


def test_a_study_and_a_fit_are_converted_with_what_stays_behind(command, study, napkin_fit, tmp_path):
    result = command("convert", study, "g.dot")
    assert result.code == 0
    assert "families, priors, data, engine are no part of a graph" in result.err
    result = command("convert", napkin_fit, "g.lavaan")
    assert result.code == 0
    assert "families, priors, draws are no part of a graph" in result.err
    assert command("convert", napkin_fit, "g.bif").code == 2


def test_what_cannot_be_written_is_refused(command, tmp_path):
    assert "its end does not say in which format" in command("convert", "X -> Y", "g.foo").err
    assert "--to says in which format" in command("convert", "X -> Y", "-").err
    assert "there is no folder" in command("convert", "X -> Y", "none/g.dot").err
    assert "is not written" in command("convert", "X -> Y", "g.json", "--to", "indra").err


def test_a_model_keeps_its_minus_signs_as_text_and_its_families_as_a_model(command):
    model = "X ~ normal; Y ~ normal(X); G ~ normal(-Y); X <-> G [latents=2]"
    arrows = command("convert", model, "-", "--to", "text")
    assert "Y -| G" in arrows.out
    assert "3 nodes, 3 edges" in arrows.err
    assert "families, priors are no part of a graph" in arrows.err
    again = command("convert", model, "-", "--to", "model")
    assert "normal(-Y" in again.out
    assert again.err == ""


def test_a_study_that_becomes_a_model_says_what_alone_is_lost(command, study):
    told = command("convert", study, "-", "--to", "model")
    assert "a study: data, engine are no part of a model" in told.err
