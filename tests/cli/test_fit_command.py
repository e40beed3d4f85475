"""`latentdo fit`: what it trains, where it saves, and what it refuses before it starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.inference import Diagnostic
from latentdo.models.study import Study
from posteriors import posterior_of

MODEL = "latent U ~ normal; G ~ gamma(U); X ~ bernoulli(G); Y ~ normal(X, U)"
ROWS = ["G,X,Y", "1.5,0,2.25", "0.5,1,1.5", "2.5,1,-1", "1.25,0,0.5", "3,1,4", "0.75,0,1"]


class Trainer:
    """Stands in for training: remembers what it was given, and returns a fit made by hand."""

    def __init__(self, posterior: ld.Posterior) -> None:
        self.posterior = posterior
        self.study: Study
        self.data: object = None
        self.options: dict[str, object] = {}

    def __call__(
        self, study: Study, data: object = None, **options: object
    ) -> tuple[ld.Posterior, Callable[[], object]]:
        self.study, self.data, self.options = study, data, options
        return self.posterior, lambda: None


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    stands_in = Trainer(handmade())
    monkeypatch.setattr("latentdo.fitting.fit_resumably", stands_in)
    return stands_in


def test_prints_the_summary_and_says_what_to_do_next(command, study, trainer, tmp_path):
    result = command("fit", study)
    assert result.code == 0
    assert result.out.rstrip() == trainer.posterior.summary().rstrip()
    assert "Saved to study.ldo." in result.err
    assert "Next: latentdo ask study.ldo\n" in result.err
    assert ld.load(tmp_path / "study.ldo").spec == trainer.posterior.spec
    options = {
        "seed": 0,
        "progress": None,
        "start": None,
        "checkpoint": Path("study.ldo.part"),
        "workers": 1,
        "check": None,
        "missing": None,
        "do": None,
    }
    assert trainer.options == options


def test_saves_no_rows_unless_asked(command, study, trainer, tmp_path):
    assert command("fit", study, "-o", "bare.ldo").code == 0
    assert command("fit", study, "-o", "full.ldo", "--store-rows").code == 0
    assert ld.load(tmp_path / "bare.ldo").data is None
    assert ld.load(tmp_path / "full.ldo").data is not None


def test_passes_seed_data_and_progress_on(command, study, trainer):
    command("fit", study, "other.csv", "--seed", 7, "--no-progress")
    assert trainer.data == "other.csv"
    assert trainer.options["seed"] == 7
    assert trainer.options["progress"] is False


def test_a_model_text_is_saved_as_model_and_gets_a_question_to_ask(command, trainer, monkeypatch):
    monkeypatch.setattr(trainer, "posterior", posterior_of("X ~ normal; `a b` ~ normal(X); X <-> `a b`; Z ~ normal(X)"))
    result = command("fit", MODEL, "data.csv")
    assert "Saved to model.ldo.\nNext: latentdo ask model.ldo 'E[Z | do(X=1)]'\n" in result.err


def test_the_engine_of_the_command_line_replaces_that_of_the_study(command, study, trainer, tmp_path):
    slow = tmp_path / "slow.yaml"
    slow.write_text(study.read_text() + "inference:\n  engine: nuts\n  draws: 77\n  chains: 2\n")
    command("fit", slow)
    assert trainer.study.inference.arguments == {"draws": 77, "chains": 2}
    command("fit", slow, "--draws", 99)
    assert trainer.study.inference.arguments == {"draws": 99, "chains": 2}
    command("fit", slow, "--engine", "nuts", "--warmup", 5)
    assert trainer.study.inference.arguments == {"warmup": 5}
    command("fit", slow, "--engine", "auto", "--max-steps", 400)
    assert (trainer.study.inference.engine, trainer.study.inference.arguments) == ("auto", {"max_steps": 400})
    command("fit", study, "--max-steps", 64_000)
    assert trainer.study.inference.arguments == {"max_steps": 64_000}


def test_units_go_from_the_study_to_the_answers(command, tmp_path):
    (tmp_path / "pills.csv").write_text("A,B\n0,1\n1,2\n0,1\n1,1\n1,2\n0,2\n")
    (tmp_path / "pills.yaml").write_text("model: A ~ table; B ~ table(A)\ndata: pills.csv\nunits: {B: pills}\n")
    assert "  units: B in pills\n" in command("check", "pills.yaml").out
    assert command("fit", "pills.yaml", "--json").json["units"] == {"B": "pills"}
    assert "mean of B, in pills" in command("ask", "pills.ldo", "E[B | do(A=1)]").out
    (answer,) = command("ask", "pills.ldo", "Var[B]", "--json").json["answers"]
    assert answer["unit"] == "pills²"


def test_numbers_need_the_engine_that_they_belong_to(command, study):
    result = command("fit", study, "--draws", 100)
    assert result.code == 2
    assert "--draws belongs to --engine nuts" in result.err
    assert "and the engine is auto. Add --engine nuts." in result.err
    result = command("fit", study, "--engine", "laplace", "--warmup", 100)
    assert result.code == 2
    assert "--warmup belongs to --engine nuts, and the engine is laplace" in result.err
    result = command("fit", study, "--engine", "nuts", "--max-steps", 400)
    assert result.code == 2
    assert "--max-steps belongs to --engine auto, and the engine is nuts. Add --engine auto." in result.err


@pytest.mark.parametrize(
    ("options", "engine", "shape"),
    [
        (("--engine", "laplace", "--draws", 600), "Laplace(draws=600)", (1, 600)),
        (("--engine", "map"), "Map()", (1, 1)),
    ],
)
def test_approximate_engines_end_well_and_are_named(command, study, tmp_path, options, engine, shape):
    result = command("fit", FAST[0], *FAST[1:], *options)
    assert result.code == 0
    assert "APPROXIMATE (" in result.err
    assert "Compare with --engine auto" in result.err
    posterior = ld.load(tmp_path / "fit.ldo")
    assert (posterior.engine, posterior.shape) == (engine, shape)
    asked = command("ask", "fit.ldo", "E[Y | do(X=1)]", "--json")
    assert asked.code == 0
    (answer,) = asked.json["answers"]
    assert answer["approximate"] == posterior.approximate[0]
    assert (answer["interval"] is None) == (engine == "Map()")
    if engine != "Map()":
        few = command("fit", *FAST, "--engine", "laplace", "--draws", 100)
        assert few.code == 4
        assert "It did not converge: keep more draws: --draws 1000." in few.err
    facts = command("fit", *FAST, *options, "--json").json
    assert facts["approximate"] == list(posterior.approximate)
    assert any("not draws of the posterior" in warning for warning in facts["warnings"])
    assert any("one draw" in warning for warning in facts["warnings"]) == (engine == "Map()")


@pytest.mark.parametrize(("khat", "is_far"), [(0.93, True), (0.4, False), (None, False)])
def test_a_program_is_told_how_far_off_an_approximation_is(command, study, trainer, khat, is_far):
    first, *rest = trainer.posterior.blocks
    poor = replace(first, approximate="Laplace approximation", khat=khat)
    trainer.posterior = replace(trainer.posterior, blocks=(poor, *rest))
    facts = command("fit", study, "--json").json
    assert facts["khat"] == khat
    assert len(facts["plan"]) == len(trainer.posterior.blocks)
    assert "APPROXIMATE: Laplace approximation" in facts["plan"][0]
    warning, *others = facts["warnings"]
    assert others == list(trainer.posterior.warnings)
    assert warning.startswith(f"{first.block.name}: approximate: Laplace approximation, not draws of the posterior")
    assert (f"far from it (Pareto k-hat {khat}" in warning) == is_far


def test_a_program_is_told_why_a_fit_did_not_converge(command, study, trainer):
    stuck = replace(trainer.posterior.diagnostics[0], rhat=1.7, ess=9.0)
    trainer.posterior = replace(trainer.posterior, diagnostics=(stuck,))
    result = command("fit", study, "--json")
    assert result.code == 4
    assert result.json["doubt"] == f"R-hat 1.700, 9 effective draws for {stuck.name}"
    assert result.json["warnings"][0] == f"the fit did not converge: {result.json['doubt']}"


def test_prints_facts_for_programs(command, study, trainer):
    result = command("fit", study, "--json")
    assert result.json["path"] == "study.ldo"
    assert result.json["converged"] is True
    assert result.json["doubt"] is None
    assert result.json["warnings"] == list(trainer.posterior.warnings)
    assert result.json["diagnostics"][0] == {"name": "mean(X)", "rhat": 1.001, "ess": 2000.5}


def test_a_fit_that_did_not_converge_is_saved_and_exit_code_4(command, study, trainer, monkeypatch, tmp_path):
    bad = posterior_of("X ~ normal", diagnostics=(Diagnostic("mean(X)", 1.2, 30.0),))
    monkeypatch.setattr(trainer, "posterior", bad)
    result = command("fit", study)
    assert result.code == 4
    assert "It did not converge" in result.err
    assert not ld.load(tmp_path / "study.ldo").converged


def test_ctrl_c_leaves_an_old_fit_alone(command, study, monkeypatch, tmp_path):
    (tmp_path / "study.ldo").write_bytes(b"old")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("latentdo.fitting.fit_resumably", interrupted)
    result = command("fit", study)
    assert result.code == 130
    assert result.err == "interrupted: stopped by Ctrl-C; no file was left half written.\n"
    assert (tmp_path / "study.ldo").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_does_not_wait_for_compiled_code(study, tmp_path):
    code = (
        "import sys, time\nfrom concurrent.futures import ThreadPoolExecutor\nimport latentdo.fitting\n"
        "from latentdo.cli import main\n"
        "def fit(*_, **__):\n"
        "    with ThreadPoolExecutor() as pool:\n"
        "        done = pool.submit(time.sleep, 300)\n"
        "        print('begun', flush=True)\n"
        "        done.result()\n"
        "latentdo.fitting.fit_resumably = fit\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "fit", str(study), "--json"]
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert err == "interrupted: stopped by Ctrl-C; no file was left half written.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "study.yaml"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("fit.zip", "expected a name that ends in .ldo, such as fit.ldo"),
        ("data.csv", "expected a name that ends in .ldo"),
        ("nowhere/fit.ldo", "there is no folder nowhere"),
        ("folder.ldo", "is a folder"),
        ("data.csv/fit.ldo", "there is no folder"),
        ("x" * 300 + ".ldo", "cannot be written"),
        ("pipe.ldo", "-o pipe.ldo cannot be written: it is a pipe. Write an ordinary file."),
        ("device.ldo", "it is a device"),
        ("/proc/fit.ldo", "no file can be made in /proc"),
    ],
)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs pipes, and a folder in which nothing can be made")
def test_the_place_is_checked_before_work_starts(command, study, trainer, tmp_path, place, message):
    (tmp_path / "folder.ldo").mkdir()
    os.mkfifo(tmp_path / "pipe.ldo")
    (tmp_path / "device.ldo").symlink_to("/dev/null")
    result = command("fit", study, "-o", place)
    assert result.code == 2
    assert message in result.err
    assert trainer.data is None
    assert not trainer.options


def table(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def changed(row: int, text: str) -> list[str]:
    return [text if k == row else line for k, line in enumerate(ROWS)]


REFUSED = [
    ("a missing cell", changed(2, "0.5,,1.5"), MODEL, "Missing cells: 'X' 1 (of 6 rows"),
    ("NA", changed(2, "NA,1,1.5"), MODEL, "Missing cells: 'G' 1 (of 6 rows"),
    ("a constant column", [ROWS[0], *(f"{line.rpartition(',')[0]},5" for line in ROWS[1:])], MODEL, "Y"),
    ("one row", ROWS[:2], MODEL, "row"),
    ("no row", ROWS[:1], MODEL, "row"),
    ("an empty file", [], MODEL, "rows.csv"),
    ("an infinite cell", changed(3, "2.5,1,inf"), MODEL, "Infinite cells: 'Y' 1"),
    ("a huge cell", changed(3, "2.5,1,2e100"), MODEL, "beyond ±1e+100"),
    ("repeated headers", changed(0, "G,Y,Y"), MODEL, "Y"),
    ("a ragged row", changed(4, "1.25,0"), MODEL, "line 5"),
    ("text in a numeric column", changed(4, "1.25,0,much"), MODEL, "much"),
    ("a value outside the support of gamma", changed(1, "-1.5,0,2.25"), MODEL, "G"),
    ("a value outside the support of bernoulli", changed(1, "1.5,0.5,2.25"), MODEL, "X"),
    ("a missing column", changed(0, "G,X,Z"), MODEL, "Y"),
    ("a linear node that does not fit", ROWS, "G ~ normal; X ~ bernoulli(G); Y ~ linear(G)", "Declare it normal"),
]


@pytest.mark.parametrize("verb", ["fit", "check"])
@pytest.mark.parametrize(
    ("lines", "model", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refuses_a_table_that_cannot_be_used(command, tmp_path, verb, lines, model, message):
    result = command(verb, model, table(tmp_path, lines), "--json")
    assert result.code == 2
    assert result.error["kind"] == "data"
    assert message in result.err
    assert result.err.startswith("error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((MODEL,), "There is no data"),
        ((MODEL, "missing.csv"), "missing.csv does not exist"),
        ((MODEL, "rows.xlsx"), ".csv"),
        (("X ~ normul", "rows.csv"), "normul"),
        (("X -> Y", "rows.csv"), "X"),
        ((MODEL, "rows.csv", "--engine", "nuts", "--draws", "1"), "draws"),
        ((MODEL, "rows.csv", "--engine", "vi"), "vi"),
        ((MODEL, "rows.csv", "--seed", "-1"), "seed"),
        ((MODEL, "rows.csv", "more.csv"), "more.csv"),
    ],
)
def test_refuses_what_it_cannot_start_with(command, tmp_path, arguments, message):
    table(tmp_path, ROWS)
    result = command("fit", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""
    assert not (tmp_path / "model.ldo").exists()


@pytest.mark.sample
def test_trains_and_saves_for_real(command, study, tmp_path):
    """A few transitions of one chain: the way from the file to the saved fit, not the numbers."""
    options = ("--engine", "nuts", "--draws", 4, "--warmup", 1, "--chains", 1, "--no-progress")
    result = command("fit", "X ~ normal", "data.csv", "-o", "tiny.ldo", *options)
    assert result.code == 4
    assert ld.load(tmp_path / "tiny.ldo").shape == (1, 4)


FAST = ("X ~ normal; M ~ normal(X); Y ~ normal(M, X)", "data.csv", "-o", "fit.ldo", "--no-progress")


def test_an_earlier_fit_is_gone_on_from(command, study, tmp_path):
    assert command("fit", FAST[0], *FAST[1:]).code == 0
    result = command("fit", FAST[0].replace("(M, X)", "(M)"), "data.csv", "-o", "new.ldo", "--start", "fit.ldo")
    assert result.code == 0
    assert ld.load(tmp_path / "new.ldo").plan.count("kept from the earlier fit") == 2
    assert command("fit", *FAST, "--start", "data.csv").code == 2


def test_an_interrupted_fit_is_gone_on_from_and_its_checkpoint_removed(command, study, tmp_path, monkeypatch):
    from latentdo.inference import train

    assert command("fit", *FAST[:3], "whole.ldo").code == 0
    real = train.train_block

    def train_block(task, engine):
        if "Y" in task.block.nodes:
            raise KeyboardInterrupt
        return real(task, engine)

    with monkeypatch.context() as patch:
        patch.setattr(train, "train_block", train_block)
        patch.setattr(train, "_n_cores", lambda: 1)
        assert command("fit", *FAST).code == 130
    assert (tmp_path / "fit.ldo.part").is_dir()
    other = command("fit", *FAST, "--seed", 1)
    assert other.code == 0
    assert "note: fit.ldo.part/" in other.err
    assert "holds an interrupted fit that differs in seed: it is not used" in other.err
    result = command("fit", *FAST)
    assert result.code == 0
    assert "note: Going on from fit.ldo.part, with 2 blocks finished." in result.err
    one, two = (ld.load(tmp_path / name) for name in ("whole.ldo", "fit.ldo"))
    assert one.by_node["X"].coefficients.tobytes() == two.by_node["X"].coefficients.tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "fit.ldo", "study.yaml", "whole.ldo"]


def test_a_fit_that_cannot_be_saved_keeps_what_was_trained(command, study, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ld.Posterior, "save", full)
        assert command("fit", *FAST).code == 2
    assert len(list((tmp_path / "fit.ldo.part").glob("*/*.finished"))) == 3
    assert "3 blocks finished" in command("fit", *FAST).err


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_says_where_the_work_is_kept(study, tmp_path):
    (tmp_path / "study.ldo.part").mkdir()
    code = (
        "import os, signal, sys, time, latentdo.fitting\nfrom latentdo.cli import main\n"
        "def fit(*_, **__):\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(60)\n"
        "latentdo.fitting.fit_resumably = fit\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "fit", str(study)], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert done.returncode == 130
    assert "What was done is kept in study.ldo.part: the same command goes on from there." in done.stderr


KILLED = """
import sys
import time
from latentdo.cli import main
from latentdo.inference import train
from latentdo.inference.storage import checkpoint
from latentdo.inference.samplers import nuts
checkpoint.EVERY = nuts.PIECE = 0.0  # each transition is a piece, and each piece is kept
if "--stop" in sys.argv:
    stop = int(sys.argv.pop())
    sys.argv.pop()
    keep = nuts.Checkpoint.save
    def save(self, state):
        keep(self, state)
        made = state()["made"]
        if made == stop:
            print("there", flush=True)
            import time
            time.sleep(600)
    nuts.Checkpoint.save = save
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.sample
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_fit_goes_on_to_the_same_numbers(study, tmp_path):
    """Killed by signal 9 in the warm-up and in the draws of a block with a latent; then the same command again."""

    def begun(name: str, *more: str) -> subprocess.Popen[str]:
        options = ("--engine", "nuts", "--draws", "12", "--warmup", "8", "--chains", "2", "--no-progress")
        model = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
        line = [sys.executable, "-c", KILLED, "fit", model, "data.csv", "-o", name, *options, *more]
        return subprocess.Popen(line, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    for stop in ("5", "15"):
        process = begun("fit.ldo", "--stop", stop)
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.communicate()
        assert (tmp_path / "fit.ldo.part").is_dir()
        assert not (tmp_path / "fit.ldo").exists()
    resumed, whole = begun("fit.ldo"), begun("whole.ldo")
    assert "Going on from fit.ldo.part" in resumed.communicate()[1]
    whole.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "fit.ldo", "study.yaml", "whole.ldo"]
    one, two = (ld.load(tmp_path / name) for name in ("fit.ldo", "whole.ldo"))
    for node, draws in one.by_node.items():
        assert draws.coefficients.tobytes() == two.by_node[node].coefficients.tobytes()
    assert one.diagnostics == two.diagnostics


def test_a_number_of_workers_that_is_none_is_refused(command, study, trainer):
    for workers in (0, 10**5):
        result = command("fit", study, "--workers", workers)
        assert result.code == 2
        assert "--workers is a whole number from 1 to 10,000" in result.err
    assert command("fit", study, "--workers", 3).code == 0
    assert trainer.options["workers"] == 3


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_the_processes_too_and_says_where_the_work_is_kept(study, tmp_path):
    model = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
    tokens = ["fit", model, "data.csv", "-o", "fit.ldo", "--engine", "nuts", "--draws", "100000", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "latentdo", *tokens],
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("fit.ldo.part/*/*.finished")) and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        # The workers hold both ends too: this returns once they have ended.
        _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith(
        "interrupted: stopped by Ctrl-C; no file was left half written. What was done is"
    )
    assert "Traceback" not in err
    assert "leaked" not in err
