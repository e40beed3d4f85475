"""`latentdo draw`: a picture of whatever has a graph, in the form that its end names."""

from __future__ import annotations

import xml.etree.ElementTree as ET


def test_draws_a_text_with_a_question(command, tmp_path):
    result = command("draw", "Z -> X -> Y; Z -> Y", "E[Y | do(X=1)]", "-o", "g.svg")
    assert result.code == 0
    assert "Drew 3 nodes and 3 edges to g.svg." in result.err
    svg = (tmp_path / "g.svg").read_text()
    ET.fromstring(svg)
    assert "adjusting for {Z} is enough" in svg


def test_draws_to_stdout_as_svg(command):
    assert command("draw", "X -> Y").out.startswith("<svg ")
    assert command("draw", "-", stdin=b"digraph { X -> Y }").out.startswith("<svg ")


def test_draws_studies_by_the_names_of_their_questions_and_fits_with_their_weights(
    command, study, napkin_fit, tmp_path
):
    assert command("draw", study, "-o", "g.tikz").code == 0
    result = command("draw", napkin_fit, "-o", "g.svg")
    assert result.code == 0
    assert "with 90 % interval" in (tmp_path / "g.svg").read_text()


def test_draws_files_in_other_formats(command, tmp_path):
    (tmp_path / "g.dot").write_text("digraph { X -> Y [arrowhead=tee] }")
    for end in ("png", "pdf", "mmd", "tex"):
        assert command("draw", "g.dot", "-o", f"g.{end}").code == 0


def test_marks_what_is_said_to_be_adjusted_for(command):
    assert "adjusted for" in command("draw", "Z -> X -> Y; W", "P(Y | do(X))", "--adjustment", "Z,W").out


def test_refuses_what_cannot_be_drawn(command):
    assert "expected a name that ends in .svg" in command("draw", "X -> Y", "-o", "g.foo").err
    assert command("draw", "X -> Y", "P(Q | do(X))").code == 2
    assert command("draw", "X -> Y", "--adjustment", "Q").code == 2
