"""Archives: what is saved comes back bit by bit, and no file, however made, does anything but load or be refused."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import pickle
import random
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade_fits import FRONT_DOOR, ODD, handmade
from latentdo.errors import ArchiveError
from latentdo.graphs import parse_call
from latentdo.inference import read_archive, write_archive
from latentdo.inference.blocks.draws import NodeDraws
from latentdo.inference.posterior.posterior import Posterior
from latentdo.inference.storage import archive
from latentdo.inference.storage.codec import digest, plain_tree
from latentdo.models import ModelSpec

Members = dict[str, bytes]


def state(posterior: Posterior, *, timings: bool = True) -> bytes:
    """Every bit of a posterior, in one order."""
    arrays = [
        values.tobytes()
        for block in posterior.blocks
        for _, draws in block.draws
        for values in (draws.coefficients, *(values for _, values in draws.parameters))
    ]
    arrays += [own.to_raw.tobytes() for own in posterior.coordinates]
    if posterior.data is not None:
        arrays += [values.tobytes() for _, values in posterior.data.columns] + [posterior.data.weights.tobytes()]
    plain = [
        posterior.spec,
        posterior.facts,
        posterior.diagnostics,
        posterior.engine,
        posterior.seed,
        [(name, str(query)) for name, query in posterior.queries],
        posterior.warnings,
        posterior.seconds if timings else 0,
        [(own.node, own.terms, own.centred, own.centres, own.all, own.parameters) for own in posterior.coordinates],
        [
            (
                block.block,
                block.method,
                block.diagnostics,
                block.acceptance,
                block.n_divergent,
                block.n_warmup,
                block.n_made,
                (block.compile_seconds, block.sample_seconds) if timings else 0,
                [
                    (node, [name for name, _ in draws.parameters], draws.coefficients.shape)
                    for node, draws in block.draws
                ],
            )
            for block in posterior.blocks
        ],
        posterior.data is None or (posterior.data.names, posterior.data.ignored, posterior.data.unread),
    ]
    return repr(plain).encode() + b"".join(arrays)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(handmade(n_draws=6), tmp_path_factory.mktemp("fits") / "fit.ldo", data=True)


def rewritten(
    source: Path,
    target: Path,
    *,
    tree: Callable[[dict[str, Any]], Any] = lambda tree: tree,
    members: Callable[[Members], Members] = lambda members: members,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """The archive with its parts changed, and a digest that fits: what someone who knows the format could make."""
    with zipfile.ZipFile(source) as file:
        content = {name: file.read(name) for name in file.namelist()}
    changed = tree(json.loads(content["manifest.json"]))
    if isinstance(changed, dict):
        changed["digest"] = digest(changed)
        changed = json.dumps(changed)
    content["manifest.json"] = changed.encode()
    with zipfile.ZipFile(target, "w", compression) as file:
        for name, raw in members(content).items():
            file.writestr(name, raw)
    return target


def refusal(path: Path) -> str:
    with pytest.raises(ArchiveError) as caught:
        read_archive(path)
    assert str(path) in str(caught.value) and caught.value.path == str(path)
    return str(caught.value).replace(str(path), "FILE")


MODELS = {
    "front door": ModelSpec.parse(FRONT_DOOR),
    "odd names and priors": ModelSpec.parse(ODD),
    "priors of single weights": ModelSpec.parse("A ~ normal; B ~ normal; Y ~ normal(A, B, A:B); A <-> Y").with_priors(
        {
            "A -> Y": parse_call("normal(0, 2, low=-1, high=3)"),
            "A:B -> Y": parse_call("uniform(-1, 1)"),
            "intercept(Y)": parse_call("cauchy(0, 1)"),
            "sd(B)": 0.125,
        }
    ),
    "nodes in another order than their lines": ModelSpec.parse("A; B; A ~ normal(Z); B ~ normal(A); latent Z ~ normal"),
    "an inhibiting arrow": ModelSpec.parse("A -| B; A ~ normal; B ~ normal(A)"),
}


@pytest.mark.parametrize("spec", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("data", [True, False])
def test_a_loaded_fit_is_the_saved_one_bit_by_bit(spec: ModelSpec, data: bool, tmp_path: Path):
    posterior = handmade(spec)
    loaded = read_archive(posterior.save(tmp_path / "fit.ldo", data=data))
    expected = posterior if data else replace(posterior, data=None)
    assert loaded.spec == posterior.spec
    assert state(loaded) == state(expected)
    assert str(loaded) == str(posterior)
    again = write_archive(loaded, tmp_path / "again.ldo", data=data)
    assert again.read_bytes() == (tmp_path / "fit.ldo").read_bytes()


def test_numbers_that_json_lacks_come_back(tmp_path: Path):
    posterior = handmade()
    worst = replace(posterior.diagnostics[0], rhat=float("inf"), ess=float("inf"))
    loaded = read_archive(write_archive(replace(posterior, diagnostics=(worst,)), tmp_path / "fit.ldo"))
    assert loaded.diagnostics[0].rhat == float("inf")
    assert loaded.diagnostics[0].ess == float("inf")


def test_an_archive_without_data_holds_neither_rows_nor_folders(tmp_path: Path):
    posterior = handmade(source="/home/ann/secret/trial.csv")
    path = write_archive(posterior, tmp_path / "fit.ldo")
    content = path.read_bytes()
    assert b"secret" not in content and str(tmp_path).encode() not in content
    assert posterior.data is not None
    assert posterior.data.column("X").tobytes()[:16] not in content
    with zipfile.ZipFile(path) as file:
        assert all(name == "manifest.json" or name.startswith("posterior/") for name in file.namelist())
    loaded = read_archive(path)
    assert loaded.data is None
    assert loaded.facts == replace(posterior.facts, source="trial.csv")
    assert replace(posterior.facts, source=r"C:\Users\ann\trial.csv") != loaded.facts


def test_rows_come_back_only_when_they_were_saved(tmp_path: Path):
    loaded = read_archive(write_archive(handmade(), tmp_path / "fit.ldo"))
    with pytest.raises(ArchiveError, match="rows of the data are not in memory: the fit was loaded without"):
        write_archive(loaded, tmp_path / "rows.ldo", data=True)
    other = replace(handmade(), data=handmade(seed=5).data)
    with pytest.raises(ArchiveError, match="not those that the model was trained on"):
        write_archive(other, tmp_path / "rows.ldo", data=True)
    assert not (tmp_path / "rows.ldo").exists()


def test_equal_fits_differ_in_their_timings_alone(tmp_path: Path):
    slow = handmade()
    quick = replace(slow, seconds=0.5, blocks=tuple(replace(block, sample_seconds=0.1) for block in slow.blocks))
    one, two = write_archive(slow, tmp_path / "one.ldo"), write_archive(quick, tmp_path / "two.ldo")
    with zipfile.ZipFile(one) as a, zipfile.ZipFile(two) as b:
        first, second = ({name: f.read(name) for name in f.namelist()} for f in (a, b))
    manifests = [json.loads(content.pop("manifest.json")) for content in (first, second)]
    assert first == second
    assert manifests[0].pop("timings") != manifests[1].pop("timings")
    assert manifests[0] == manifests[1]


def test_the_manifest_says_what_made_it(saved: Path):
    with zipfile.ZipFile(saved) as file:
        manifest = json.loads(file.read("manifest.json"))
    assert manifest["format"] == 1
    assert manifest["versions"].keys() == {"latentdo", "numpy", "jax", "numpyro", "python"}
    assert manifest["queries"] == [["effect", "E[Y | do(X=1)]"]]
    assert ModelSpec.parse(manifest["model"]) == ModelSpec.parse(FRONT_DOOR)


def test_a_posterior_pickles():
    posterior = handmade(ODD)
    str(posterior)
    assert state(pickle.loads(pickle.dumps(posterior))) == state(posterior)


def test_loading_needs_no_jax(saved: Path):
    code = (
        "import sys; from pathlib import Path; from latentdo.inference import read_archive\n"
        f"str(read_archive(Path({str(saved)!r}))); print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Saving


def test_places_that_cannot_be_written_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ArchiveError, match=r"nowhere.*there is no folder .*nowhere. Make it first"):
        handmade().save(tmp_path / "nowhere" / "fit.ldo")
    with pytest.raises(ArchiveError, match=r"is a folder. Give the name of a file"):
        handmade().save(tmp_path)
    with pytest.raises(ArchiveError, match="cannot be written"):
        handmade().save(tmp_path / ("x" * 300))
    with pytest.raises(ArchiveError, match="cannot be written"):
        handmade().save(tmp_path / "null\0byte.ldo")
    write_archive(handmade(), tmp_path / "fit.ldo")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ArchiveError, match="the file is read-only"):
        handmade().save(tmp_path / "fit.ldo")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files")
def test_only_ordinary_files_are_replaced_and_read(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ArchiveError, match="it is a pipe"):
        handmade().save(pipe)
    assert "not an ordinary file" in refusal(pipe)
    # A link stays a link, to the new file.
    (tmp_path / "real.ldo").write_bytes(b"old")
    (tmp_path / "link.ldo").symlink_to(tmp_path / "real.ldo")
    write_archive(handmade(), tmp_path / "link.ldo")
    assert (tmp_path / "link.ldo").is_symlink()
    assert read_archive(tmp_path / "real.ldo").converged


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_archive(handmade(), tmp_path / "fit.ldo")
    before = path.read_bytes()
    broken = handmade()
    broken.by_node["Y"].coefficients[1, 2, 0] = np.inf
    with pytest.raises(ArchiveError, match="draws of Y are not all finite"):
        broken.save(path)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchiveError, match=r"cannot be written \(No space left on device\)"):
        handmade(seed=1).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["fit.ldo"]


def test_fits_that_cannot_be_kept_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    posterior = handmade("A ~ normal; B ~ normal(A)")
    set_by_hand = replace(posterior, spec=posterior.spec.do({"A": 1.0}))
    with pytest.raises(ArchiveError, match="the model cannot be saved"):
        set_by_hand.save(tmp_path / "fit.ldo")
    with pytest.raises(ArchiveError, match="not valid Unicode"):
        replace(posterior, warnings=("\ud800",)).save(tmp_path / "fit.ldo")
    monkeypatch.setattr(archive, "TOTAL_LIMIT", 1000)
    with pytest.raises(ArchiveError, match="Keep fewer draws"):
        posterior.save(tmp_path / "fit.ldo")
    assert not list(tmp_path.iterdir())


# Loading


def test_files_that_are_no_archives_are_refused(tmp_path: Path, saved: Path):
    assert refusal(tmp_path / "missing.ldo") == "FILE: there is no such file."
    assert refusal(tmp_path) == "FILE: is a folder, not a saved fit."
    path = tmp_path / "fit.ldo"
    for content in (b"", b"hello", b"\x00" * 1000):
        path.write_bytes(content)
        assert refusal(path) == "FILE: is not a saved fit (not a zip)."
    path.write_bytes(saved.read_bytes()[:-100])
    assert "is cut short or damaged" in refusal(path)


def without(name: str) -> Callable[[Members], Members]:
    return lambda members: {key: value for key, value in members.items() if key != name}


def plus(name: str) -> Callable[[Members], Members]:
    return lambda members: {**members, name: b"x"}


def swapped(members: Members) -> Members:
    a, b = "posterior/1.coefficients.npy", "posterior/2.coefficients.npy"
    return {**members, a: members[b], b: members[a]}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (without("manifest.json"), "has no manifest.json"),
        (without("posterior/2.coefficients.npy"), "the member posterior/2.coefficients.npy is missing"),
        (without("data/weights.npy"), "the member data/weights.npy is missing"),
        (plus("posterior/9.npy"), "'posterior/9.npy' does not belong"),
        (plus("/etc/passwd"), "'/etc/passwd' points out of the archive"),
        (plus("../fit.py"), "'../fit.py' points out of the archive"),
        (plus("posterior/../../fit.py"), "points out of the archive"),
        (plus("..\\fit.py"), "points out of the archive"),
        (plus("C:fit.py"), "points out of the archive"),
        (plus("posterior/"), "is not an ordinary file"),
        (swapped, "was changed after the fit was saved: its hash differs"),
    ],
)
def test_members_are_those_of_a_fit(members, message: str, saved: Path, tmp_path: Path):
    assert message in refusal(rewritten(saved, tmp_path / "fit.ldo", members=members))


def test_tricks_of_the_zip_format_are_refused(saved: Path, tmp_path: Path):
    path = tmp_path / "fit.ldo"

    def with_entry(name: str, mode: int = 0, flags: int = 0, method: int = zipfile.ZIP_STORED) -> Path:
        rewritten(saved, path)
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as file:
            warnings.simplefilter("ignore")
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = method
            file.writestr(info, b"x")
            file.infolist()[-1].flag_bits |= flags
        return path

    assert "is a link" in refusal(with_entry("posterior/x", mode=0o120777))
    assert "'manifest.json' occurs twice" in refusal(with_entry("manifest.json"))
    assert "is packed by a method" in refusal(with_entry("posterior/x", method=zipfile.ZIP_BZIP2))
    assert "is encrypted" in refusal(with_entry("posterior/x", flags=1))


def test_bombs_are_refused_before_they_are_unpacked(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "fit.ldo"
    bomb = b"\0" * 50_000_000
    rewritten(saved, path, members=lambda m: {**m, "x": bomb}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    assert "would unpack to 50," in refusal(path)
    rewritten(saved, path, members=lambda m: {**m, "manifest.json": bomb}, compression=zipfile.ZIP_DEFLATED)
    assert "would unpack to 50," in refusal(path)
    monkeypatch.setattr(archive, "MANIFEST_LIMIT", 100)
    assert "would unpack to" in refusal(saved)
    monkeypatch.undo()
    monkeypatch.setattr(archive, "TOTAL_LIMIT", 1000)
    assert "would unpack to" in refusal(saved)


def test_a_member_that_is_larger_than_declared_is_not_read_further(saved: Path, tmp_path: Path):
    # A deflated member of 50 MB whose entries, in both places, declare the few bytes of the original.
    name, path = "posterior/1.coefficients.npy", tmp_path / "fit.ldo"
    with zipfile.ZipFile(saved) as file:
        honest = file.getinfo(name)
    rewritten(saved, path, members=lambda m: {**m, name: b"\0" * 50_000_000}, compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes().replace((50_000_000).to_bytes(4, "little"), honest.file_size.to_bytes(4, "little"))
    path.write_bytes(content)
    assert f"the member {name}" in refusal(path)


def test_other_zip_tools_may_pack_it_anew(saved: Path, tmp_path: Path):
    packed = rewritten(saved, tmp_path / "fit.ldo", compression=zipfile.ZIP_DEFLATED)
    assert state(read_archive(packed)) == state(read_archive(saved))


def setting(*keys_and_value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    *keys, last, value = keys_and_value

    def change(tree: dict[str, Any]) -> dict[str, Any]:
        place: Any = tree
        for key in keys:
            place = place[key]
        place[last] = value
        return tree

    return change


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (lambda tree: "{'format': 1}", "manifest.json is not readable JSON"),
        (lambda tree: '{"format": NaN}', "NaN is not JSON"),
        (lambda tree: '{"format": 1, "format": 1}', "a key occurs twice"),
        (lambda tree: "[" * 100_000, "manifest.json is not readable JSON"),
        (lambda tree: "[1]", "manifest.json has no format number"),
        (setting("format", "1"), "manifest.json has no format number"),
        (setting("format", 2), "written by a newer latentdo (format 2); this version reads 1"),
        (lambda tree: json.dumps({**tree, "seed": 3}), "its digest does not match"),
        (setting("seed", "0"), "Expected `int`, got `str` - at `$.seed`"),
        (setting("model", "X ~"), "manifest.json holds something unusable: line 1"),
        (setting("model", "X ~ nrmal"), "its model has the family 'nrmal', which is not known here"),
        (setting("model", "A ~ normal; B ~ normal; A <-> B [latents=900]"), "more latents than the graph"),
        (setting("model", "X ~ normal"), "the model text and the graph differ"),
        (setting("priors", {"X -> Q": "normal(0, 1)"}), "'Q' is not a node"),
        (setting("queries", 0, 1, "E[Y"), "manifest.json holds something unusable"),
        (setting("draws", 0), "Expected `int` >= 1 - at `$.draws`"),
        (setting("draws", 7), "has another shape than the model needs"),
        (setting("rows", 0), "Expected `int` >= 1 - at `$.rows`"),
        (setting("timings", "blocks", []), "blocks and timings differ in number"),
        (setting("members", []), "the members are not those of the model"),
        (setting("members", 0, "size", 10**12), "has another size than its shape needs"),
        (setting("members", 0, "sha256", "0" * 64), "its hash differs"),
        (setting("blocks", []), "the blocks and"),
        (setting("coordinates", []), "the coordinates are not of the model's nodes"),
        (setting("coordinates", 1, "to_raw", [[1.0]]), "the coordinates of X do not suit its mechanism"),
        (
            setting("coordinates", 1, "to_raw", [[0.0, 0.0], [0.0, 1.0]]),
            "the coordinates of X do not suit its mechanism",
        ),
        (setting("coordinates", 1, "coefficients", 0, "prior", "args", [0.0, -1.0]), "must be positive"),
        (setting("data", "columns", []), "the columns are not those of the model"),
        (setting("data", "hash", "0" * 64), "The rows are not those that the model was trained on"),
        (setting("blocks", 0, "block", "inputs", ["Q"]), "has an input that is not a node"),
        (setting("blocks", 0, "block", "latent", []), "has other nodes than its draws"),
        (setting("data", "n_rows", -3), "the data have -3 rows"),
        (setting("data", "columns", 0, "sd", -1.0), "the numbers of the column X are not possible"),
        (setting("data", "columns", 0, "minimum", {"number": "nan"}), "the numbers of the column X are not possible"),
        (setting("queries", 0, 1, "E[Q | do(X=1)]"), "'Q' is not a node"),
        (setting("queries", 0, 1, "E[Y | do(U=1)]"), "'U' is latent and cannot be set"),
        (setting("versions", {"latentdo": "0.1.0"}), "the versions lack jax, numpy, numpyro, python"),
        (setting("seed", -1), "Expected `int` >= 0 - at `$.seed`"),
        (setting("blocks", 0, "n_divergent", 10**9), "more transitions diverged than were made"),
        (setting("blocks", 0, "n_made", -1), "Expected `int` >= 0"),
        (setting("blocks", 0, "acceptance", -2.0), "Expected `float` >= 0.0"),
        (setting("blocks", 0, "weight_ess", {"number": "nan"}), "Expected `float` >= 0.0"),
        (setting("blocks", 0, "khat", {"number": "nan"}), "the k-hat of the block"),
        (setting("diagnostics", 0, "ess", -1.0), "in the fit are not possible"),
        (setting("diagnostics", 0, "rhat", {"number": "nan"}), "in the fit are not possible"),
        (setting("blocks", 0, "diagnostics", 0, "ess", {"number": "nan"}), "are not possible. The file is damaged."),
        (setting("data", "hash", "abc"), "the hash of the data is none"),
        (setting("data", "rows_digest", "F" * 32), "the digest of the rows is none"),
        (setting("blocks", 0, "rows_hash", "0" * 63), "is none. The file is damaged."),
        (setting("members", 0, "sha256", "Z" * 64), "the hash of posterior/0.coefficients.npy is none"),
        (
            setting("coordinates", 1, "coefficients", 0, "label", "intercept(Q)"),
            "the parameters of X are called otherwise than in the model",
        ),
        (setting("timings", "fit", -1.0), "Expected `float` >= 0.0 - at `$.timings.fit`"),
        (setting("coordinates", 1, "coefficients", 0, "shift", {"number": "nan"}), "do not suit its mechanism"),
        (setting("coordinates", 1, "coefficients", 0, "start", [0.0, {"number": "inf"}]), "do not suit its mechanism"),
        (setting("coordinates", 1, "to_raw", [[{"number": "nan"}, 0.0], [0.0, 1.0]]), "is made of finite numbers"),
    ],
)
def test_a_manifest_must_make_sense(tree, message: str, saved: Path, tmp_path: Path):
    found = refusal(rewritten(saved, tmp_path / "fit.ldo", tree=tree))
    if message == "the blocks and":
        message = "blocks and timings differ in number"
    assert message in found


def forged(saved: Path, target: Path, raw: bytes) -> Path:
    """The first array replaced by these bytes, with a hash that fits."""
    name = "posterior/0.coefficients.npy"

    def tree(tree: dict[str, Any]) -> dict[str, Any]:
        entry = next(member for member in tree["members"] if member["name"] == name)
        entry |= {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        return tree

    return rewritten(saved, target, tree=tree, members=lambda members: {**members, name: raw})


def npy(values: np.ndarray, dtype: str | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values)
    raw = stream.getvalue()
    return raw if dtype is None else raw.replace(b"'<f8',", f"{dtype!r},".ljust(6).encode())


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (npy(np.full((4, 6, 1), np.nan)), "has numbers that are not finite"),
        (npy(np.full((4, 6, 1), -1e300)), "or larger than 1e+250"),
        (npy(np.zeros((4, 6, 1)), "?x"), "is not an array"),
        (npy(np.zeros((4, 6, 1)), "|O"), "holds object, expected float64"),
        (npy(np.zeros((4, 6, 1)), "<i8"), "holds int64, expected float64"),
        (npy(np.zeros((6, 4, 1))), "has the shape (6, 4, 1), expected (4, 6, 1)"),
        (npy(np.zeros((6, 4)).T[:, :, None]), "C order"),
        (b"\0" * 320, "is not an array"),
        (b"\x93NUMPY\x01\x00\xff\xff{" + b"(" * 300, "is not an array"),
    ],
)
def test_arrays_are_numbers_of_the_right_shape(raw: bytes, message: str, saved: Path, tmp_path: Path):
    assert message in refusal(forged(saved, tmp_path / "fit.ldo", raw))


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("normal(X)", {"parameters": (("sd", np.full((4, 6), -1.0)),)}, "sd(Y) is below 0 in some draws"),
        ("table(levels=[0, 1])", {"coefficients": np.full((4, 6, 2), 0.9)}, "the table of Y holds no probabilities"),
    ],
)
def test_draws_out_of_their_range_are_refused(family: str, change: dict[str, Any], message: str, tmp_path: Path):
    posterior = handmade(f"X ~ normal; Y ~ {family}", n_draws=6)
    first, second = posterior.blocks
    impossible = replace(second, draws=(("Y", replace(posterior.by_node["Y"], **change)),))
    path = write_archive(replace(posterior, blocks=(first, impossible)), tmp_path / "fit.ldo")
    assert message in refusal(path)


# Fuzzing


def outcome(path: Path, expected: bytes) -> str:
    """Refused, or equal; anything else fails the test."""
    try:
        loaded = read_archive(path)
    except ArchiveError as refused:
        assert str(path) in str(refused)
        return "refused"
    assert state(loaded, timings=False) == expected
    return "equal"


def test_damage_is_refused_or_harmless(saved: Path, tmp_path: Path):
    chance = random.Random(20)
    content = saved.read_bytes()
    expected = state(read_archive(saved), timings=False)
    path = tmp_path / "fit.ldo"
    # The table of contents, at the end, is where damage is most inventive.
    tail = content.rindex(b"manifest.json") - 1500
    found = []
    for k in range(300):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 1, 4))):
            place = chance.randrange(tail, len(content)) if k % 2 else chance.randrange(len(content))
            damaged[place] = (
                chance.randrange(256) if chance.random() < 0.5 else damaged[place] ^ (1 << chance.randrange(8))
            )
        if k % 10 == 0:
            start = chance.randrange(len(content))
            del damaged[start : start + chance.choice((1, 8, 1000, len(content)))]
        if k % 10 == 5:
            damaged[(start := chance.randrange(len(content))) : start] = chance.randbytes(chance.choice((1, 30)))
        path.write_bytes(damaged)
        found.append(outcome(path, expected))
    assert found.count("refused") > 200


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    pairs = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [(tree, key) for key, _ in pairs] + [place for _, part in pairs for place in places(part)]


VALUES = (
    *(None, True, 0, -1, 3, 1.5, -0.0, 1e308, 10**30, "", "X", "U", "normal(0, 1)", [], {}, ["X"], [[1.0]]),
    *({"number": "inf"}, {"number": "nan"}, "\x1b[2J", "a\nb", "é" * 300, "`"),
)


def test_any_change_of_the_manifest_is_refused_or_gives_a_fit_that_works(saved: Path, tmp_path: Path):
    chance = random.Random(21)
    loaded = 0

    def edited(tree: dict[str, Any]) -> dict[str, Any]:
        container, key = chance.choice(places(tree))
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1:
                other, there = chance.choice(places(tree))
                container[key] = copy.deepcopy(other[there])
            case _:
                container[key] = chance.choice(VALUES)
        return plain_tree(json.loads(json.dumps(tree)))

    for _ in range(150):
        path = rewritten(saved, tmp_path / "fit.ldo", tree=edited)
        try:
            posterior = read_archive(path)
        except ArchiveError as refused:
            assert str(path) in str(refused)
            continue
        loaded += 1
        assert str(posterior) and repr(posterior) and isinstance(posterior.converged, bool)
        assert all(isinstance(draws, NodeDraws) for draws in posterior.by_node.values())
    assert 5 < loaded < 120


# Functions


def with_functions(posterior: Posterior) -> Posterior:
    return replace(posterior, facts=replace(posterior.facts, functional=(("M", ("X",)),)))


def test_what_the_data_showed_to_be_functions_is_kept(tmp_path):
    posterior = with_functions(handmade(n_draws=6))
    loaded = read_archive(write_archive(posterior, tmp_path / "fit.ldo", data=False))
    assert loaded.functional == {"M": ("X",)}
    assert state(loaded) == state(replace(posterior, data=None))


def test_a_fit_from_before_functions_were_kept_is_read(saved, tmp_path):
    def older(tree):
        del tree["data"]["functional"]
        return tree

    loaded = read_archive(rewritten(saved, tmp_path / "old.ldo", tree=older))
    assert loaded.facts.functional == ()
    assert loaded.functional == {}


def test_units_are_kept_and_may_be_missing(saved, tmp_path):
    posterior = handmade(n_draws=6).with_units({"Y": "mmHg", "X": "mg/kg"})
    path = write_archive(posterior, tmp_path / "units.ldo")
    assert read_archive(path).units == posterior.units == (("X", "mg/kg"), ("Y", "mmHg"))

    def older(tree):
        return {key: value for key, value in tree.items() if key != "units"}

    assert read_archive(rewritten(path, tmp_path / "old.ldo", tree=older)).units == ()
    assert read_archive(saved).units == ()


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ([["Z", "kg"]], "'Z' is not a node of the graph"),
        ([["U", "kg"]], "U is latent"),
        ([["Y", "k\x07g"]], "which cannot be printed"),
        ([["Y", 5]], "Expected `str`"),
        ([["Y", "kg"], ["X", "m"]], "the units are not in the order of the model"),
        ([["Y", " kg"]], "the units are not in the order of the model"),
    ],
)
def test_units_that_no_fit_has_are_refused(units, message: str, saved, tmp_path):
    assert message in refusal(rewritten(saved, tmp_path / "bad.ldo", tree=lambda tree: {**tree, "units": units}))


@pytest.mark.parametrize("functions", [[["N", ["X"]]], [["M", []]], [["M", ["Y"]]], [["M", ["X", "U"]]]])
def test_functions_of_other_nodes_than_the_parents_are_refused(saved, tmp_path, functions):
    def changed(tree):
        tree["data"]["functional"] = functions
        return tree

    assert "is not a function of its parents" in refusal(rewritten(saved, tmp_path / "odd.ldo", tree=changed))


def test_rivals_are_kept_may_be_missing_and_are_named_once(saved, tmp_path):
    posterior = replace(handmade(n_draws=6), compare=("plug-in", "aipw"))
    path = write_archive(posterior, tmp_path / "rivals.ldo")
    assert read_archive(path).compare == ("plug-in", "aipw")

    def older(tree):
        return {key: value for key, value in tree.items() if key != "compare"}

    assert read_archive(rewritten(path, tmp_path / "old.ldo", tree=older)).compare == ()
    twice = rewritten(saved, tmp_path / "bad.ldo", tree=lambda tree: {**tree, "compare": ["ipw", "ipw"]})
    assert "a rival is named twice" in refusal(twice)


def test_a_fit_that_holds_rows_with_names_is_read_again(tmp_path):
    import latentdo as ld

    chance = np.random.default_rng(0)
    rows = {"A": np.array(["low", "mid", "high"])[chance.integers(0, 3, 60)], "B": chance.integers(0, 2, 60)}
    fit = ld.fit("A ~ table(levels=[low, mid, high]); B ~ table(A)", rows, seed=0, progress=False)
    again = ld.load(fit.save(tmp_path / "names.ldo", data=True))
    assert again.data is not None
    assert again.data.hash == fit.facts.hash
    assert again.data.levels == (("A", ("low", "mid", "high")),)
