"""The command line as a whole: help, version, exit codes, encodings, pipes, Ctrl-C, and what a command loads."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import latentdo
from handmade_fits import handmade
from known_graphs import BOW, FRONT_DOOR
from latentdo.cli import (
    answerable,
    ask,
    bounds,
    check,
    fit,
    identify,
    main,
    sample_size,
    sensitivity,
    serve,
    simulate,
    site,
)

COMMANDS = (identify, answerable, check, fit, ask, bounds, sensitivity, sample_size, simulate, serve, site)
NAMES = [module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS]


def start(*arguments: str, cwd: Path, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "NO_COLOR": "1", **options.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.Popen(
        [sys.executable, "-m", "latentdo", *arguments],
        cwd=cwd,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )


def run(*arguments: str, cwd: Path, **options: object) -> tuple[int, str, str]:
    process = start(*arguments, cwd=cwd, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


# --- help


def test_without_arguments_shows_the_commands_and_is_a_usage_error(command):
    result = command()
    assert result.code == 2
    assert result.out == ""
    assert all(f"│ {name} " in result.err for name in NAMES)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands_in_the_order_of_work_and_the_exit_codes(command, option):
    result = command(option)
    assert result.code == 0
    places = [result.out.index(f"│ {name} ") for name in NAMES]
    assert places == sorted(places)
    assert all(f"\n  {code}  " in result.out for code in (0, 1, 2, 3, 4, 5, 130))


def test_version(command):
    assert command("--version").out == f"latentdo {latentdo.__version__}\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_command_explains_itself(command, name):
    result = command(name, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: latentdo {name} ")
    assert "Examples:\n  latentdo " in result.out
    assert "Exit codes: 0 " in result.out
    assert max(len(line.rstrip()) for line in result.out.splitlines()) <= 80


@pytest.mark.parametrize("module", COMMANDS, ids=NAMES)
def test_examples_fit_a_line(module):
    assert max(len(line) for line in f"{module.EXAMPLES}\n{module.USAGE}\n{module.CODES}".splitlines()) <= 80


@pytest.mark.parametrize(
    "line",
    [line.strip() for module in (identify, check, simulate) for line in module.EXAMPLES.splitlines()[1:]],
)
def test_the_examples_of_help_work(command, study, tmp_path, line):
    handmade().save(tmp_path / "fit.ldo")
    typed, _, piped = line.partition(" | ") if line.startswith("echo") else ("", "", line)
    stdin = shlex.split(typed)[1].encode() if typed else b""
    program, *arguments = shlex.split(piped)
    assert program == "latentdo"
    assert command(*arguments, stdin=stdin).code in (0, 3)


# --- usage errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("identfy", "X -> Y"), '"identfy"'),
        (("--jsn",), "--jsn"),
        (("identify",), "GRAPH is missing."),
        (("identify", "X -> Y", "E[Y]", "--jsn"), "Did you mean --json?"),
        (("ask", "fit.ldo", "--seed"), "--seed needs a value."),
        (("ask", "fit.ldo", "--seed", "x"), "--seed"),
        (("ask", "fit.ldo", "--seed", "1", "--seed", "2"), "--seed"),
        (
            ("fit", "study.yaml", "--engine", "emcee"),
            "no engine is called 'emcee'. Known are: auto, nuts, svi, laplace, map.",
        ),
    ],
)
def test_a_usage_error_is_one_message_and_the_way_to_help(command, arguments, message):
    plain = command(*arguments)
    assert plain.code == 2
    assert plain.out == ""
    (line,) = plain.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert re.search(r"See latentdo (\w+ )?--help\.$", line)
    told = (
        command(*arguments, "--json") if arguments[-1] != "--seed" else command(arguments[0], "--json", *arguments[1:])
    )
    assert told.code == 2
    assert told.error["kind"] == "usage"


# --- bugs


def explode(*_: object, **__: object) -> None:
    raise ZeroDivisionError("division\nby zero")


def test_a_bug_is_told_as_ours_in_one_line(command, monkeypatch):
    monkeypatch.setattr(identify, "verdict_text", explode)
    result = command("identify", "X -> Y", "E[Y]")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "a fault of latentdo, not of your input (ZeroDivisionError: division by zero)" in result.err
    assert "LATENTDO_DEBUG=1" in result.err


def test_a_bug_is_told_to_programs(command, monkeypatch):
    monkeypatch.setattr(identify, "verdict_json", explode)
    result = command("identify", "X -> Y", "E[Y]", "--json")
    assert result.code == 1
    assert result.error["kind"] == "bug"


def test_a_bug_shows_where_when_asked(monkeypatch, capsys):
    monkeypatch.setattr(identify, "verdict_text", explode)
    monkeypatch.setenv("LATENTDO_DEBUG", "1")
    assert main(["identify", "X -> Y", "E[Y]"]) == 1
    assert "in explode" in capsys.readouterr().err


def test_too_little_memory_is_not_a_bug(command, monkeypatch):
    def hungry(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("latentdo.simulators.simulate", hungry)
    result = command("simulate", "signaling", "-n", 3)
    assert result.code == 2
    assert "There is not enough memory for this" in result.err


# --- the process


def test_the_module_and_the_command_are_one(tmp_path):
    code, out, err = run("identify", BOW, "P(Y | do(X))", "--json", cwd=tmp_path)
    assert (code, err) == (3, "")
    assert json.loads(out)["hedge"] == [["X", "Y"], ["Y"]]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_output_that_cannot_show_a_sign_gets_another(tmp_path, encoding):
    graph = "`Größe` -> M -> Y; `Größe` <-> Y; M -> 身長"
    arguments = ("identify", graph, "P(Y | do(`Größe`))", "E[身長]")
    settings = {"env": {"PYTHONIOENCODING": encoding}, "encoding": encoding}
    code, out, err = run(*arguments, cwd=tmp_path, **settings)
    assert (code, err) == (0, "")
    assert ("Σ_M" if encoding == "utf-8" else "sum_M") in out
    assert ("身長" if encoding == "utf-8" else "\\u8eab\\u9577") in out
    code, out, err = run(*arguments, "--json", cwd=tmp_path, **settings)
    assert (code, err) == (0, "")
    assert json.loads(out)["verdicts"][1]["query"] == "E[身長]"


def test_help_shows_where_only_ascii_can(tmp_path):
    code, out, err = run("--help", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert (code, err) == (0, "")
    assert out.isascii()


def test_no_colour_reaches_a_pipe_or_no_color(tmp_path):
    for arguments in (("--help",), ("identify", FRONT_DOOR, "P(Y | do(X))")):
        _, out, err = run(*arguments, cwd=tmp_path)
        assert "\x1b" not in out + err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("simulate", "signaling", "-n", "3"), 0), (("identify", BOW, "P(Y | do(X))", "--json"), 3), (("--help",), 0)],
)
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path, arguments, code):
    process = start(*arguments, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == code
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("n", ["3", "600"])
def test_a_full_disk_behind_stdout_is_told(tmp_path, n):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "latentdo", "simulate", "signaling", "-n", n]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: The result cannot be written: No space left on device.\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_is_one_line_and_leaves_no_file(tmp_path):
    code = (
        "import sys, time\nimport latentdo.simulators\nfrom latentdo.cli import main\n"
        "def simulate(*_, **__):\n    print('begun', flush=True)\n    time.sleep(60)\n"
        "latentdo.simulators.simulate = simulate\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "simulate", "signaling", "-n", "3", "-o", "cells.csv"]
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == ("", "interrupted: stopped by Ctrl-C; no file was left half written.\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_ctrl_c_while_the_command_is_loaded_is_one_line_too(arguments, tmp_path):
    code = (
        "import sys\nfrom latentdo.cli import main\n"
        "class Interrupted:\n    def find_spec(self, name, *_):\n        if name == 'latentdo.cli.failures':\n"
        "            sys.meta_path.remove(self)\n            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "identify", BOW, "P(Y | do(X))", *arguments]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted: stopped by Ctrl-C; no file was left half written.\n")
    assert (json.loads(done.stdout)["error"]["kind"] == "interrupted") if arguments else not done.stdout


# --- what a command loads


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"numpy", "jax", "scipy", "yaml", "msgspec"}),
        (["identify", FRONT_DOOR, "P(Y | do(X))", "--json"], {"numpy", "jax", "scipy", "yaml", "msgspec"}),
        (["identify", BOW, "P(Y | do(X))"], {"numpy", "jax", "scipy", "rich"}),
        (["identify", "X -> -> Y", "P(Y)"], {"numpy", "jax", "scipy"}),
        (["identify", "study.yaml"], {"numpy", "jax", "scipy"}),
        (["check", "study.yaml"], {"jax", "numpyro", "matplotlib"}),
        (["simulate", "signaling", "-n", "2"], {"jax", "numpyro", "matplotlib"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_loads_what_it_needs_and_no_more(tmp_path, study, arguments, absent):
    code = (
        "import sys\nfrom latentdo.cli import main\nmain(sys.argv[1:])\n"
        "print('LOADED', *(name for name in sys.modules if '.' not in name), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stderr.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert not absent & set(loaded)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such redirection there")
@pytest.mark.parametrize("options", ["", "--json"])
def test_a_result_that_has_nowhere_to_go_is_told(options: str):
    line = f"{sys.executable} -m latentdo identify 'X -> Y' 'P(Y | do(X))' {options} >&-"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: The result cannot be written: standard output is closed.\n"


def test_a_file_that_was_asked_for_is_written_without_an_output(tmp_path: Path):
    line = f"{sys.executable} -m latentdo identify 'X -> Y' 'P(Y | do(X))' -o {tmp_path / 'proof.txt'} >&-"
    assert subprocess.run(line, shell=True, capture_output=True, check=False).returncode == 0
    assert (tmp_path / "proof.txt").is_file()


def test_an_option_of_other_programs_gets_a_sentence(command):
    result = command("fit", "study.yaml", "--weights", "w")
    assert result.code == 2
    assert "Unknown option: --weights. Rows have no weights: each is one unit." in result.err


def test_a_file_of_a_graph_is_read_and_what_it_loses_is_told(command, tmp_path):
    (tmp_path / "g.dagitty").write_text("dag { X -> Y }")
    (tmp_path / "g.sif").write_text("X\tactivates\tY\nX\tin-complex-with\tZ\n")
    assert command("identify", "g.dagitty", "P(Y | do(X))").code == 0
    result = command("identify", "g.sif", "P(Y | do(X))")
    assert result.code == 0
    assert "left out (1): line 2: X in-complex-with Z has no direction" in result.err


def test_a_file_in_no_format_is_refused_with_those_that_are_read(command, tmp_path):
    (tmp_path / "g.foo").write_text("who knows what this is")
    result = command("identify", "g.foo", "P(Y | do(X))")
    assert result.code == 2
    assert "g.foo is in no format that is read. Read are arrows" in result.err


def test_what_an_imported_module_prints_does_not_stand_before_the_json(command, tmp_path, monkeypatch):
    (tmp_path / "talking_families.py").write_text("print('hello from the module')")
    result = command("identify", "X -> Y", "P(Y | do(X))", "--json", "--import", "talking_families")
    sys.modules.pop("talking_families", None)
    assert result.json["identifiable"] is True
    assert "hello from the module" in result.err


@pytest.mark.parametrize("line", ["import sys; sys.exit(0)", "raise ValueError('no')", "1 +"])
def test_a_module_that_cannot_be_imported_is_bad_input(line, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faulty_families.py").write_text(line)
    result = command("identify", "X -> Y", "P(Y | do(X))", "--import", "faulty_families")
    sys.modules.pop("faulty_families", None)
    assert result.code == 2
    assert "--import faulty_families: " in result.err
