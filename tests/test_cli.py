"""The command line: a mistake is one line and exit code 2 before any work starts; a report says what it did."""

import errno
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from reporting.tiny_notebooks import chapter_notebook

from jcalib import progress
from jcalib.cli import main
from jcalib.reporting import execute, forecast, notebooks, report, study_costs
from jcalib.settings import preset
from jcalib.studies.space import dimensions

Command = Callable[..., tuple[int, str, str]]

ABLATION = """\
from jcalib.progress import stage
with stage("train joint", total=2) as work:
    work.note("2 seeds")
row = {"ccc_valence": 0.584, "ccc_arousal": 0.641, "mean": 0.61, "low": 0.58, "high": 0.64}
table = [{"fusion": name, **row} for name in ("mixer", "joint", "audio", "cross")]
test = {"a": "joint", "target": "mean", "difference": 0.0214, "low": 0.003, "high": 0.039, "verdict": "joint higher"}
comparisons = [{**test, "b": "cross"}, {**test, "b": "mixer", "difference": -0.004}, {**test, "b": "audio"}]
found = "Joint beats vanilla by **.021**."
chapter.finish(found, table=table, comparisons=comparisons, detectable="In reach: .024.")"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and two tiny chapters in place of the real ones."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(chapter_notebook("1_corpus", title="Corpus"), folder / "1_corpus.ipynb")
    nbformat.write(chapter_notebook("4_ablation", ABLATION, finish=False), folder / "4_ablation.ipynb")
    monkeypatch.setattr(notebooks, "FOLDER", folder)
    monkeypatch.setattr(progress, "_listeners", [])
    monkeypatch.setattr(report, "_package", lambda: "source")
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def jcalib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command here; return exit code, standard output and standard error."""

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jcalib", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("repot", "Did you mean 'report'"),
        ("report --presett smoke", "--preset"),
        ("report --preset smok", "unknown preset 'smok': did you mean 'smoke'"),
        ("report --corpus synthetik", "synthetik is not a folder: did you mean 'synthetic'"),
        ("report --fusions joint,crosss", "unknown fusion 'crosss': did you mean 'cross'"),
        ("report --fusions joint,mixer", "a report compares joint and cross, add cross"),
        ("report --fusions ,", "fusions has ',': name fusions with commas between."),
        ("ablate ,", "fusions has ',': name fusions with commas between."),
        (["search", ""], "fusions has '': name fusions with commas between."),
        ("search ,", "fusions has ',': name fusions with commas between."),
        ("report --device cdua", "unknown device 'cdua': did you mean 'cuda'"),
        ("report --seeds 0", "greater than or equal to 1"),
        ("report --seeds many", "valid integer"),
        ("report --smooth 20", "smooth has '20': it takes frames for valence and for arousal"),
        ("report --out notebooks", "holds something else than a report"),
        ("predict clip.mp4", "Missing option '--run'"),
        ("predict clip.mp4 --run jiont-1", "unknown run 'jiont-1'"),
        ("predict clip.mp4 --run joint-1 --device cdua", "unknown device 'cdua': did you mean 'cuda'"),
        ("run 4_ablatoin", "did you mean '4_ablation'"),
        ("run ablation -p sedes=3", "did you mean 'seeds'"),
        ("run 4 -p seeds=many", "takes int"),
        ("run 4 -p seeds", "needs its value"),
        ("run 4 -p seeds=-1", "1 or more"),
        ("run 4 -p preset=smok", "did you mean 'smoke'"),
        ("params 4_ablatoin", "did you mean '4_ablation'"),
        ("corpus audti", "did you mean 'audit'"),
        ("corpus --preset smok", "did you mean 'smoke'"),
        ("corpus --corpus nowhere", "nowhere is not a folder"),
        ("train joimt", "unknown fusion 'joimt': did you mean 'joint'"),
        ("train --preset smok", "did you mean 'smoke'"),
        ("train --device tpu", "unknown device 'tpu'"),
        ("report --preset paper", "the weights tsav are not here: jcalib weights fetch tsav fetches them"),
        ("weights ftech i3d", "fetch"),
        ("weights fetch i3", "unknown weights file 'i3': did you mean 'i3d'"),
        ("weights fetch tsav", "nobody states a checksum of aff2model_tntsub4.zip"),
        ("weights fetch yunet", "no address is known for yunet"),
        ("weights check nowhere.pt", "nowhere.pt is not a file"),
        ("ablate joint,crosss", "unknown fusion 'crosss': did you mean 'cross'"),
        ("ablate joint,mixer", "joint and cross, add cross"),
        ("ablate --sizes 5,many", "sizes has 'many': it takes numbers of training recordings, as 5,10,20"),
        ("ablate --sizes 11,23", "sizes has 23: the preset quick trains on 22 recordings, take 1 to 22."),
        ("search joint,crosss", "unknown fusion 'crosss': did you mean 'cross'"),
        ("search --space learning_rat=1..2", "unknown setting to search 'learning_rat': did you mean 'learning_rate'"),
        ("search --space dropout=0..1", "dropout has 1.0: it must be less than 1"),
        ("search --space dim=64-128", "the space has 'dim=64-128': it takes NAME=LOW..HIGH"),
        ("search --trials 0", "greater than or equal to 1"),
        ("search --preset paper", "preset paper chooses epochs on the report persons"),
        ("search --preset smoke", "preset smoke has nobody with the role selection"),
        ("ablate --corrupt signls", "unknown corrupt 'signls': did you mean 'signal'"),
        ("ablate --corrupt signal --features .", "corrupt has 'signal' and the data is '.', features"),
        ("ablate --modality-dropout 1.5", "modality-dropout has 1.5: it is a share from 0 to below 1, such as 0.2."),
        ("ablate --regime redundnat", "unknown regime 'redundnat': did you mean 'redundant'"),
        ("ablate --regime unique --corpus .", "only the embedded corpus has regimes"),
    ],
)
def test_a_mistake_is_one_line_before_any_work(
    words: str | list[str], message: str, jcalib: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(execute, "_execute", lambda *_: pytest.fail("a kernel was started"))
    before = sorted(place.rglob("*"))
    code, out, err = jcalib(*(words.split() if isinstance(words, str) else words))
    assert code == 2
    assert out == ""
    assert err.startswith("jcalib: ") and err.count("\n") == 1
    assert message in err
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        "report --out afile/x",
        "run 4 --out afile",
        "ablate --out afile",
        "search --out afile/x",
        "corpus check --out afile",
        "explain clip.mp4 --run joint-1 --out afile/x.html",
        "explain clip.mp4 --run joint-1 --out /proc/x.html",
        "predict clip.mp4 --run joint-1 --out afile/x",
        "submission --run joint-1 --template t.txt --corpus notebooks --out afile",
    ],
)
def test_what_cannot_be_written_to_is_one_line_before_any_work(
    words: str, jcalib: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr("jcalib.corpora.find_corpus", lambda where: Path(where))
    (place / "afile").touch()
    before = sorted(place.rglob("*"))
    code, out, err = jcalib(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.search(r"(afile\S*|/proc) cannot be written to \(.+\): name another folder with --out\.", err)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        "report --preset smoke",
        "run 4",
        "train --preset smoke",
        "ablate",
        "search",
        "corpus",
        "predict clip.mp4 --run joint-1",
        "explain clip.mp4 --run joint-1",
        "submission --run joint-1 --template t.txt --corpus synthetic --out made",
        "weights fetch i3d --unverified",
    ],
)
@pytest.mark.parametrize("home", ["afile", "/proc/home"])
def test_a_home_that_cannot_be_written_to_is_one_line_before_any_work(
    home: str, words: str, jcalib: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("JCALIB_HOME", home)
    (place / "afile").touch()
    before = sorted(place.rglob("*"))
    code, out, err = jcalib(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{home} cannot be written to" in err
    assert err.endswith("set JCALIB_HOME to a folder that you may write to.\n")
    assert sorted(place.rglob("*")) == before


def test_a_disk_that_fills_up_is_one_line(jcalib: Command, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(place / "x.csv"))

    monkeypatch.setattr("jcalib.training.open_data", full)
    code, _, err = jcalib("train", "--preset", "smoke", "--device", "cpu")
    assert code == 1 and "Traceback" not in err
    assert err.splitlines()[-1] == f"jcalib: {place / 'x.csv'} cannot be written: No space left on device."


def test_an_ablation_says_its_cost_before_it_starts(
    jcalib: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    told = []

    def interrupted(*given: object) -> None:
        told.append(given)
        raise KeyboardInterrupt

    monkeypatch.setattr("jcalib.training.open_data", interrupted)
    code, out, err = jcalib("ablate", "--cells", "--regime", "unique", "--device", "cpu", "--sizes", "11")
    assert code == 130 and "the same command goes on" in err
    named = preset("quick").fusions
    assert f"{len(named) + 24} fusions x 5 seeds, {len(named)} of them on 11 training recordings" in out
    assert "quick, unique regime" in out and "at most about" in out
    assert told[0][2].corpus.regime == "unique"


def test_a_study_costs_its_trainings(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    cost = forecast.Cost(corpus=1, encoders=2, fusion=4, beside=0, chapters=0, gigabytes=1)
    monkeypatch.setitem(forecast.COSTS, ("quick", "cpu"), cost)
    chosen, both = preset("quick"), ["joint", "cross"]

    def minutes(lines: list[str]) -> int:
        return int(re.search(r"at most about (\d+) min", lines[-1])[1])  # type: ignore[index]

    assert minutes(study_costs.ablation_lines(both, chosen, 5, "cpu", "synthetic")) == 3 + 2 * 4
    assert minutes(study_costs.ablation_lines(both, chosen, 10, "cpu", "synthetic")) == 3 + 4 * 4
    cells = study_costs.ablation_lines([*both, "cell-a", "cell-b"], chosen, 5, "cpu", "synthetic", [11, 22])
    assert minutes(cells) == round(3 + (2 + 2 * study_costs.CELL_COST + 2 * 11 / 22) * 4), "all 22 are there already"
    space = dimensions({"dim": [128, 384], "dropout": (0.0, 0.5)})
    assert minutes(study_costs.search_lines(both, space, 10, chosen, 5, "cpu", "synthetic")) == 3 + 2 * 10 * 2 * 4
    assert "not measured" in study_costs.ablation_lines(both, chosen, 5, "cpu", "folder")[-1]


def test_without_a_command_there_is_help(jcalib: Command) -> None:
    code, out, _ = jcalib()
    assert code == 0
    for command in ("report", "run", "params", "corpus", "train", "ablate", "search", "predict", "weights", "doctor"):
        assert f"  {command} " in out


def test_help_is_there_at_once_and_a_wrong_preset_does_not_wait_for_torch() -> None:
    code = (
        "import sys\nfrom jcalib.cli import main\nsys.argv = ['jcalib', *sys.argv[1:]]\n"
        "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules"
    )
    for words, expected in ((["--help"], 0), (["report", "--preset", "smok"], 2), (["train", "--preset", "smok"], 2)):
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.returncode == expected, done.stderr
        assert time.monotonic() - started < 5


def test_as_a_module_it_is_the_same() -> None:
    done = subprocess.run([sys.executable, "-m", "jcalib", "repot"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("jcalib: ")


def test_known_weights_are_listed_and_what_is_not_known_is_said(jcalib: Command) -> None:
    code, out, _ = jcalib("weights", "list")
    assert code == 0
    tsav = out.partition("tsav:")[2].partition("r2plus1d:")[0]
    assert "SHA-256  not known: nobody states one" in tsav and "research use only" in tsav
    assert re.search(r"^i3d: .*\n  file +rgb_imagenet\.pt, 50,883,138 bytes$", out, re.MULTILINE)


def test_a_checkpoint_is_named_and_one_that_does_not_fit_is_one_line(jcalib: Command, place: Path) -> None:
    import torch

    from tests.fusion.test_released_weights import released

    torch.save(released(), place / "cam.pt")
    code, out, _ = jcalib("weights", "check", str(place / "cam.pt"))
    assert code == 0 and "loads    as JointCrossAttention" in out and "no file that the kit has a checksum of" in out
    torch.save({"W_ca.weight": torch.zeros(1)}, place / "other.pt")
    code, out, err = jcalib("weights", "check", str(place / "other.pt"))
    assert (code, out) == (2, "")
    assert err.startswith("jcalib: other.pt: not the published cam.py weights: encoder1.weight is missing; ")


def test_parameters_are_listed(jcalib: Command) -> None:
    code, out, _ = jcalib("params", "4")
    assert code == 0
    assert out.startswith("4_ablation: What is it?")
    assert re.search(r"^  seeds +int +3 +how many$", out, re.MULTILINE)
    assert "1_corpus" in jcalib("params")[1]


def test_a_chapter_runs_alone(jcalib: Command, place: Path) -> None:
    out_folder = place / "one"
    code, out, err = jcalib("run", "ablation", "-p", "seeds=2", "-p", "preset=smoke", "--out", str(out_folder))
    assert code == 0, err
    assert out.strip().endswith("4_ablation.html")
    assert (out_folder / "4_ablation.html").exists()
    executed = nbformat.read(out_folder / "4_ablation.ipynb", as_version=4)
    assert executed.metadata["jcalib"]["parameters"] == {"seeds": 2, "preset": "smoke"}
    assert [line.split()[0] for line in err.splitlines()] == ["train", "4_ablation"]


def test_a_chapter_that_fails_says_so(jcalib: Command, place: Path) -> None:
    broken = chapter_notebook("1_corpus", "raise ValueError('8 clips')")
    nbformat.write(broken, place / "notebooks" / "1_corpus.ipynb")
    code, _, err = jcalib("run", "1", "--out", str(place / "one"))
    assert code == 1
    assert err.splitlines()[-1] == "jcalib: 1_corpus failed: ValueError: 8 clips"


def test_a_report_says_what_it_will_do_what_it_does_and_what_it_found(jcalib: Command, place: Path) -> None:
    out_folder = place / "report"
    words = ("report", "--preset", "smoke", "--out", str(out_folder), "--seeds", "2")
    code, out, err = jcalib(*words)
    assert code == 0, err
    plan, _, rest = out.partition("\n\n")
    facts = {line.split("  ")[0].strip(): line for line in plan.splitlines()}
    assert list(facts) == ["report", "device", "preset", "cached", "unchanged", "to execute", "time", "disk"]
    assert "2 seeds, cross mixer joint" in facts["preset"]
    assert facts["cached"].endswith("nothing")
    assert facts["to execute"].endswith("1_corpus, 4_ablation")
    assert [line.split()[0] for line in err.splitlines()] == ["1_corpus", "train", "4_ablation"]
    assert "Joint beats vanilla by .021." in rest
    assert re.search(r"^  joint +\.58 +\.64 +\.61 +\[\.58, \.64\]$", rest, re.MULTILINE)
    assert "audio" not in rest
    assert re.search(r"^  joint − cross +\+\.021 +\[\+\.003, \+\.039\] +joint higher$", rest, re.MULTILINE)
    assert re.search(r"^  joint − mixer +−\.004 ", rest, re.MULTILINE)
    assert "In reach: .024." in rest
    assert f"{out_folder / 'index.html'}" in rest
    assert json.loads((out_folder / "status.json").read_text())["status"] == "ok"

    code, out, err = jcalib(*words)
    assert code == 0
    assert re.search(r"^unchanged +1_corpus, 4_ablation$", out, re.MULTILINE)
    assert re.search(r"^time +under a minute$", out, re.MULTILINE)
    assert err.count("unchanged") == 2
    assert "Joint beats vanilla by .021." in out

    _, out, err = jcalib(*words, "--fresh")
    assert re.search(r"^unchanged +no chapter$", out, re.MULTILINE)
    assert "unchanged" not in err


def test_a_report_with_a_failed_chapter_ends_with_its_code(jcalib: Command, place: Path) -> None:
    broken = chapter_notebook("4_ablation", "raise ValueError('8 clips')")
    nbformat.write(broken, place / "notebooks" / "4_ablation.ipynb")
    code, out, err = jcalib("report", "--preset", "smoke", "--out", str(place / "report"))
    assert code == 1
    assert "failed: ValueError: 8 clips" in err
    assert "No headline" in out
    assert (place / "report" / "index.html").exists()


def test_what_is_cached_is_found_by_its_settings(place: Path) -> None:
    smoke = preset("smoke")
    runs = place / "home" / "runs"

    def finished(name: str, settings: dict[str, object], status: bool = True) -> None:
        (runs / name).mkdir(parents=True)
        (runs / name / "settings.json").write_text(json.dumps(settings))
        if status:
            (runs / name / "status.json").write_text("{}")

    def found(device: str = "cpu", seeds: int = 2) -> forecast.Cached:
        return forecast.look_up(smoke, ("joint", "cross", "mixer"), seeds, device)

    run = {"seeds": [0, 1], "device": "cpu", "training": smoke.training.model_dump(mode="json")}
    run |= {"audio_dim": 512, "visual_dim": 512}
    for modality in ("audio", "visual"):
        finished(f"encoder-{modality}-1", {**smoke.encoder.model_dump(mode="json"), "outputs": 6})
    finished("joint-1", {**run, "fusion": "joint"})
    finished("cross-2", {**run, "fusion": "cross", "audio_dim": 4})
    finished("cross-1", {**run, "fusion": "cross"}, status=False)
    finished("mixer-1", {**run, "fusion": "mixer", "training": preset("quick").training.model_dump(mode="json")})
    assert str(found()) == "nothing", "without their corpus the runs are of another one"

    corpus = place / "home" / "corpora" / f"synthetic-{smoke.corpus.fingerprint()}"
    corpus.mkdir(parents=True)
    (corpus / "corpus.json").write_text("{}")
    assert str(found()) == "corpus, encoders and features, 1 run (joint)"
    (runs / "joint-1" / "settings.json").unlink()
    assert found().runs == (), "what lost a file is made again"
    (runs / "joint-1" / "settings.json").write_text(json.dumps({**run, "fusion": "joint"}))
    assert found(device="cuda").runs == ()
    assert found(seeds=3).runs == ()


def test_what_is_there_costs_no_minutes() -> None:
    cost = forecast.Cost(corpus=1, encoders=2, fusion=3, beside=0, chapters=4, gigabytes=1)
    nothing = forecast.Cached(False, False, ())
    some = forecast.Cached(True, True, ("joint",))
    assert forecast._minutes(cost, nothing, fusions=3, seeds=1, kept=0) == 1 + 2 + 9 + 4
    assert forecast._minutes(cost, nothing, fusions=3, seeds=2, kept=0) == 1 + 2 + 18 + 4
    assert forecast._minutes(cost, some, fusions=3, seeds=1, kept=0.5) == 6 + 2
    assert forecast._minutes(cost, some, fusions=3, seeds=1, kept=1) == 0
    hidden = cost._replace(beside=5)  # of training behind other chapters
    assert forecast._minutes(hidden, nothing, fusions=3, seeds=1, kept=0) == 1 + 2 + (9 - 5) + 4
    assert forecast._minutes(hidden, some, fusions=2, seeds=1, kept=0) == 4


def test_an_interrupt_is_one_line(jcalib: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jcalib.doctor.examine", interrupted)
    code, _, err = jcalib("doctor")
    assert code == 130
    assert err == "jcalib: interrupted; what is finished stays, the same command goes on.\n"


def test_the_doctor_speaks(jcalib: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from jcalib.doctor import Diagnosis, Row

    sick = Diagnosis((Row("disk", "missing", "0.1 GB free", "free 2 GB"), Row("memory", "ok", "8 GB free", "")))
    monkeypatch.setattr("jcalib.doctor.examine", lambda: sick)
    code, out, _ = jcalib("doctor")
    assert code == 1
    assert "disk: free 2 GB" in out
    monkeypatch.setattr("jcalib.doctor.examine", lambda: Diagnosis(sick.rows[1:]))
    assert jcalib("doctor")[0] == 0
