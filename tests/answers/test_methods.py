"""The methods paragraphs: each clause is there where it is true, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from handmade_answers import FRONT_DOOR, answer_of, line_draws, sweep_of
from handmade_fits import handmade
from latentdo.answers import Answers, Computation
from latentdo.errors import QueryError
from latentdo.inference import Method, versions
from latentdo.inference.blocks.draws import POINT
from posteriors import posterior_of

START, SLOPE = line_draws()


def methods(question: str = "E[Y | do(X=1)]", model: str = FRONT_DOOR, **fields: object) -> str:
    return answer_of(question, SLOPE, posterior_of(model), **fields).methods()


def test_the_model_is_told_with_graph_families_and_priors():
    text = methods()
    assert "3 measured variables (X, M, Y) and 1 unmeasured one (U)" in text
    assert (
        "5 directed edges: U → X, U → Y, X → M, M → Y" in text or "4 directed edges: U → X, U → Y, X → M, M → Y" in text
    )
    assert "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)." in text
    assert "Families: normal, Y = intercept + Σ weight · parent + Normal(0, sd)." in text
    assert "The unmeasured variable is standard normal." in text
    assert "weights are normal(0, t); intercepts are normal(mean on that scale, 2t); residual sds" in text
    assert "Other priors" not in text
    assert "bernoulli" not in text
    assert "functions" not in text.replace("(but for exact functions)", "")


def test_your_priors_and_fixed_numbers_are_listed():
    text = methods("E[Y]", "X ~ normal; Y ~ normal(+X, weight=normal(0, 3), sd=2)")
    assert "all causes being measured" in text
    assert "X -> Y ~ normal(0, 3, low=0) (per unit of X, kept positive)" in text
    assert "sd(Y) fixed at 2" in text
    assert "cut at 0 where a sign was given" not in text


def test_priors_of_other_families_are_those_of_the_reference():
    model = "C ~ categorical(levels=[a, b, c]); B ~ bernoulli(C); G ~ gamma(B); T ~ student(G)"
    text = methods("E[T | do(G=1)]", model)
    assert "(2 for bernoulli variables)" in text
    assert "intercepts are normal(mean on that scale, 2t), normal(0, 3) for bernoulli and categorical variables" in text
    assert "shapes are halfnormal(10)" in text
    assert "degrees of freedom are gamma(2, 0.1), cut at 2" in text


def test_hills_have_their_ceiling_and_interactions_their_scale():
    text = methods("E[Y]", "X ~ normal; Z ~ normal; Y ~ hill(X, Z, X:Z, max=10)")
    assert "hill, Y = max / (1 + exp(-(intercept + Σ weight · parent))) + Normal(0, sd), max = 10" in text
    assert "those of interactions too" in text


def test_a_question_is_told_with_its_verdict_and_formula():
    text = methods()
    assert "We asked for E[Y | do(X=1)] (mean of Y, in its units)." in text
    assert "It is identified given this graph: Σ_M P(M | X=1) Σ_X' E[Y | M, X'] P(X')." in text
    assert "no counterfactual statement" in text
    assert "Conditional" not in text


def test_a_long_formula_is_printed_once_whatever_the_values():
    posterior = posterior_of("latent U ~ normal; C ~ normal; X ~ normal(U, C); M ~ normal(X, C); Y ~ normal(M, U, C)")
    queries = ("E[Y | do(X=0)]", "E[Y | do(X=10)]", "E[Y | do(X=10)] - E[Y | do(X=0)]")
    formula = "Σ_{{C, M}} P(M | C, {}) P(C) Σ_X' E[Y | C, M, X'] P(X' | C)"
    text = Answers(tuple(answer_of(query, SLOPE, posterior) for query in queries)).methods()
    assert f"(1) is identified given this graph: {formula.format('X=0')}." in text
    assert "(2) is identified given this graph, by the formula of (1) with its values." in text
    assert "(3) is identified given this graph, by the formula of (1) with the values of each of its terms." in text
    alone = answer_of(queries[2], SLOPE, posterior).methods()
    assert f"It is identified given this graph, with the values of each of its terms: {formula.format('X')}." in alone


def test_what_is_not_identified_says_so_and_promises_nothing():
    text = methods("E[Y | do(X=1)]", "X ~ normal; Y ~ normal(X); X <-> Y")
    assert "It is not identified given this graph: " in text
    assert "The number rests on the prior and on the functional form." in text
    assert "determined by the distribution" not in text


def test_without_intervention_nothing_is_cut():
    text = methods("E[Y]")
    assert "It sets nothing, and is a property of the distribution of the measured variables." in text
    assert "do( )" not in text
    assert "For each of the 400 draws the answer was taken in the model as it is." in text


def test_evidence_and_arithmetic_have_their_sentences():
    text = methods("E[Y | do(X=1), M=0] - E[Y | do(X=0), M=0]", evidence_units=123.0)
    assert "Conditions are evidence, in the world after the intervention" in text
    assert "Identification of conditional interventional distributions" in text
    assert "at least 123 effective units" in text
    assert "formed within each draw" in text


def test_evidence_that_is_an_event_is_not_said_to_be_reduced():
    text = methods("P(Y > 1 | do(X=1), M > 0)")
    assert "was judged by the joint law of outcome and evidence" in text
    assert "Shpitser & Pearl (2006, UAI)" not in text
    assert "conditional interventional distributions" not in text
    drawn = methods("E[Y | do(X ~ normal(0, 1))]")
    assert "set or drawn from the law that is stated" in drawn
    assert "joint law" not in drawn


def test_exact_and_simulated_answers_are_told_apart():
    exact = methods()
    assert "computed without simulation (linear-Gaussian), the unmeasured causes integrated out exactly." in exact
    assert "Sobol" not in exact
    simulated = methods(
        computation=Computation("simulated", "256 units per draw in 16 replicates"), simulation_error=0.002
    )
    assert "computed from simulated units, with their unmeasured causes and noise from scrambled" in simulated
    assert "(256 units per draw in 16 replicates)" in simulated
    assert "integrated out" not in simulated
    assert "The standard error from simulation is at most" in simulated
    assert "Matoušek (1998), On the L2-discrepancy" in simulated
    assert "without simulation" not in simulated


def trained_by(method: str, **fields: object) -> str:
    posterior = posterior_of(FRONT_DOOR)
    blocks = tuple(replace(block, method=Method.parse(method), **fields) for block in posterior.blocks)
    return answer_of("E[Y | do(X=1)]", SLOPE, replace(posterior, blocks=blocks)).methods()


ENSEMBLE = "ensemble HMC on parameters, 16 chains x 260 transitions after 400 of warm-up, 250 draws kept of each"
SHORT = {"Pareto smoothed": "(Vehtari et al. 2024", "Hoffman & Gelman": "(Hoffman & Gelman 2014; Phan et al. 2019)"}


@pytest.mark.parametrize(
    ("method", "spoken", "source"),
    [
        ("NUTS, 4 chains x 1000 draws after 1000 of warm-up", "{M} by NUTS, 4 chains × 1000", "Hoffman & Gelman"),
        (ENSEMBLE, "by ensemble HMC on parameters, 16 chains × 260", "Neal"),
        ("importance sampling around the mode, 8,000 draws", "by importance sampling around", "Pareto smoothed"),
        ("SVI, full-rank guide of parameters, 5,000 steps", "by SVI, full-rank guide", "Kucukelbir"),
        ("Laplace approximation at the posterior mode", "by Laplace approximation", "Tierney"),
        ("conjugate: Dirichlet posterior of the counts", "by the conjugate Dirichlet posterior", ""),
        ("fixed: nothing to learn", "with all parameters fixed", ""),
    ],
)
def test_each_way_to_train_is_spoken_and_cited(method, spoken, source):
    text = trained_by(method)
    assert spoken in text
    body, _, references = text.partition("References: ")
    assert source in references
    assert SHORT.get(source, "") in body
    if source in ("Neal", "Kucukelbir", "Tierney"):
        assert f"({source}" in body
    others = {"Hoffman & Gelman", "Neal", "Pareto smoothed", "Kucukelbir", "Tierney"} - {source}
    assert not [other for other in others if other in text]


def test_approximations_and_single_draws_are_named():
    text = trained_by(
        "SVI, full-rank guide of parameters, 5,000 steps", approximate="variational approximation", independent=True
    )
    assert "1,000 independent draws of each block were kept" in text
    assert "They are draws of an approximation, not of the posterior: variational approximation." in text
    point = posterior_of(FRONT_DOOR, shape=(1, 1))
    blocks = tuple(replace(block, independent=True, approximate=POINT) for block in point.blocks)
    text = answer_of("E[Y | do(X=1)]", [0.7], replace(point, blocks=blocks)).methods()
    assert "One draw was kept, the posterior mode" in text
    assert "For the one draw" in text
    assert "R-hat" not in text
    assert "interval" not in text.partition("References")[0]


def test_a_fit_that_did_not_converge_says_so():
    posterior = posterior_of(FRONT_DOOR)
    bad = replace(posterior, diagnostics=(replace(posterior.diagnostics[0], rhat=1.3),))
    text = answer_of("E[Y | do(X=1)]", SLOPE, bad, rhat=1.2).methods()
    assert "The fit does not pass (R-hat 1.300, 1000 effective draws for mean(X))" in text
    assert "it has not converged" in text
    assert "The fit passes" in methods()


def test_several_answers_are_told_together_and_a_sweep_once():
    posterior = posterior_of(FRONT_DOOR)
    sweep = sweep_of(posterior=posterior)
    heavy = answer_of("E[M | do(X=1)]", SLOPE, posterior, tail_index=0.9, warnings=("rare", "far out"))
    text = Answers((*sweep, heavy)).methods()
    assert text.count("E[Y | do(X)] for X") == 1
    assert "We report posterior means, of 1 answer with heavy tails (Pareto k-hat above 0.7) the median, with" in text
    assert "Cautions: (1) E[M | do(X=1)]: rare. (2) E[M | do(X=1)]: far out." in text
    assert "The answers have R-hat at most 1.001" in text


def test_what_stands_beside_has_its_sentence():
    text = methods(naive=answer_of("E[Y | X=1]", START), prior=answer_of("E[Y]", START))
    assert "Beside the answer stands the association in the same fit: the same question, with the values seen" in text
    assert "the priors alone" in text


def test_only_what_has_a_naive_answer_is_said_to_have_one():
    posterior = posterior_of(FRONT_DOOR)
    naive = answer_of("E[Y | X=1]", START, posterior)
    answers = [answer_of("E[Y | do(X=1)]", SLOPE, posterior, naive=naive), answer_of("E[M]", SLOPE, posterior)]
    assert "Beside 1 of the 2 answers stands" in Answers(tuple(answers)).methods()


def test_the_interval_has_its_level_and_medians_are_no_means():
    assert "We report posterior means with equal-tailed 95 % intervals." in answer_of("E[Y]", SLOPE).methods(0.95)
    heavy = methods(tail_index=0.9)
    assert "We report posterior medians with equal-tailed 90 % intervals." in heavy
    assert "posterior means" not in heavy


def test_of_many_questions_a_few_are_told_with_their_formulas():
    posterior = posterior_of(FRONT_DOOR)
    text = Answers(tuple(answer_of(f"E[Y | do(X={k})]", SLOPE, posterior) for k in range(12))).methods()
    assert "(8) E[Y | do(X=7)] (mean of Y, in its units); and 4 more questions, listed with their numbers" in text
    assert text.count("is identified given this graph") == 8
    assert "Of the others 4 of 4 are identified." in text


def test_drawn_treatments_are_named_beside_evidence_only_where_there_are_any():
    assert "that draws from a law was judged" in methods("E[Y | do(X ~ normal(0, 1)), M=1]")
    assert "draws from a law" not in methods("P(Y > 1 | do(X=1), M > 0)")


def test_ensemble_hmc_is_explained_where_it_was_used():
    assert "by many chains at once" in trained_by(ENSEMBLE)
    assert "by many chains at once" not in methods()


def test_functions_are_told():
    posterior = posterior_of("X ~ normal; M ~ linear(X); Y ~ normal(M)")
    text = answer_of("E[Y | do(X=1)]", SLOPE, posterior).methods()
    assert "Exact functions of their parents, declared or in the data: M of X" in text
    assert "Chen & Darwiche (2024), Identifying" in text


def test_software_is_that_of_the_training_and_of_now():
    now = versions()
    assert f"latentdo {now['latentdo']} with numpy" in methods()
    posterior = replace(posterior_of(FRONT_DOOR), versions=tuple({**now, "jax": "0.0.1"}.items()))
    text = answer_of("E[Y]", SLOPE, posterior).methods()
    assert "jax 0.0.1" in text
    assert f"The answers were computed with latentdo {now['latentdo']}" in text


def test_methods_need_answers_that_know_one_fit():
    with pytest.raises(QueryError, match="There is no answer"):
        Answers(()).methods()
    with pytest.raises(QueryError, match="one fit"):
        Answers((answer_of("E[Y]", SLOPE), answer_of("E[Y]", SLOPE))).methods()
    with pytest.raises(QueryError, match="one fit"):
        replace(answer_of("E[Y]", SLOPE), posterior=None).methods()


@pytest.mark.parametrize("question", ["E[Y | do(X=1)]", "E[Y]", "P(Y > 1 | do(X=1), M=0)"])
def test_every_reference_is_used_and_none_is_a_promise(question):
    text = methods(question)
    body, _, references = text.partition("References: ")
    assert "would have" not in text
    for reference in references.rstrip(".").split(". "):
        surname = reference.replace(",", " ").split(" ")[0]
        assert surname in body, reference
    assert "  " not in body
    assert np.all([paragraph == paragraph.strip() for paragraph in text.split("\n\n")])


def test_a_saved_fit_remembers_the_versions_that_trained_it(tmp_path):
    trained = replace(handmade(), versions=tuple({**versions(), "jax": "0.0.1"}.items()))
    again = ld.load(ld.load(trained.save(tmp_path / "a.ldo")).save(tmp_path / "b.ldo"))
    assert dict(again.versions) == dict(trained.versions)
    assert dict(ld.load(handmade().save(tmp_path / "c.ldo")).versions) == versions()


def test_units_are_listed_and_stand_in_the_question():
    posterior = posterior_of("X ~ normal; `Y y` ~ normal(X)", shape=(2, 10)).with_units({"X": "mg/kg", "Y y": "mmHg"})
    text = answer_of("E[`Y y` | do(X=1)]", [1.0, 2.0], posterior).methods()
    assert "We asked for E[`Y y` | do(X=1)] (mean of `Y y`, in mmHg)." in text
    assert "Units: X in mg/kg and `Y y` in mmHg." in text
    assert "Units" not in methods()
