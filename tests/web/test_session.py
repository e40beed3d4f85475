"""A table, a fit and questions through the page's server: the numbers of the package, and nothing lost on the way."""

from __future__ import annotations

import ast
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml

import latentdo as ld
from handmade_fits import handmade
from latentdo.web import Draft, Session, uploads
from latentdo.web.folders import left_behind, new_folder
from served_page import browser_of, message

MODEL = "# a comment\nX ~ normal\nY ~ normal(X)"
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"


def rows(n: int = 60) -> str:
    random = np.random.default_rng(3)
    x = random.normal(size=n)
    y = x + random.normal(size=n)
    arm = ["low", "high", "NA"]
    return "X,Y,arm\n" + "".join(f"{a:.4f},{b:.4f},{arm[k % 3]}\n" for k, (a, b) in enumerate(zip(x, y, strict=True)))


def bring(client, content=None, name="cells.csv"):
    return client.post("/api/table", content=rows().encode() if content is None else content, headers={"X-Name": name})


def done(client, verb, **fields):
    reply = client.post(f"/api/{verb}", json=fields).json()
    assert reply["ok"], reply
    return reply


def waited(session, *states, seconds=120.0):
    end = time.monotonic() + seconds
    while session.state() not in states:
        assert time.monotonic() < end, session.fit_json()
        time.sleep(0.05)


# --- tables


def test_table_shows_how_its_columns_look(client):
    table = bring(client).json()["table"]
    assert (table["name"], table["rows"]) == ("cells.csv", 60)
    x, _, arm = table["columns"]
    assert x["kind"] == "numbers" and x["missing"] == 0
    assert sum(each["count"] for each in x["bins"]) == 60
    assert arm["kind"] == "names" and arm["missing"] == 20
    assert arm["levels"] == [{"level": "high", "count": 20}, {"level": "low", "count": 20}]
    assert x["regimes"] is None
    assert done(client, "columns")["table"] == table == done(client, "session")["table"]


def test_column_that_says_what_was_set_tells_in_how_many_rows(client):
    cells = ["", "X", "X", '"Z, X"', '"`a, b`, X"', '"X,Z"', "NA"]
    content = "X,arm,odd\n" + "".join(f'{k},{cell},"a,,b"\n' for k, cell in enumerate(cells))
    _, arm, odd = bring(client, content.encode()).json()["table"]["columns"]
    assert {tuple(each["do"]): each["rows"] for each in arm["regimes"]} == {
        (): 2,
        ("X",): 2,
        ("X", "Z"): 2,
        ("X", "a, b"): 1,
    }
    assert odd["regimes"] is None


def test_column_that_cannot_be_read_says_why_and_leaves_the_others(client):
    columns = bring(client, b"X,Y,Y,Z\n1,2,3,4\n2,3,4,<5\n3,1,1,7\n").json()["table"]["columns"]
    assert [each["kind"] for each in columns] == ["numbers", "unreadable", "unreadable"]
    assert "2 columns have this name" in columns[1]["problem"]
    assert "limit of detection" in columns[2]["problem"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd.csv"),
        ("../../../etc/cron.d/x.csv", "x.csv"),
        ("C:\\Windows\\system32\\drivers.csv", "drivers.csv"),
        ("..", "table.csv"),
        ("", "table.csv"),
        ("/", "table.csv"),
        (".csv", "table.csv"),
        ("con.csv", "table.csv"),
        ("a%00b%0Ac;rm -rf.tsv", "a_b_c_rm_-rf.tsv"),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E.csv", "script.csv"),
        ("x" * 300 + ".csv", "x" * 60 + ".csv"),
        ("Zellen%20%C3%BC.CSV", "Zellen.csv"),
    ],
)
def test_name_of_an_upload_becomes_no_path(client, session, given, kept):
    content = rows().replace(",", "\t").encode() if kept.endswith(".tsv") else None
    table = bring(client, content, given).json()["table"]
    assert session.table is not None and session.table == session.folder / "table" / kept
    # Its owner reads the name that the file has at home.
    assert "/" not in table["name"] and "\\" not in table["name"] and table["name"].isprintable()
    assert len(table["name"]) <= 200 and table["name"].strip(".")


def test_upload_that_is_too_large_is_refused_and_leaves_nothing(client, session, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 2**20)
    before = bring(client).json()["table"]

    def pieces():
        for _ in range(100):
            yield b"1,2,3\n" * 20_000

    for content in (pieces(), b"1" * (2**20 + 1)):  # in pieces without a length, and with one that says it
        reply = bring(client, content, "large.csv")
        assert reply.status_code == 413
        assert "more than 1 MiB" in message(reply)
    assert [path.name for path in (session.folder / "table").iterdir()] == ["cells.csv"]
    assert done(client, "session")["table"] == before


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.csv", "The file is empty."),
        (b"PK\x03\x04junk", "a%20book.xlsx", "a book.xlsx is no text but a workbook"),
        (b"a;b\n1,5;2\n", "a.csv", "Save it with commas between cells, and with a point in numbers."),
        (b"a;b\n1.5;2\n", "a.csv", "pd.read_csv(path, sep=';') reads it"),
        (b'a,b\n1,2\n1,2,3\n1,2\n"1,2\n', "a.csv", "The header has 2 cells, but line 3 has 3."),
        (b"\xff\xfe\x00", "a.csv", ""),
        (b"no parquet", "a.parquet", "is not a Parquet file"),
        (b"<!doctype html><html>", "a.csv", ""),
    ],
)
def test_what_is_no_table_is_one_message(client, session, content, name, said):
    reply = bring(client, content, name).json()
    if not reply["ok"]:
        assert said in reply["error"]["message"]
        assert str(session.folder) not in reply["error"]["message"]
        assert not list((session.folder / "table").iterdir())


# --- before training


def test_check_of_a_model_is_that_of_the_package(client, session):
    bring(client)
    reply = done(client, "check", text=MODEL, queries=[["effect", EFFECT]])
    assert reply["of"] == "model"
    study = ld.load_study("model: |\n  X ~ normal\n  Y ~ normal(X)\nqueries:\n  effect: " + EFFECT)
    expected = ld.check(study, session.table)
    assert reply["report"] == json.loads(json.dumps(expected.to_json()))
    assert reply["text"] == str(expected)


def test_check_of_a_graph_tests_what_it_implies(client):
    bring(client)
    assert done(client, "check", text="X -> Y")["of"] == "graph"


def test_plan_names_the_blocks(client):
    bring(client)
    reply = done(
        client, "plan", text="latent U ~ normal\nX ~ normal(U)\nY ~ normal(U)", engine="nuts", settings={"draws": 50}
    )
    assert [each["latent"] for each in reply["blocks"]] == [["U"]]
    assert "draws=50" in reply["engine"]
    assert "engine: nuts" in reply["study"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "Y ~ normal(X"}, "line 1"),
        ({"text": "X -> Y"}, "how each node is generated"),
        ({"text": MODEL, "queries": [["a", "E[Y]"], ["a", "E[X]"]]}, "Two questions have the same name."),
        ({"text": MODEL, "engine": "emcee"}, "emcee"),
        ({"text": MODEL, "settings": {"draws": "many"}}, "draws"),
        ({"text": MODEL, "more": {"priors": {"weight(Q)": "normal(0, 1)"}}}, "weight(Q)"),
        ({"text": MODEL, "missing": "guess"}, "missing"),
        ({"text": MODEL, "quries": []}, "Did you mean 'queries'?"),
        ({"text": 3}, "is a text, got int"),
        ({"text": MODEL.replace("X", "W")}, "If nobody measured it, write `latent W`."),
        ({"text": MODEL.replace("X", "`a %`")}, "If nobody measured it, write latent `a %`."),
    ],
)
def test_what_cannot_be_trained_is_one_message(client, fields, said):
    bring(client)
    reply = client.post("/api/plan", json=fields)
    assert said in message(reply)


def test_what_needs_a_table_or_a_fit_says_so(client):
    assert "There is no table yet." in message(client.post("/api/fit", json={"text": MODEL}))
    assert "There is no fit yet." in message(client.post("/api/ask", json={"queries": ["E[Y]"]}))
    assert "Nothing was asked yet." in message(client.post("/api/plot", json={"kind": "answers"}))
    assert "No fit is running." in message(client.post("/api/stop", json={}))
    assert "There is no fit to go on with." in message(client.post("/api/resume", json={}))
    assert client.get("/api/download/fit").status_code == 400
    assert "There is no file 'fitt'. Did you mean 'fit'?" in message(client.get("/api/download/fitt"))
    assert "There is no verb 'fitt'" in message(client.post("/api/fitt", json={}))


# --- a fit


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A session in which a model was trained in a process of its own, and what was told meanwhile."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<head></head>")
    (folder / "session").mkdir()
    session = Session(folder / "session")
    with browser_of(folder, session) as client:
        bring(client)
        told = []
        session.told = lambda kind, value: told.append((kind, value))
        done(client, "fit", text=MODEL, queries=[["effect", EFFECT]], seed=1, check=False)
        again = client.post("/api/fit", json={"text": MODEL})
        waited(session, "done", "failed")
        session.told = lambda kind, value: None
        told.append(("fit", session.fit_json()))
        yield client, session, told, again
    session.close()


def test_fit_tells_how_far_it_is(trained):
    _, _, told, _ = trained
    states = [value for kind, value in told if kind == "fit"]
    assert states[0]["state"] == "running" and states[-1]["state"] == "done"
    assert any(0 < value["share"] < 1 or value["blocks"] for value in states[1:-1]), "nothing was told on the way"
    assert {each["name"] for each in states[-1]["blocks"]} == {"{X}", "{Y}"}
    assert states[-1]["share"] == 1.0 and states[-1]["fit"]["converged"]
    # All blocks done is not all done: what follows has a name.
    steps = [
        value["step"] for value in states if value["blocks"] and value["share"] == 1.0 and value["state"] == "running"
    ]
    assert steps and set(steps) == {"All nodes are trained. The fit is judged and saved"}
    assert not any(value["left"] is not None for value in states if value["step"])


def test_second_tab_is_told_that_a_fit_is_running(trained):
    *_, again = trained
    assert "A fit is running, perhaps in another tab." in message(again)


def test_numbers_are_those_of_the_script_that_repeats_the_session(trained, tmp_path, monkeypatch, capsys):
    client, *_ = trained
    answers = done(client, "ask", queries=[["effect", EFFECT], "P(Y > 1 | do(X=1))"], level=0.8, seed=2)["answers"]
    assert [each["name"] for each in answers] == ["effect", None]
    curve = done(client, "sweep", query=EFFECT, node="X", **{"from": 0, "to": 1}, points=4)
    assert curve["answers"][0]["mean"] == 0.0
    compared = done(client, "compare", queries=[EFFECT], methods=["lvm", "naive regression"])
    script = client.get("/api/download/script").text
    monkeypatch.chdir(tmp_path)
    Path("cells.csv").write_text(rows())
    names: dict = {}
    exec(compile(script, "session.py", "exec"), names)
    again = json.loads(json.dumps(names["answers"].to_json(0.8)))
    assert again == answers
    assert names["curve"].to_json(0.9)[-1]["mean"] == curve["answers"][-1]["mean"]
    assert f"{compared['rows'][0]['estimate']:.2f}" in capsys.readouterr().out
    assert Path("answers.csv").read_bytes() == client.get("/api/download/csv").content


def test_downloads_are_what_they_say(trained):
    client, *_ = trained
    done(client, "ask", queries=[EFFECT])
    for kind in ("fit", "study", "script", "commands", "csv", "json", "latex", "methods", "report"):
        reply = client.get(f"/api/download/{kind}")
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-disposition"].startswith("attachment; filename=")
    assert "# a comment" in client.get("/api/download/study").text
    assert "latentdo fit study.yaml cells.csv" in client.get("/api/download/commands").text
    assert ld.load_study(client.get("/api/download/study").text).queries[0][0] == "effect"
    assert EFFECT in client.get("/api/download/json").json()["answers"][0]["query"]


def test_script_and_commands_read_the_table_under_the_name_that_its_owner_gave_it(client, session, tmp_path):
    assert bring(client, name="my%20trial's%20%22rows%22.csv").json()["table"]["name"] == 'my trial\'s "rows".csv'
    assert session.table == session.folder / "table" / "my_trial_s_rows.csv"
    done(client, "fit", text=MODEL, queries=[EFFECT], check=False, engine="map")
    waited(session, "done", "failed")
    script, commands, study = (client.get(f"/api/download/{kind}").text for kind in ("script", "commands", "study"))
    name = session.look.name
    assert repr(name) in script and shlex.quote(name) in commands
    assert yaml.safe_load(study)["data"] == name
    (tmp_path / name).write_text(rows())
    (tmp_path / "study.yaml").write_text(study)
    assert ld.load_study(tmp_path / "study.yaml").data is not None
    assert Session(session.folder).look.name == name, "a server that goes on has another name for it"


def test_fit_keeps_the_name_of_its_table_where_another_is_brought(client, session, tmp_path):
    bring(client, name="first.csv")
    done(client, "fit", text=MODEL, queries=[EFFECT], check=False, engine="map")
    waited(session, "done", "failed")
    assert done(client, "session")["fit"]["table"] is None
    bring(client, name="copy.csv")
    assert done(client, "session")["fit"]["table"] is None, "the same rows under another name"
    bring(client, rows(50).encode(), name="second.csv")
    for here in (session, Session(session.folder)):
        assert here.fit_json()["table"] == "first.csv"
        with browser_of(tmp_path, here) as other:
            files = [other.get(f"/api/download/{kind}").text for kind in ("script", "commands", "study")]
        assert all("first.csv" in text and "second.csv" not in text for text in files)
    done(client, "fit", text=MODEL, queries=[EFFECT], check=False, engine="map")
    waited(session, "done", "failed")
    assert done(client, "session")["fit"]["table"] is None
    assert "second.csv" in client.get("/api/download/script").text


def test_fit_stays_with_its_answers_until_another_one_is_done(client, session, tmp_path):
    handmade("X ~ normal; Y ~ normal(X)").save(tmp_path / "a.ldo")
    opened(client, (tmp_path / "a.ldo").read_bytes())
    bring(client)
    first = done(client, "ask", queries=[EFFECT])["answers"]
    before = session.fit_json()

    # What cannot be trained leaves everything as it was.
    refused = client.post("/api/fit", json={"text": MODEL.replace("X", "W"), "engine": "map"})
    assert "There is no column for the node 'W'" in message(refused)
    assert session.fit_json() == before and done(client, "ask", queries=[EFFECT])["answers"] == first

    other = {"text": MODEL, "check": False, "engine": "map", "seed": 1}
    fit = done(client, "fit", **other)["fit"]
    assert fit["state"] == "running" and fit["study"] == before["study"] and fit["fit"] == before["fit"]
    assert done(client, "ask", queries=[EFFECT])["answers"] == first
    fit = done(client, "stop")["fit"]
    assert fit["state"] == "stopped" and fit["goes_on"] and fit["fit"] == before["fit"]
    assert done(client, "ask", queries=[EFFECT])["answers"] == first
    again = Session(session.folder)
    assert again.state() == "stopped" and again.opened == "mine.ldo"

    done(client, "resume")
    waited(session, "done", "failed")
    fit = session.fit_json()
    assert fit["study"]["seed"] == 1 and fit["fit"]["seed"] == 1 and not fit["goes_on"]
    assert "Nothing was asked yet." in message(client.post("/api/plot", json={"kind": "answers"})), "of the old fit"

    # Without the table the fit stays; the fit goes when that is said.
    gone = done(client, "forget", what="table")
    assert gone["table"] is None and gone["fit"]["fit"] == fit["fit"]
    assert not list((session.folder / "table").iterdir())
    assert done(client, "ask", queries=[EFFECT])["answers"][0]["mean"] is not None
    assert done(client, "forget", what="fit")["fit"]["state"] == "none"
    assert not session.fit_folder.exists()


def test_study_file_has_what_stands_in_the_page(trained):
    client, *_ = trained
    asked = ["E[Y | do(X=1)]", ["share", "P(Y > 1 | do(X=0))"]]
    reply = client.post(
        "/api/download/study", json={"text": f"{MODEL}\n", "queries": asked, "seed": 3, "engine": "map"}
    )
    assert reply.headers["content-disposition"] == 'attachment; filename="study.yaml"'
    study = ld.load_study(reply.text)
    assert study.queries == ld.load_study(reply.text).queries and len(study.queries) == 2
    assert dict(study.queries).keys() == {"E[Y | do(X=1)]", "share"}
    assert yaml.safe_load(reply.text)["data"] == "cells.csv"
    refused = client.post("/api/download/study", json={"text": MODEL, "queries": ["E[Q | do(X=1)]"]})
    assert refused.status_code == 400 and "'Q'" in message(refused)


def test_curve_over_levels_is_asked_at_each_of_them(client, session, tmp_path):
    handmade("X ~ bernoulli; Z ~ normal; Y ~ normal(X, Z)").save(tmp_path / "a.ldo")
    facts = opened(client, (tmp_path / "a.ldo").read_bytes()).json()["fit"]["fit"]
    assert facts["levels"] == {"X": [0.0, 1.0]}
    curve = done(client, "sweep", query=EFFECT, node="X", values=facts["levels"]["X"])
    assert [each["at"] for each in curve["answers"]] == [{"X": 0}, {"X": 1}]
    assert "for X in [0, 1]" in client.get("/api/download/script").text
    refused = client.post("/api/sweep", json={"query": EFFECT, "node": "X", "values": [True]})
    assert "a list of numbers and texts" in message(refused)


def test_fit_is_downloaded_without_the_rows_of_its_table(trained):
    client, session, *_ = trained
    assert session.posterior().data is not None
    with zipfile.ZipFile(io.BytesIO(client.get("/api/download/fit").content)) as archive:
        assert not [name for name in archive.namelist() if "data" in name]


def test_pictures_are_svg(trained):
    client, *_ = trained
    done(client, "ask", queries=[EFFECT])
    assert "<svg" in done(client, "plot", kind="answers")["svg"]


def test_session_goes_on_where_a_killed_server_left_it(trained):
    _, session, *_ = trained
    other = Session(session.folder)
    assert other.state() == "done"
    assert other.draft == session.draft
    assert other.fit_json()["fit"]["summary"] == session.fit_json()["fit"]["summary"]


# --- saved fits


def opened(client, content, name="mine.ldo"):
    return client.post("/api/open", content=content, headers={"X-Name": name})


def test_saved_fit_is_opened_and_asked(client, tmp_path):
    handmade("X ~ normal; Y ~ normal(X)").save(tmp_path / "mine.ldo")
    reply = opened(client, (tmp_path / "mine.ldo").read_bytes()).json()
    assert reply["fit"]["state"] == "done" and reply["fit"]["opened"] == "mine.ldo"
    assert reply["fit"]["study"]["text"] == "X ~ normal\nY ~ normal(X)"
    assert done(client, "ask", queries=["E[Y | do(X=1)]"])["answers"][0]["mean"] is not None
    assert "posterior = ld.load('mine.ldo')" in client.get("/api/download/script").text
    done(client, "forget")
    assert done(client, "session")["fit"]["state"] == "none"


def bomb() -> bytes:
    """A small zip that unpacks to a gigabyte."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("manifest.json", "w") as member:
        for _ in range(64):
            member.write(b" " * 2**20)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bomb(), "would unpack to"),
        (b"no zip at all", "is not a saved fit"),
        (b"PK\x03\x04", "is cut short or damaged"),
        (b"\x80\x04\x95cposix\nsystem\n", "is not a saved fit"),
    ],
    ids=["bomb", "text", "cut", "pickle"],
)
def test_file_that_is_no_fit_is_refused_and_removed(client, session, content, said):
    told = message(opened(client, content, "../../evil.ldo"))
    assert told.startswith("evil.ldo") and said in told
    assert str(session.folder) not in told
    assert not list((session.folder / "opened").iterdir())
    assert done(client, "session")["fit"]["state"] == "none"


# --- script in names


def test_script_in_names_is_text_wherever_it_is_written(client, tmp_path):
    name = "<script>alert(1)</script>"
    handmade(f"X ~ normal; `{name}` ~ normal(X)").save(tmp_path / "a.ldo")
    opened(client, (tmp_path / "a.ldo").read_bytes())
    reply = client.post("/api/ask", json={"queries": [f"E[`{name}` | do(X=1)]"]})
    assert reply.headers["content-type"] == "application/json"
    assert "<script" not in client.get("/api/download/report").text
    svg = done(client, "plot", kind="answers")["svg"]
    assert "<script" not in svg


def test_names_cannot_leave_the_text_of_a_script(client, tmp_path):
    handmade("X ~ normal; Y ~ normal(X)").save(tmp_path / "a.ldo")
    opened(client, (tmp_path / "a.ldo").read_bytes(), "';touch canary;'.ldo")
    odd = [
        "\"';open('canary', 'w')#",
        'a\n"""\nopen("canary", "w")\n"""',
        "a\nEND\ntouch canary\n",
        "`touch canary`$(touch canary)",
    ]
    done(client, "ask", queries=[[name, "E[Y]"] for name in odd])
    compile(client.get("/api/download/script").text, "session.py", "exec")
    tree = ast.parse(client.get("/api/download/script").text)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "open"]
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "latentdo").write_text("#!/bin/sh\ncat > /dev/null\n")
    (commands / "latentdo").chmod(0o755)
    (tmp_path / "session.sh").write_bytes(client.get("/api/download/commands").content)
    env = {"PATH": f"{commands}:/usr/bin:/bin"}
    subprocess.run(["sh", "session.sh"], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, check=True, timeout=20)
    assert not (tmp_path / "canary").exists()


# --- folders


def test_folder_of_a_session_is_private_and_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    session = Session()
    assert session.folder.is_relative_to(tmp_path)
    assert session.folder.stat().st_mode & 0o077 == 0
    assert session.folder.parent.stat().st_mode & 0o077 == 0
    folder = session.folder
    assert session.close() is None
    assert not folder.exists()


def test_fit_of_a_server_that_is_gone_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = new_folder()
    session = Session(folder)
    (folder / "fit").mkdir()
    handmade().save(folder / "fit" / "fit.ldo")
    session.note()
    assert left_behind() is None, "the server is this process, which runs"
    state = json.loads((folder / "session.json").read_text())
    (folder / "session.json").write_text(json.dumps({**state, "pid": 2**22 + 1}))
    assert left_behind() == folder


def test_fit_that_was_only_begun_is_kept_with_its_table(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    session = Session()
    (tmp_path / "cells.csv").write_text(rows())
    (session.folder / "table").mkdir()
    session.take_table((tmp_path / "cells.csv").rename(session.folder / "table" / "cells.csv"))
    session.fit(Draft(MODEL, check=False))
    assert "The fit is kept for 7 days" in (session.close() or "")
    other = Session(session.folder)
    assert other.state() in ("stopped", "done") and other.keeps
    assert other.begun == session.begun and other.draft == session.draft and other.table == session.table
    other.forget_fit()
    other.forget_table()
    assert other.close() is None and not session.folder.exists()


def test_kept_fit_that_was_cut_short_is_told_and_forgotten(static, tmp_path):
    folder = tmp_path / "kept"
    (folder / "fit").mkdir(parents=True)
    handmade().save(folder / "fit" / "fit.ldo")
    whole = (folder / "fit" / "fit.ldo").read_bytes()
    (folder / "fit" / "fit.ldo").write_bytes(whole[: len(whole) // 2])
    with browser_of(static, Session(folder)) as client:
        fit = done(client, "session")["fit"]
        assert fit["state"] == "failed" and "fit.ldo" in fit["error"]["message"] and str(tmp_path) not in str(fit)
        assert done(client, "forget")["fit"]["state"] == "none"
    assert not (folder / "fit").exists()


def test_folder_that_somebody_else_made_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = new_folder().parent
    first.chmod(0o777)
    assert new_folder().parent != first


# --- long fits, in the real thing


LONG = "latent U ~ normal\nX ~ normal(U)\nM ~ normal(X)\nY ~ normal(M, U)"


def served_by(process):
    """The address of a server that was started, and a way to ask it."""
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    with urllib.request.urlopen(address, timeout=30) as page:
        token = page.read().decode().split('name="latentdo-token" content="')[1].split('"')[0]

    def ask(verb, body=b"{}", **headers):
        request = urllib.request.Request(
            f"{address}api/{verb}", data=body, headers={"X-Latentdo-Token": token, **headers}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    return ask


def until(ask, right, seconds=400.0):
    end = time.monotonic() + seconds
    while not right(fit := ask("session")["fit"]):
        assert time.monotonic() < end and fit["state"] != "failed", fit
        time.sleep(0.2)
    return fit


def begun(fit):
    """Whether some draws are there, so that something is kept."""
    return any(block["share"] > 0.05 for block in fit["blocks"])


@contextmanager
def serving(folder):
    """A server in a process of its own, which is gone in the end; with a way to ask it."""
    line = [sys.executable, "-m", "latentdo", "serve", "--port", "0", "--no-browser"]
    env = {**os.environ, "TMPDIR": str(folder)}
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        yield process, served_by(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.sample
def test_fit_is_stopped_goes_on_and_outlives_a_killed_server(tmp_path):
    rows = np.random.default_rng(1).normal(size=(200, 3))
    table = "X,M,Y\n" + "".join(",".join(f"{cell:.4f}" for cell in row) + "\n" for row in rows)
    settings = {"draws": 2000, "warmup": 1000, "chains": 2}
    study = {"text": LONG, "engine": "nuts", "settings": settings, "check": False}
    with serving(tmp_path) as (server, ask):
        ask("table", table.encode(), **{"X-Name": "cells.csv"})
        ask("fit", json.dumps(study).encode())
        until(ask, begun)
        assert ask("stop")["fit"]["state"] == "stopped"
        ask("resume")
        fit = until(ask, begun)
        assert any(note.startswith("Going on from what was kept, with ") for note in fit["notes"]), fit["notes"]
    with serving(tmp_path) as (server, ask):
        again = ask("session")
        assert again["fit"]["state"] == "stopped"
        assert again["fit"]["study"]["text"] == LONG and again["table"]["rows"] == 200
        ask("resume")
        assert until(ask, lambda fit: fit["state"] == "done")["fit"]["n_rows"] == 200
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=60)
    assert "a fit of an earlier latentdo serve was kept" in said
    assert "The fit is kept for 7 days" in said
    (tmp_path / "cells.csv").write_text(table)
    whole = ld.fit(LONG, tmp_path / "cells.csv", ld.Nuts(**settings), check=False)
    (kept,) = tmp_path.glob("latentdo-serve-*/session-*/fit/fit.ldo")
    assert ld.ask(ld.load(kept), "E[Y | do(X=1)]").mean == ld.ask(whole, "E[Y | do(X=1)]").mean
