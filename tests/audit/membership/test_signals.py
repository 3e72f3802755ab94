"""Each signal tells the members of a small overfitted model of its kind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from audit.checks import Part, all_checks
from audit.membership.signals import (
    DENOISING,
    DISCRIMINATOR,
    LIKELIHOOD,
    LOSS,
    MIN_K,
    MIN_K_PLUS_PLUS,
    PROXIMAL,
    SAMPLES,
    SECMI,
    inside_signals,
    strongest_inside,
)
from audit.neighbours import Space
from audit.statistics import auc
from generators import create, load_dataset
from generators.models.image.diffusion import STEP
from tests.audit.membership.kernel import Kernel, people
from tests.generators.models import toy

SMALL = {
    "tabular-vae": {"epochs": 200, "batch_size": 16},
    "tabular-gan": {"epochs": 60, "hidden": 64, "batch_size": 32},
    "tabular-diffusion": {"epochs": 150, "hidden": 128, "batch_size": 32, "ema": 0.0},
    "text-transformer": {"epochs": 12, "batch_size": 8},
}
EACH = [
    (LOSS, "tabular-vae", 0.6),
    (SAMPLES, "tabular-vae", 0.6),
    (DISCRIMINATOR, "tabular-gan", 0.6),
    (LOSS, "tabular-diffusion", 0.6),
    (DENOISING, "tabular-diffusion", 0.6),
    (PROXIMAL, "tabular-diffusion", 0.6),
    (SECMI, "tabular-diffusion", 0.6),
    (LOSS, "text-transformer", 0.6),
    (LIKELIHOOD, "text-transformer", 0.6),
    (MIN_K, "text-transformer", 0.6),
    (MIN_K_PLUS_PLUS, "text-transformer", 0.6),
]


@pytest.fixture(scope="module")
def trained():
    known = {}

    def of(kind):
        if kind not in known:
            data = _few(_texts() if kind.startswith("text") else load_dataset("affairs").split(seed=0))
            known[kind] = create(kind, **SMALL[kind]).fit(data, progress=False), data
        return known[kind]

    return of


def _few(data, rows=80):
    return replace(data, parts={name: frame.iloc[:rows].reset_index(drop=True) for name, frame in data.parts.items()})


def _texts():
    """Sentences of random words, so that there is something to know by heart."""
    data = toy.text(320)
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 3)) for _ in range(60)]
    parts = {
        name: frame.assign(text=[" ".join(rng.choice(words, 5)) for _ in range(len(frame))])
        for name, frame in data.parts.items()
    }
    return replace(data, parts=parts)


@pytest.mark.slow
@pytest.mark.parametrize(("signal", "kind", "least"), EACH, ids=[f"{one.name}-{kind}" for one, kind, _ in EACH])
def test_members_stand_out(signal, kind, least, trained):
    model, data = trained(kind)
    space = Space(data.schema, data.reference, data.reference, [data.train, data.holdout])
    assert signal.lacks(model) is None
    found = [
        signal.values(model, Part(space.place(frame), np.arange(len(frame)), frame), space)
        for frame in (data.train, data.holdout)
    ]
    assert all(np.isfinite(one).all() and len(one) == 80 for one in found)
    assert auc(*found) > least


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("tabular-diffusion", DENOISING),
        ("image-diffusion", DENOISING),
        ("tabular-vae", LOSS),
        ("text-recurrent", LOSS),
        ("image-gaussian", LOSS),
        ("tabular-gan", DISCRIMINATOR),
        ("image-gan", DISCRIMINATOR),
    ],
)
def test_the_strongest_signal_follows_from_the_kind(kind, signal):
    assert strongest_inside(create(kind)) is signal


@pytest.mark.parametrize("kind", ["tabular-diffusion", "image-diffusion"])
def test_denoising_is_asked_at_each_time(kind):
    data = getattr(toy, kind.partition("-")[0])()
    model = create(kind, epochs=1).fit(data, progress=False)
    few = data.holdout.iloc[:5]
    losses = model.denoising_losses(few, (0.2, 0.5), draws=2)
    assert losses.shape == (5, 2)
    assert losses == pytest.approx(model.denoising_losses(data.holdout, (0.2, 0.5), draws=2)[:5], rel=1e-4)
    for errors in (model.proximal_errors(few, (0.1, 0.2, 0.3)), model.retracing_errors(few, (0.1, 0.2, 0.3))):
        assert errors.shape == (5, 3)
        assert (errors > 0).all()


class Still(torch.nn.Module):
    """Sees no velocity anywhere."""

    def forward(self, images, times, labels):
        del times, labels
        return torch.zeros_like(images)


def test_an_image_walks_back_the_way_it_came_where_the_velocity_is_the_same_everywhere():
    """With no velocity at all a step is a factor cos(d), and there and back cos(d)^2."""
    network = create("image-diffusion", epochs=1).fit(toy.image(), progress=False).network_
    network.unet = Still()
    images, time = torch.ones(2, 1, 16, 16), 0.1
    steps = [STEP] * round(time / STEP)
    there = np.prod(np.cos(np.pi / 2 * np.array(steps)))
    back = there * np.cos(np.pi / 2 * STEP) ** 2
    error = network.retracing_error(images, torch.zeros(2, 3), time)
    assert error.tolist() == pytest.approx([(back - there) ** 2] * 2, rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tabular-diffusion", ["denoising", "loss", "proximal", "secmi"]),
        ("tabular-vae", ["loss"]),
        ("tabular-gan", ["discriminator"]),
        ("text-transformer", ["loss", "likelihood", "min-k", "min-k-plus-plus"]),
    ],
)
def test_all_signals_of_a_kind_are_shown(kind, names):
    assert [signal.name for signal in inside_signals(create(kind))] == names


def test_relative_likelihoods_are_of_whole_texts():
    assert all_checks()["membership.rmia"]().signal(create("text-transformer")) is LIKELIHOOD
    data = toy.text()
    model = create("text-transformer", epochs=1).fit(data, progress=False)
    asked = Part(None, np.arange(3), data.holdout.iloc[:3])
    assert LIKELIHOOD.values(model, asked, None) == pytest.approx(model.log_likelihood(asked.frame))
    assert not np.allclose(LIKELIHOOD.values(model, asked, None), LOSS.values(model, asked, None))


def test_samples_come_near_whom_the_model_knows():
    data = people(300)
    space = Space(data.schema, data.reference, data.reference, [data.train, data.holdout])
    parts = [Part(space.place(frame), np.arange(len(frame)), frame) for frame in (data.train, data.holdout)]
    for width, least, most in ((0.1, 0.9, 1.0), (3.0, 0.4, 0.6)):
        model = Kernel(width=width).fit(data)
        assert least < auc(*(SAMPLES.values(model, part, space) for part in parts)) <= most


def test_standardised_tokens_are_compared_with_what_else_could_stand_there():
    data = toy.text()
    model = create("text-transformer", epochs=1).fit(data, progress=False)
    few = data.holdout.iloc[:1]
    found = model.token_log_likelihoods(few, standardised=True)[0]
    logits = model.next_token_logits([""], conditions={"mood": few["mood"].iloc[0]})[0]
    every = logits - np.log(np.exp(logits).sum())
    chance = np.exp(every)
    mean = (chance * every).sum()
    deviation = np.sqrt((chance * (every - mean) ** 2).sum())
    first = model.token_log_likelihoods(few)[0][0]
    assert found[0] == pytest.approx((first - mean) / deviation, rel=1e-3)
