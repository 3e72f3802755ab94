"""The space of images, texts and recordings: what near means there, and that it is found exactly."""

import numpy as np
import pandas as pd
import pytest

from audit.neighbours import Neighbours
from audit.spaces import ContentSpace, Points, Space, join
from tests.audit.contents import changed, thirds

MODALITIES = ["image", "text", "audio"]


@pytest.fixture(scope="module", params=MODALITIES)
def placed(request):
    data, fresh = thirds(request.param, 0, rows=80)
    space = ContentSpace(data.schema, fresh, data.reference, [data.train, data.holdout])
    return data, fresh, space, space.place(data.train), space.place(fresh)


def test_nearest_equals_brute_force(placed):
    _, _, space, queries, targets = placed
    contents = np.linalg.norm(queries.content.features[:, None] - targets.content.features[None], axis=2)
    both = contents + (queries.codes[:, None] != targets.codes[None]).sum(axis=2)
    np.testing.assert_allclose(space.nearest(queries, targets, 3), np.sort(both, axis=1)[:, :3], atol=1e-5)
    np.testing.assert_allclose(space.nearest_contents(queries, targets, 3), np.sort(contents, axis=1)[:, :3], atol=1e-5)


def test_two_records_lie_about_one_apart(placed):
    _, _, space, queries, targets = placed
    apart = space.nearest_contents(queries, targets, len(targets))
    assert np.sqrt((apart**2).mean()) == pytest.approx(1, abs=0.15)


def test_only_an_equal_content_is_an_exact_copy(placed):
    data, fresh, space, _, targets = placed
    again = space.place(fresh.assign(label=fresh["label"].iloc[::-1].tolist()))
    assert (space.twin(again, targets) == 0).all()  # whatever its label
    careless = space.twin(space.place(changed(data.modality, fresh)), targets)
    assert (careless > 0).mean() > 0.95
    assert np.median(careless) < 0.4
    assert np.median(space.twin(targets, targets, exclude_self=True)) == pytest.approx(1, abs=0.25)


def test_an_exact_copy_is_found_among_others_as_near():
    """Embeddings of texts do not tell capitals from small letters; what is equal does."""
    data, fresh = thirds("text", 0, rows=80)
    space = ContentSpace(data.schema, fresh, data.reference, [data.train, data.holdout])
    name = next(column.name for column in data.schema.columns if column.kind == "text")
    shouted = data.train.assign(**{name: data.train[name].str.swapcase()})
    published = space.place(pd.concat([shouted, data.train], ignore_index=True))
    assert (space.twin(space.place(data.train), published) == 0).all()
    assert (space.twin(space.place(data.train), space.place(shouted)) > 0).all()


def test_a_blurred_content_is_near_and_no_copy(placed):
    _, _, space, queries, _ = placed
    moved = space.twin(space.blurred(queries, 0.2, np.random.default_rng(0)), queries)
    assert (moved > 0).all()
    assert (moved <= 0.2001).all()


def test_points_keep_their_content(placed):
    _, _, space, queries, targets = placed
    rows = np.array([5, 2, 2])
    some = join(queries.take(rows), targets)
    np.testing.assert_array_equal(some.content.features[:3], queries.content.features[rows])
    assert some.values.shape == (83, some.numbers.shape[1] + some.codes.shape[1] + some.content.features.shape[1])
    assert len(np.unique(some.cells, axis=0)) == 82
    views = [space.view(name, some) for name in space._names]
    np.testing.assert_array_equal(np.hstack(views), some.content.features)


def test_a_search_among_contents_is_done_once(placed, monkeypatch):
    _, _, space, queries, targets = placed
    searches, search = [], space.nearest_contents
    monkeypatch.setattr(space, "nearest_contents", lambda q, t, k: searches.append(k) or search(q, t, k))
    shared = Neighbours(space)
    shared.contents(queries, targets, 5)
    np.testing.assert_array_equal(
        shared.twin(queries, targets), shared.contents(queries, targets)[:, 0] / space.usual_gap
    )
    shared.contents(queries.take(np.array([1, 0])), targets, 2)
    assert searches == [5]


def test_where_all_contents_are_equal_only_labels_are_compared(placed):
    data, _, _, _, _ = placed
    first = data.schema.columns[0].name
    same = pd.concat([data.reference.head(1)] * 40, ignore_index=True)
    same["label"] = data.reference["label"].head(40).tolist()
    space = ContentSpace(data.schema, same, same)
    assert space.dimensions == 1
    points = space.place(same)
    assert set(np.unique(space.nearest(points, points, 40))) == {0.0, 1.0}
    assert first not in space.categorical


def test_tables_have_no_content():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    from generators import Column, Schema

    space = Space(Schema(columns=(Column("x", "numeric"),)), table, table)
    points = space.place(table)
    with pytest.raises(TypeError, match="no content"):
        Neighbours(space).contents(points, points)
    assert isinstance(points, Points)
    assert points.content is None


def test_parts_of_parts_share_their_embeddings(placed):
    _, _, space, queries, targets = placed
    rows = np.array([5, 3, 3, 60])
    part = queries.take(np.arange(70)[::-1]).take(rows)
    assert part.content.embedded is queries.content.embedded
    assert (part.content.features == queries.content.features[69 - rows]).all()
    np.testing.assert_array_equal(space.nearest(part, targets), space.nearest(queries, targets)[69 - rows])
    name = space._names[1]
    np.testing.assert_array_equal(space.view(name, part), space.view(name, queries)[69 - rows])
