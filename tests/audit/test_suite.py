import pytest
import yaml

from audit import Suite, run_audit, run_suite
from audit.results import new_folder, staging
from generators import InputError, load_generator

SMALL = {
    "name": "small",
    "data": {"source": "affairs"},
    "model": {"kind": "tabular-vae", "parameters": {"epochs": 1}},
    "checks": ["fidelity.marginals"],
}


LIMIT = {"limit": 0.1, "reason": "r"}


def written(folder, content):
    path = folder / "suite.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a: [", "not valid YAML at line"),
        ("just words", "a suite is a mapping"),
        ({**SMALL, "chekcs": []}, "chekcs"),
        ({**SMALL, "checks": ["nonsense"]}, "nonsense"),
        ({**SMALL, "model": None}, "either model"),
        ({**SMALL, "synthetic": "s.csv"}, "either model"),
        ({**SMALL, "policy": {"confidence_verdict": 5}}, "confidence_verdict"),
        ({**SMALL, "model": {"kind": "tabular-vae", "budget": {"delta": 1e-5}}}, "epsilon"),
        ({"model": SMALL["model"]}, "data"),
        ({**SMALL, "seed": "many"}, "seed"),
        ({**SMALL, "seed": -1}, "seed"),
        ({**SMALL, "data": {"source": "affairs", "split": {"train": 0.5, "holdout": 0.2, "test": 0.3}}}, "test"),
        ({**SMALL, "policy": {"limits": {"fidelity.*": {"mean_distanse": LIMIT}}}}, "mean_distanse"),
        ({**SMALL, "policy": {"limits": {"nonsense.*": {"auc": LIMIT}}}}, "nonsense"),
    ],
)
def test_a_senseless_suite_is_named(content, names, tmp_path):
    with pytest.raises(InputError, match=names) as caught:
        Suite.load(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_changes_are_applied(tmp_path):
    suite = Suite.load(written(tmp_path, SMALL), ["model.parameters.epochs=3", "checks=[utility]"], seed=7)
    assert (suite.model.parameters["epochs"], suite.checks, suite.seed) == (3, ["utility"], 7)


@pytest.mark.parametrize("change", ["epochs", "=3", "name.of.what=3", "seed=[1"])
def test_a_senseless_change_is_named(change, tmp_path):
    with pytest.raises(InputError, match="--set"):
        Suite.load(written(tmp_path, SMALL), [change])


def test_a_suite_trains_saves_and_audits(tmp_path):
    suite = Suite.load(written(tmp_path, SMALL))
    audit = run_suite(suite, tmp_path)
    assert audit.name == "small"
    assert audit.target.kind == "tabular-vae"
    assert audit.privacy.claim is None
    assert {path.name for path in (tmp_path / "model").iterdir()} >= {
        "model.json",
        "ledger.json",
        "weights.safetensors",
    }


def test_resuming_does_not_train_again(tmp_path):
    suite = Suite.load(written(tmp_path, SMALL))
    first = run_suite(suite, tmp_path)
    weights = (tmp_path / "model" / "weights.safetensors").stat().st_mtime_ns
    second = run_suite(suite, tmp_path, resume=True)
    assert (tmp_path / "model" / "weights.safetensors").stat().st_mtime_ns == weights
    assert [one.estimates for one in first.findings] == [one.estimates for one in second.findings]


def test_a_suite_knows_what_it_trained_on_even_under_a_budget(tmp_path):
    """A private model keeps no fingerprint of its records; only who did not train it must wonder what they were."""
    suite = Suite.load(written(tmp_path, SMALL), ["model.budget={epsilon: 3, delta: 1.0e-5}"])
    notes = [run_suite(suite, tmp_path, resume=resume).notes for resume in (False, True)]
    stranger = run_audit(load_generator(tmp_path / "model"), suite.dataset(), ["fidelity.marginals"])
    assert not any("could not be verified" in note for note in notes[0] + notes[1])
    assert any("could not be verified" in note for note in stranger.notes)


def test_a_folder_of_results_appears_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(RuntimeError), new_folder(folder) as beside:  # noqa: PT012 - what it leaves behind counts
        (beside / "audit.json").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(folder) as beside:
        assert not folder.exists()
        (beside / "audit.json").write_text("whole")
    assert [path.name for path in folder.iterdir()] == ["audit.json"]
    assert not staging(folder).exists()


def test_an_interrupted_run_is_kept_for_resuming(tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), new_folder(folder) as beside:  # noqa: PT012 - as above
        (beside / "model").mkdir()
        raise KeyboardInterrupt
    with new_folder(folder, resume=True) as beside:
        assert (beside / "model").is_dir()


@pytest.mark.parametrize("change", ["seed=1", "model.parameters.epochs=2", "model.budget={epsilon: 3, delta: 1.0e-5}"])
def test_resuming_another_run_is_refused(change, tmp_path):
    run_suite(Suite.load(written(tmp_path, SMALL)), tmp_path)
    with pytest.raises(InputError, match="another model section, seed or data"):
        run_suite(Suite.load(written(tmp_path, SMALL), [change]), tmp_path, resume=True)


def test_a_trained_model_survives_an_error_and_is_not_trained_over(tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(OSError), new_folder(folder) as beside:  # noqa: PT011, PT012 - what it leaves behind counts
        (beside / "model").mkdir()
        raise OSError("no space left")
    with pytest.raises(InputError, match="add --resume"), new_folder(folder):
        pass
    with new_folder(folder, resume=True) as beside:
        assert (beside / "model").is_dir()
