from __future__ import annotations

import copy
from typing import Any

import pytest

from generators import InputError, TabularVAE, create, kinds

WRONG: list[tuple[str, Any, str]] = [
    ("epochs", "banana", "valid integer"),
    ("epochs", 0, "greater than or equal to 1"),
    ("epochs", True, "valid integer"),
    ("hidden", 2.5, "valid integer"),
    ("hidden", 0, "greater than or equal to 1"),
    ("latent", -3, "greater than or equal to 1"),
    ("bins", "x", "valid integer"),
    ("bins", 1, "greater than or equal to 2"),
    ("batch_size", 0, "greater than or equal to 1"),
    ("private_batch_size", None, "valid integer"),
    ("learning_rate", 0, "greater than 0"),
    ("learning_rate", "1e-3", "in YAML write 0.001"),
    ("learning_rate", True, "valid number"),
    ("private_learning_rate", float("nan"), "finite number"),
    ("kl_weight", -0.1, "greater than or equal to 0"),
    ("clip", 0.0, "greater than 0"),
    ("clip", float("inf"), "finite number"),
    ("seed", "abc", "valid integer"),
    ("seed", -1, "greater than or equal to 0"),
    ("seed", 2**64, "less than"),
    ("device", "gpu", "no such device here"),
    ("device", "cpu:banana", "no such device here"),
    ("device", "meta", "no such device here"),
    ("device", 0, "valid string"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG, ids=[f"{name}={value}" for name, value, _ in WRONG])
def test_a_wrong_value_is_one_line_that_names_it(name: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        create("tabular-vae", **{name: value})
    assert str(caught.value).startswith(f"{name} is {value!r}: ")
    assert "\n" not in str(caught.value)


def test_hyper_parameters_are_given_by_name() -> None:
    with pytest.raises(InputError, match="give hyper-parameters by name: seed, device"):
        TabularVAE(3, 0)  # type: ignore[misc]


@pytest.mark.parametrize("kind", kinds())
def test_defaults_pass_their_own_rules_and_every_seed_is_one(kind: str) -> None:
    defaults = create(kind).get_params()
    assert create(kind, **defaults).get_params() == defaults
    for name, wrong in (("seed", -1), ("device", "gpu")):
        with pytest.raises(InputError, match=f"{name} is"):
            create(kind, **{name: wrong})


def test_good_values_are_kept_as_given() -> None:
    model = create("tabular-vae", epochs=3, learning_rate=1, kl_weight=0, seed=2**63 - 1, device="cpu")
    assert model.get_params()["learning_rate"] == 1
    assert copy.deepcopy(model).get_params() == model.get_params()
