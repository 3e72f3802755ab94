"""Shadow models are trained once, and an interrupted audit goes on."""

import pytest
import yaml

from audit import run_audit
from audit.checks import Subject, default_policy
from audit.cli import main
from audit.membership import shadows
from audit.membership.kept import BATCH, kept
from audit.membership.shadows import Shadows
from audit.targets import model_target
from generators import InputError
from reports import Audit
from tests.audit.membership.kernel import Kernel, people, public_people


class StopError(Exception):
    """Somebody pulled the plug."""


def test_what_was_trained_before_an_interruption_is_not_trained_again(tmp_path):
    data, trained = people(20), []

    def train(numbers, last=None):
        trained.extend(numbers)
        if last is not None and max(numbers) > last:
            raise StopError
        return [Kernel(seed=number, width=1 + number).fit(data) for number in numbers]

    count = BATCH + 8
    with pytest.raises(StopError):
        kept(tmp_path, Kernel, count, {"of": "test"}, lambda numbers: train(numbers, last=BATCH - 1))
    trained.clear()
    models = kept(tmp_path, Kernel, count, {"of": "test"}, train)
    assert trained == list(range(BATCH, count))
    assert [model.seed for model in models] == list(range(count))
    again = kept(tmp_path, Kernel, count, {"of": "test"}, train)
    assert trained == list(range(BATCH, count))
    fresh = Kernel(seed=3, width=4).fit(data)
    for model in (models[3], again[3]):
        assert model.log_likelihood(data.holdout) == pytest.approx(fresh.log_likelihood(data.holdout))


def test_another_audit_has_models_of_its_own(tmp_path):
    def train(numbers):
        return [Kernel().fit(people(20)) for _ in numbers]

    for name in ("one", "other"):
        kept(tmp_path, Kernel, 2, {"of": name}, train)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_folder_nothing_is_kept():
    assert len(kept(None, Kernel, 3, {}, lambda numbers: [Kernel() for _ in numbers])) == 3


def test_shadows_of_other_domains_or_another_version_are_others(tmp_path, monkeypatch):
    policy = default_policy().override({"shadows": 8}, "the test")

    def train(data):
        target = model_target(Kernel().fit(data), 100, 0)
        Shadows(Subject(target, data, policy, 0, keep=tmp_path)).models  # noqa: B018
        return len(list(tmp_path.iterdir()))

    assert train(people(60)) == 1
    assert train(people(60)) == 1
    assert train(public_people(60)) == 2, "the same records, with other domains"
    monkeypatch.setattr(shadows, "installed", lambda name: f"{name} of tomorrow")
    assert train(people(60)) == 3


@pytest.mark.slow
def test_a_command_keeps_shadows_and_says_so_in_how_to_repeat_a_check(tmp_path):
    suite = {
        "data": {"source": "affairs"},
        "model": {"kind": "tabular-vae", "parameters": {"epochs": 1, "hidden": 8, "latent": 2}},
        "checks": ["membership.lira"],
        "policy": {"shadows": 8, "draws": 200, "max_scored": 200},
    }
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite))
    command = ["run", str(tmp_path / "suite.yaml"), "--keep-models", str(tmp_path / "shadows"), "--output"]
    main([*command, str(tmp_path / "one")])
    (folder,) = (tmp_path / "shadows").iterdir()
    assert len(list(folder.iterdir())) == 8
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    main([*command, str(tmp_path / "two")])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    finding = Audit.load(tmp_path / "two").finding("membership.lira")
    assert "--keep-models shadows" in finding.reproduce
    assert finding.status != "error", finding.why


def test_a_file_is_no_folder_for_models(tmp_path):
    place = tmp_path / "taken"
    place.write_text("")
    with pytest.raises(InputError, match="taken: is no folder"):
        run_audit(people(60).reference, people(60), ["membership.distance"], keep=place)
