"""The networks of the text families: what they remember, where they look, and what clipping makes of them."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from generators import InputError, PrivatePlan
from generators.models.attention import CausalBlock, rotated
from generators.models.text.network import LanguageModel
from generators.models.text.recurrent import Recurrent
from generators.models.text.transformer import GPT, TextTransformer
from generators.models.text.transformer_xl import RelativeBlock, TextTransformerXL, TransformerXL, shifted
from generators.training import train_privately

INPUTS, VOCABULARY, CONTEXT = 13, 11, 8


def networks() -> dict[str, LanguageModel]:
    torch.manual_seed(0)
    made = {
        "gru": Recurrent(INPUTS, VOCABULARY, "gru", 6, 10, 2, 0.0),
        "lstm": Recurrent(INPUTS, VOCABULARY, "lstm", 6, 10, 1, 0.0),
        "gpt": GPT(INPUTS, VOCABULARY, CONTEXT, 16, 3, 2, 0.0),
        "xl": TransformerXL(INPUTS, VOCABULARY, CONTEXT, 18, 3, 3, 0.0),
    }
    for network in made.values():
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.4)  # large enough that every path shows
        network.eval()
    return made


NETWORKS = networks()


def tokens(length: int, rows: int = 3, seed: int = 0) -> Tensor:
    return torch.randint(0, INPUTS, (rows, length), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_training_reads_as_scoring_does(name: str) -> None:
    """One pass over a row gives what reading it piece by piece gives; for the XL, over segments with memory."""
    network = NETWORKS[name]
    row = tokens(CONTEXT if name == "gpt" else 3 * CONTEXT + 2)
    expected = network.logits(row)
    state, found = None, []
    for piece in torch.split(row, [1, 4, row.shape[1] - 5], dim=1):
        logits, state = network.advance(piece, state)
        found.append(logits)
    torch.testing.assert_close(torch.cat(found, dim=1), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_pieces_do_not_matter(name: str) -> None:
    network, row = NETWORKS[name], tokens(41)
    whole, _ = network.advance(row, None)
    state, found = None, []
    for piece in torch.split(row, [2, 17, 1, 21], dim=1):
        logits, state = network.advance(piece, state)
        found.append(logits)
    torch.testing.assert_close(torch.cat(found, dim=1), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_nothing_is_seen_before_its_time(name: str) -> None:
    network, row = NETWORKS[name], tokens(CONTEXT if name == "gpt" else 3 * CONTEXT)
    other = row.clone()
    other[:, 5:] = tokens(row.shape[1] - 5, seed=1)
    one, two = network.logits(row), network.logits(other)
    torch.testing.assert_close(one[:, :5], two[:, :5])
    assert not torch.allclose(one[:, 5:], two[:, 5:], atol=1e-3)


@torch.no_grad()
def test_a_full_window_goes_on_from_its_second_half() -> None:
    network, row = NETWORKS["gpt"], tokens(CONTEXT + 3)
    found, _ = network.advance(row, None)
    torch.testing.assert_close(found[:, :CONTEXT], network.logits(row[:, :CONTEXT]))
    again = network.logits(row[:, CONTEXT // 2 :])
    torch.testing.assert_close(found[:, CONTEXT:], again[:, -3:], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_rotation_keeps_distances_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 8, generator=generator)
    products = [(rotated(query, first + 5) * rotated(key, first)).sum() for first in (0, 3, 40)]
    torch.testing.assert_close(torch.stack(products[1:]), products[0].expand(2), rtol=1e-4, atol=1e-5)
    assert not torch.isclose((rotated(query, 6) * rotated(key, 0)).sum(), products[0], atol=1e-3)


@torch.no_grad()
def test_relative_attention_equals_the_formula() -> None:
    """Term by term as in the paper's section 3.3, with loops: (q + u) k + (q + v) W r of the distance."""
    torch.manual_seed(1)
    width, heads, memory, new = 12, 2, 5, 4
    block = RelativeBlock(width, heads, 0.0).eval()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    size = width // heads
    history = torch.randn(1, memory + new, width)
    inputs = block.norm(history)
    keys, values = block.keys_and_values(inputs)
    mask = torch.ones(1, new, memory + new, dtype=torch.bool).tril(memory)
    found = block(history[:, memory:], inputs[:, memory:], keys, values, mask)

    rates = [10_000.0 ** (-2 * place / width) for place in range(width // 2)]
    attended = torch.zeros(new, width)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        u, v = block.content_bias[head, 0], block.distance_bias[head, 0]
        for i in range(new):
            query = block.query.weight[part] @ inputs[0, memory + i]
            scores = []
            for j in range(memory + i + 1):
                distance = memory + i - j
                wave = [math.sin(distance * rate) for rate in rates] + [math.cos(distance * rate) for rate in rates]
                key = block.key_value.weight[:width][part] @ inputs[0, j]
                far = block.distance.weight[part] @ torch.tensor(wave)
                scores.append(((query + u) @ key + (query + v) @ far) / math.sqrt(size))
            weights = torch.stack(scores).softmax(dim=0)
            seen = inputs[0, : memory + i + 1] @ block.key_value.weight[width:][part].T
            attended[i, part] = weights @ seen
    expected = history[0, memory:] + block.mixed(attended)
    expected = expected + block.feed(expected)
    torch.testing.assert_close(found[0], expected, rtol=1e-4, atol=1e-4)


def test_scores_shift_to_their_places() -> None:
    by_distance = torch.arange(6).flip(0).repeat(3, 1).float()  # each entry is its distance
    expected = torch.tensor([[3, 2, 1, 0], [4, 3, 2, 1], [5, 4, 3, 2]])
    torch.testing.assert_close(shifted(by_distance)[:, :4], expected.float())


@torch.no_grad()
def test_memory_reaches_one_segment_back_per_block() -> None:
    network, row = NETWORKS["xl"], tokens(6 * CONTEXT, rows=1)
    whole, _ = network.advance(row, None)
    last = slice(5 * CONTEXT, None)
    for forgotten, differs in ((5, True), (3, True), (2, False), (1, False)):
        cut, _ = network.advance(row[:, forgotten * CONTEXT :], None)
        gap = (cut[:, -CONTEXT:] - whole[:, last]).abs().max().item()
        assert (gap > 1e-3) == differs, forgotten


@torch.no_grad()
def test_one_block_with_memory_sees_what_a_longer_segment_shows() -> None:
    """With one block and no more than two segments, memory is as good as one long segment."""
    torch.manual_seed(2)
    short = TransformerXL(INPUTS, VOCABULARY, CONTEXT, 16, 1, 2, 0.0).eval()
    long = TransformerXL(INPUTS, VOCABULARY, 2 * CONTEXT, 16, 1, 2, 0.0).eval()
    long.load_state_dict(short.state_dict())
    row = tokens(2 * CONTEXT)
    torch.testing.assert_close(short.logits(row), long.logits(row), rtol=1e-4, atol=1e-5)


def test_no_gradient_flows_into_a_memory() -> None:
    network = copy.deepcopy(NETWORKS["xl"]).train()
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    network.get_submodule("embedding").register_forward_hook(keep)
    row = tokens(3 * CONTEXT, rows=1)
    network.logits(row)[:, 2 * CONTEXT :].square().sum().backward()  # type: ignore[no-untyped-call]
    gradient = seen[0].grad
    assert gradient is not None
    assert gradient.shape[1] == 3
    assert gradient[0, :2].abs().max() == 0
    assert gradient[0, 2].abs().max() > 0


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_loss_is_the_mean_over_what_is_predicted(name: str) -> None:
    network = NETWORKS[name]
    rows = torch.tensor([[12, 11, 3, 4, 0, -1, -1, -1], [12, 2, 5, 1, 3, 6, 7, 9]])
    logits = network.logits(rows[:, :-1].clamp_min(0)).log_softmax(dim=2)
    first = -(logits[0, 1, 3] + logits[0, 2, 4] + logits[0, 3, 0]) / 3  # 11 is given, the rest is padding
    second = -logits[1, torch.arange(7), rows[1, 1:]].mean()
    torch.testing.assert_close(network(rows), torch.stack([first, second]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [5, CONTEXT])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_clipping_equals_the_textbook(rows: int, scale: float) -> None:
    """Ghost clipping of the transformer is exact, also for huge gradients and as many rows as tokens."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = copy.deepcopy(NETWORKS["gpt"])

        def forward(self, batch: Tensor) -> Tensor:
            losses: Tensor = self.network(batch)
            return scale * losses

    objective, clip = Scaled(), 0.3
    records = torch.cat([tokens(CONTEXT + 1, rows=rows - 1), torch.full((1, CONTEXT + 1), -1)])
    records[-1, :3] = torch.tensor([12, 4, 0])
    expected = torch.zeros(sum(one.numel() for one in objective.parameters()))
    for row in records:
        own = torch.autograd.grad(objective(row[None]).sum(), list(objective.parameters()))
        flat = torch.cat([one.flatten() for one in own])
        assert flat.norm() > clip
        expected += flat * clip / flat.norm()
    seen: list[Tensor] = []

    def observe(_: int) -> None:
        seen.append(torch.cat([one.grad.flatten().clone() for one in objective.parameters() if one.grad is not None]))

    plan = PrivatePlan(rows, 1.0, 1, 0.0, clip, epsilon=1.0, delta=1e-5)
    train_privately(objective, records, plan, learning_rate=1e-9, test_seed=0, observe=observe, progress=False)
    torch.testing.assert_close(seen[0], expected / rows, rtol=1e-3, atol=1e-5)


def test_blocks_start_near_their_input() -> None:
    torch.manual_seed(0)
    deep = GPT(INPUTS, VOCABULARY, CONTEXT, 16, 8, 2, 0.0)
    plain = CausalBlock(16, 2, 0.0)
    first = deep.get_parameter("blocks.0.mixed.weight")
    assert first.std().item() == pytest.approx(plain.mixed.weight.std().item() / 4, rel=0.2)


def test_widths_must_suit_the_heads() -> None:
    with pytest.raises(InputError, match="width is 30, expected a multiple of twice the heads, 8"):
        TextTransformer(width=30, heads=4)
    with pytest.raises(InputError, match="width is 15, expected a multiple of twice the heads, 10"):
        TextTransformerXL(width=15, heads=5)
