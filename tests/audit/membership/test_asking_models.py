"""Attacks that ask real models: overfitted ones are found, of every modality; those of other people are spared."""

from dataclasses import replace

import numpy as np
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.targets import model_target
from generators import create, load_dataset
from tests.generators.models import toy

POLICY = default_policy().override({"shadows": 8, "draws": 300}, "the test")


def affairs(rows=160):
    data = load_dataset("affairs").split(seed=0)
    return replace(data, parts={part: frame.iloc[:rows].reset_index(drop=True) for part, frame in data.parts.items()})


def sentences(rows=80):
    """Random words: what is known of them is known by heart."""
    data, rng = toy.text(4 * rows), np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 3)) for _ in range(60)]
    parts = {
        part: frame.iloc[:rows].assign(text=[" ".join(rng.choice(words, 5)) for _ in range(rows)])
        for part, frame in data.parts.items()
    }
    return replace(data, parts=parts)


MODELS = [
    ("tabular-vae", affairs, {"epochs": 150, "hidden": 64, "latent": 8, "batch_size": 16}, ["membership.rmia"]),
    (
        "text-transformer",
        sentences,
        {"epochs": 40, "width": 32, "layers": 1, "batch_size": 8},
        ["membership.min-k", "membership.min-k-plus-plus"],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("leaks", [True, False], ids=["leaks", "leaks-not"])
@pytest.mark.parametrize(("kind", "data", "parameters", "attacks"), MODELS, ids=[one[0] for one in MODELS])
def test_overfitted_models_are_found_and_others_spared(kind, data, parameters, attacks, leaks):
    whole = data()
    # A model of the reference has seen nobody who is asked about.
    fitted_on = whole if leaks else replace(whole, parts={**whole.parts, "train": whole.reference})
    model = create(kind, **parameters).fit(fitted_on, progress=False)
    subject = Subject(model_target(model, 100, 0), whole, POLICY, 0)
    for attack in attacks:
        finding, gates = all_checks()[attack]().run(subject)
        area = next(gate for gate in gates if gate.estimate == "auc")
        if leaks:
            assert area.status == "fail", finding.why
            assert finding.estimates[0].value > 0.7
        else:
            assert {gate.status for gate in gates} <= {"pass", "inconclusive"}
            assert area.low < 0.5 < area.high
