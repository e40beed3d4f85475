"""`latentdo serve`: where it listens, and what it says where it cannot."""

from __future__ import annotations

import importlib.util
import socket
import urllib.error
import urllib.request

import pytest

from latentdo.cli import serve


@pytest.fixture
def served(monkeypatch, tmp_path):
    """What would be served, in place of serving it until Ctrl-C."""
    found = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(serve, "_serve", lambda app, listener: found.append((app, listener.getsockname())))
    monkeypatch.setattr(serve.webbrowser, "open", lambda address: found.append(address))
    return found


def test_listens_on_this_machine_and_says_where(command, served):
    result = command("serve", "--port", "0", "--no-browser")
    assert result.code == 0
    (_, (host, port)) = served[0]
    assert host == "127.0.0.1"
    assert result.out == f"The page is at http://127.0.0.1:{port}/\nCtrl-C ends it.\n"
    assert result.err == "Stopped.\n"


def test_another_host_is_warned_of_and_has_a_token_in_its_address(command, served):
    result = command("serve", "--host", "0.0.0.0", "--port", "0", "--no-browser")
    assert "/?token=" in result.out
    assert "note: other machines can reach this page" in result.err


def test_token_is_asked_for_on_a_machine_that_others_use(command, served):
    result = command("serve", "--token", "--port", "0", "--no-browser")
    assert "http://127.0.0.1:" in result.out and "/?token=" in result.out
    assert "other machines" not in result.err


def test_busy_port_names_the_next_free_one(command, served):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = command("serve", "--port", port, "--no-browser")
    assert result.code == 2
    assert f"error: Port {port} is in use" in result.err
    free = int(result.err.split("--port ")[1].rstrip(".\n"))
    assert port < free <= port + serve.TRIED
    assert not served


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "70000"), "a port is a whole number from 0 to 65535"),
        (("--port", "-1"), "a port is a whole number from 0 to 65535"),
        (("--host", "no such host"), "--host no such host is no address of this machine."),
        (("--host", "203.0.113.7"), "--host 203.0.113.7 cannot be listened at"),
    ],
)
def test_address_that_cannot_be_is_refused(command, served, arguments, said):
    result = command("serve", "--no-browser", *arguments)
    assert result.code == 2
    assert said in result.err


def test_missing_extra_is_one_error_with_the_way_to_install_it(command, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else real(name, *rest)
    )
    result = command("serve")
    assert result.code == 2
    assert result.err == (
        "error: latentdo serve needs starlette and uvicorn. Install it with: pip install 'latentdo[web]'\n"
    )


def test_real_server_answers_until_it_is_interrupted(tmp_path):
    import os
    import signal
    import subprocess
    import sys

    env = {**os.environ, "TMPDIR": str(tmp_path)}
    line = [sys.executable, "-m", "latentdo", "serve", "--port", "0", "--no-browser"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{address}api/verdict", data=b"{}"), timeout=20)
        assert refused.value.code == 403
        refused.value.close()
        process.send_signal(signal.SIGINT if os.name != "nt" else signal.CTRL_C_EVENT)
        _, messages = process.communicate(timeout=20)
    assert messages == "Stopped.\n"
    assert process.returncode == 0


def test_study_is_what_the_page_begins_with(command, served, study, monkeypatch):
    made = []
    real = serve._session
    monkeypatch.setattr(serve, "_session", lambda begun: made.append(real(begun)) or made[-1])
    result = command("serve", study, "--port", "0", "--no-browser")
    assert result.code == 0, result.err
    (session,) = made
    assert session.given.text.startswith("latent U ~ normal")
    assert session.look is not None


@pytest.mark.parametrize(("path", "said"), [("X -> Y", "is no study file"), ("no.yaml", "does not exist")])
def test_what_is_no_study_is_refused(command, served, path, said):
    result = command("serve", path, "--no-browser")
    assert result.code == 2 and said in result.err


@pytest.mark.parametrize("data", ["[data.csv, {file: data.csv, do: [X]}]", "{file: data.csv, do: [X]}"])
def test_study_with_rows_of_experiments_is_left_to_the_command(command, served, study, data):
    study.write_text(study.read_text().replace("data: data.csv", f"data: {data}"))
    result = command("serve", study, "--no-browser")
    assert result.code == 2 and "open the fit in the page" in result.err


def test_column_of_experiments_is_taken_over(command, served, study, monkeypatch):
    made = []
    real = serve._session
    monkeypatch.setattr(serve, "_session", lambda begun: made.append(real(begun)) or made[-1])
    study.write_text(study.read_text().replace("data: data.csv", "data: {file: data.csv, do_column: arm}"))
    assert command("serve", study, "--port", "0", "--no-browser").code == 0
    assert made[0].given.do == "arm" and made[0].look is not None
