"""Every embedding: a fixed, finite row of numbers for every record, close where contents are alike."""

import numpy as np
import pytest

from audit.features import EMBEDDINGS, embed, embedder, embeddings
from generators import InputError, load_dataset
from tests.audit.contents import changed, thirds

NAMES = sorted(EMBEDDINGS)


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_state_themselves_and_do_not_depend_on_their_company(name):
    one = EMBEDDINGS[name]
    assert one.describes
    assert one.source
    data, fresh = thirds(one.modality, 0, rows=40)
    place = embedder(name, data.schema, data.reference)
    together, alone = place(fresh), place(fresh.iloc[:3])
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together[:3], alone, atol=1e-5)
    np.testing.assert_array_equal(together, embed(name, data.schema, data.reference, fresh))


@pytest.mark.parametrize("name", NAMES)
def test_a_careless_copy_lies_closer_than_any_other_record(name):
    data, fresh = thirds(EMBEDDINGS[name].modality, 0, rows=60)
    place = embedder(name, data.schema, data.reference)
    copies, others = place(changed(data.modality, fresh)), place(fresh)
    apart = np.linalg.norm(copies[:, None] - others[None], axis=2)
    assert (apart.argmin(axis=1) == np.arange(60)).mean() >= 0.9


def test_gradients_tell_digits_apart_better_than_pixels():
    data = load_dataset("digits-images").split(seed=0)
    wrong = {}
    for one in embeddings("image"):
        place = embedder(one.name, data.schema, data.reference)
        known, asked = place(data.train), place(data.holdout)
        nearest = np.linalg.norm(asked[:, None] - known[None], axis=2).argmin(axis=1)
        wrong[one.name] = (data.train["digit"].to_numpy()[nearest] != data.holdout["digit"].to_numpy()).mean()
    assert wrong["gradients"] < wrong["pixels"] < 0.05


def test_spoken_voices_are_told_apart(shared_data):
    with np.load(shared_data / "fsdd" / "fsdd_takes0_14.npz") as arrays:
        offsets, speaker, digit, take = (arrays[name] for name in ("offsets", "speaker", "digit", "take"))
        rate, chosen = int(arrays["rate"]), np.flatnonzero(arrays["take"] < 8)
        sounds = [(arrays["audio"][offsets[i] : offsets[i + 1]] / 32768).astype(np.float32) for i in chosen]
    from generators import Column

    known = take[chosen] < 2
    place = EMBEDDINGS["voice"].fit(
        [one for one, use in zip(sounds, known, strict=True) if use], Column("audio", "audio", rate=rate)
    )
    voices, asked, enrolled = place(sounds), take[chosen] >= 5, take[chosen] < 5
    apart = np.linalg.norm(voices[asked][:, None] - voices[enrolled][None], axis=2)
    right = speaker[chosen][enrolled][apart.argmin(axis=1)] == speaker[chosen][asked]
    assert right.mean() > 0.9
    apart[digit[chosen][asked][:, None] == digit[chosen][enrolled][None]] = np.inf  # other words by the same voice
    right = speaker[chosen][enrolled][apart.argmin(axis=1)] == speaker[chosen][asked]
    assert right.mean() > 0.6


def test_loudness_does_not_change_what_is_heard():
    data, fresh = thirds("audio", 0, rows=40)
    for name in ("spectrogram", "voice"):
        place = embedder(name, data.schema, data.reference)
        quieter = fresh.assign(audio=[cell * np.float32(0.5) for cell in fresh["audio"]])
        np.testing.assert_allclose(place(quieter), place(fresh), atol=1e-2)


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_nothing_at_all_is_a_record_too(modality):
    """A black image, an empty text, silence."""
    data, fresh = thirds(modality, 0, rows=40)
    content = data.schema.columns[0].name
    nothing = {"image": np.zeros((12, 12, 1), np.uint8), "text": "", "audio": np.zeros(1, np.float32)}[modality]
    empty = fresh.head(2).copy()
    empty[content] = [nothing, nothing]
    for one in embeddings(modality):
        rows = embed(one.name, data.schema, data.reference, empty)
        assert np.isfinite(rows).all()
        np.testing.assert_array_equal(rows[0], rows[1])


def test_colour_and_size_are_taken_as_they_come():
    rng = np.random.default_rng(0)
    for shape in [(3, 5, 1), (40, 90, 3), (200, 130, 3)]:
        cells = list(rng.integers(0, 256, (4, *shape)).astype(np.uint8))
        for one in embeddings("image"):
            rows = one.fit(cells, None)(cells)
            assert len(rows) == 4
            assert rows.shape[1] <= 4000
    grey = [cell.mean(axis=2, keepdims=True).astype(np.uint8) for cell in cells]
    assert EMBEDDINGS["gradients"].fit(grey, None)(grey).shape[1] == 8 * 7 * 7


def test_an_unknown_name_says_what_there_is():
    data, _ = thirds("text", 0, rows=40)
    with pytest.raises(InputError, match=r"no embedding of text records is called 'pixels'; there are ngrams, themes"):
        embedder("pixels", data.schema, data.reference)
