"""Speakers are known again by what their voices have in common, and only where speakers are known at all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from audit.checks import Subject, default_policy
from audit.membership import Combined
from audit.memorization import Speakers
from audit.targets import records_target
from generators import Column, Dataset, Schema
from generators.datasets.payload import payload_frame
from tests.audit.contents import RATE, thirds

VOWELS = [(700, 1200), (300, 1800), (350, 800), (500, 1500)]
SCHEMA = Schema((Column("audio", "audio", rate=RATE), Column("speaker", "identifier")), unit="speaker")


def speaks(speaker: int, utterance: int) -> np.ndarray:
    """Pulses through two resonances: vowels are in the utterance's order, their place and sharpness the speaker's."""
    voice, said = np.random.default_rng([7, speaker]), np.random.default_rng([8, speaker, utterance])
    tract, sharpness, pitch = voice.uniform(0.75, 1.3), voice.uniform(0.9, 0.97), voice.uniform(80, 250)
    spoken = []
    for vowel in said.permutation(len(VOWELS)):
        sound = np.zeros(int(said.integers(250, 350)))
        sound[:: int(RATE / (pitch * said.uniform(0.95, 1.05)))] = 1.0
        for formant in VOWELS[vowel]:
            angle = 2 * np.pi * min(formant * tract, 1900) / RATE
            sound = lfilter([1.0], [1.0, -2 * sharpness * np.cos(angle), sharpness**2], sound)
        spoken.append(sound / np.abs(sound).max())
    whole = np.concatenate(spoken)
    return (0.5 * whole + 0.005 * said.normal(size=len(whole))).astype(np.float32)


def recordings(speakers: range, utterances: range) -> pd.DataFrame:
    who = [(speaker, number) for speaker in speakers for number in utterances]
    frame = payload_frame(SCHEMA["audio"], [speaks(*one) for one in who])
    return frame.assign(speaker=pd.Series([f"s{speaker}" for speaker, _ in who], dtype=object))


@pytest.fixture(scope="module")
def data() -> Dataset:
    parts = {
        name: recordings(range(40 * i, 40 * (i + 1)), range(5))
        for i, name in enumerate(("train", "holdout", "reference"))
    }
    return Dataset("made-up voices", SCHEMA, parts, modality="audio")


def probe(published, data):
    policy = default_policy().model_copy(update={"draws": 400})
    return Speakers().run(Subject(records_target(published, "audio"), data, policy, 0))


def test_new_words_in_the_voices_of_train_are_found(data):
    finding, gates = probe(recordings(range(40), range(50, 55)), data)
    assert finding.estimates[0].n == 40
    assert finding.estimates[0].value > 0.8
    assert gates[0].status in ("warn", "fail")
    assert finding.controls.negative.status == "quiet"


def test_the_planted_leak_asks_about_other_recordings_of_the_speakers_it_published(data):
    attack = Speakers()
    subject = Subject(records_target(recordings(range(200, 240), range(5)), "audio"), data, default_policy(), 0)
    cases = attack.cases(subject)
    case, negative = attack.planted_case(cases, 0.2, "auc"), cases.negative
    heard = np.unique(case.member_units[case.leaked])
    assert len(heard) == 8
    shown = case.synthetic.content.identity[len(negative.synthetic) :]
    assert len(shown) == 2 * len(heard) == len(case.frames.published) - len(negative.synthetic)
    assert not set(shown.tolist()) & set(case.members.content.identity.tolist())
    assert len(case.leaked) == 5 * len(heard)  # of five recordings two are published, and three are asked about
    asked = case.members.content.identity
    assert len(set(asked[case.leaked].tolist())) == 3 * len(heard)
    own = dict(zip(cases.main.members.content.identity.tolist(), cases.main.member_units.tolist(), strict=True))
    assert [own[one] for one in asked.tolist()] == case.member_units.tolist()


def test_strangers_raise_no_alarm(data):
    finding, gates = probe(recordings(range(200, 240), range(5)), data)
    assert gates[0].status in ("pass", "inconclusive"), finding.why


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda _: thirds("audio", 0, 100)[0], "not-applicable", "nothing says who speaks"),
        (
            lambda data: replace(data, parts={**data.parts, "holdout": data.parts["holdout"].head(30)}),
            "inconclusive",
            "holdout holds 6 people",
        ),
    ],
)
def test_where_nothing_can_be_said_the_reason_is(data, change, status, words):
    changed = change(data)
    finding, gates = probe(changed.parts["reference"], changed)
    assert finding.status == status
    assert words in finding.why
    assert gates == []


def test_scores_of_recordings_are_combined_without_those_of_speakers(data):
    subject = Subject(records_target(recordings(range(120, 160), range(5)), "audio"), data, default_policy(), 0)
    assert "memorization.speakers" not in [signal.id for signal in Combined().signals(subject)]
    finding, _ = Combined().run(subject)
    assert finding.status in ("pass", "inconclusive"), finding.why
