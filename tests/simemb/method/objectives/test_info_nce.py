"""InfoNCE and its options against slow references written from the papers."""

from dataclasses import replace
from itertools import pairwise, product
from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor, nn

from simemb.errors import RecipeError
from simemb.method.objectives.base import Pair, Texts, cosines
from simemb.method.objectives.false_negatives import FalseNegatives
from simemb.method.objectives.info_nce import InfoNCE, LearntTemperature


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    norms = sqrt(sum(x * x for x in a)) * sqrt(sum(y * y for y in b))
    return dot / norms if norms else 0.0


def near(a: Tensor, b: Tensor, similarity: str = "cosine") -> Tensor:
    dot = sum((x * y for x, y in zip(a, b, strict=True)), torch.zeros((), dtype=a.dtype))
    return dot if similarity == "dot" else dot / (a.square().sum() * b.square().sum()).sqrt()


def slow_info_nce(query, key, hard, memory, temperature: float, weight: float, first: int) -> float:
    """Gao et al., 2021, eq. 4 and 5, pair by pair, in plain Python."""
    query, key, memory = query.tolist(), key.tolist(), [] if memory is None else memory.tolist()
    losses = []
    for i, q in enumerate(query):
        numerator = exp(cosine(q, key[first + i]) / temperature)
        denominator = sum(exp(cosine(q, k) / temperature) for k in key)
        for negatives in hard:
            for j, negative in enumerate(negatives.tolist()):
                own = weight if j == first + i else 0.0
                denominator += exp(cosine(q, negative) / temperature + own)
        denominator += sum(exp(cosine(q, old) / temperature) for old in memory)
        losses.append(-log(numerator / denominator))
    return sum(losses) / len(losses)


def slow_simcse(query: Tensor, positive: Tensor, negative: Tensor | None, temperature: float, weight: float) -> Tensor:
    """Gao et al., 2021, eq. 1 and 4 without `negative`, eq. 5 with it, pair by pair and with a gradient.

    The own hard negative counts exp(weight) times, which is the alpha of eq. 8.
    """
    losses = []
    for i, sentence in enumerate(query):
        terms = [(near(sentence, other) / temperature).exp() for other in positive]
        numerator, denominator = terms[i], sum(terms, torch.zeros_like(terms[i]))
        for j, other in enumerate(() if negative is None else negative):
            factor = exp(weight) if j == i else 1.0
            denominator = denominator + factor * (near(sentence, other) / temperature).exp()
        losses.append(-(numerator / denominator).log())
    return torch.stack(losses).mean()


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dim, generator=generator, dtype=torch.float64)


def duplicates() -> tuple[Tensor, Tensor, Tensor]:
    query = rows(6, 1)
    query[3] = query[0]
    key = query.clone()
    key[5] = key[4]
    return query, key, query.clone()


def zeros() -> tuple[Tensor, Tensor, Tensor]:
    query, key, hard = rows(4, 2), rows(4, 3), rows(4, 4)
    query[1], key[2], hard[0] = 0, 0, 0
    return query, key, hard


CASES = {
    "random": lambda: (rows(8, 5), rows(8, 6), rows(8, 7)),
    "two": lambda: (rows(2, 8), rows(2, 9), rows(2, 10)),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "tiny and huge": lambda: (1e-6 * rows(5, 11), 1e6 * rows(5, 12), rows(5, 13)),
    "opposite": lambda: (rows(4, 14), -rows(4, 14), rows(4, 14)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", [0.05, 1.0])
@pytest.mark.parametrize("weight", [0.0, 1.5])
@pytest.mark.parametrize("remembered", [0, 3])
def test_info_nce_equals_the_loops_of_the_paper(case: str, temperature: float, weight: float, remembered: int):
    query, key, hard = CASES[case]()
    memory = rows(remembered, 20)
    objective = InfoNCE(temperature=temperature, hard_negative_weight=weight)
    both, twice = torch.cat([hard, key.flip(0)]), torch.arange(len(key)).repeat(2)
    for blocks, negatives, owner in (((), None, None), ((hard,), hard, None), ((hard, key.flip(0)), both, twice)):
        expected = slow_info_nce(query, key, blocks, memory, temperature, weight, 0)
        assert objective(Pair(query, key, negatives, memory, owner=owner)).item() == pytest.approx(expected, abs=1e-6)
    without = slow_info_nce(query, key, (), None, temperature, weight, 0)
    assert objective(Pair(query, key)).item() == pytest.approx(without, abs=1e-6)


@pytest.mark.parametrize("case", ["random", "two", "duplicates", "opposite"])
def test_the_gradient_is_that_of_the_loops(case: str):
    tensors = [tensor.clone().requires_grad_() for tensor in (*CASES[case](), rows(3, 21))]
    query, key, hard, memory = tensors
    objective = InfoNCE(temperature=0.5, hard_negative_weight=0.7)
    objective(Pair(query, key, hard, memory)).backward()
    step = 1e-5
    for tensor in tensors:
        assert tensor.grad is not None
        numeric = torch.zeros_like(tensor)
        for place in range(tensor.numel()):
            values = []
            for sign in (1, -1):
                moved = [other.detach().clone() for other in tensors]
                moved[[other is tensor for other in tensors].index(True)].view(-1)[place] += sign * step
                values.append(slow_info_nce(moved[0], moved[1], (moved[2],), moved[3], 0.5, 0.7, 0))
            numeric.view(-1)[place] = (values[0] - values[1]) / (2 * step)
        torch.testing.assert_close(tensor.grad, numeric, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.9])
@pytest.mark.parametrize("with_hard", [False, True])
def test_value_and_gradient_are_those_of_simcse(weight: float, with_hard: bool):
    ours = [rows(7, seed).requires_grad_() for seed in (30, 31, 32)]
    theirs = [tensor.detach().clone().requires_grad_() for tensor in ours]
    loss = InfoNCE(0.05, weight)(Pair(ours[0], ours[1], ours[2] if with_hard else None))
    reference = slow_simcse(theirs[0], theirs[1], theirs[2] if with_hard else None, 0.05, weight)
    torch.testing.assert_close(loss, reference, atol=1e-9, rtol=0)
    loss.backward()
    reference.backward()
    for mine, other in zip(ours[: 2 + with_hard], theirs, strict=False):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-9, rtol=0)


@pytest.mark.parametrize("first", [0, 2, 6])
def test_a_share_of_the_queries_has_the_loss_of_its_rows(first: int):
    query, key, hard = rows(8, 40), rows(8, 41), rows(8, 42)
    objective = InfoNCE(0.1, 0.5)
    share = objective(Pair(query[first : first + 2], key, hard, first=first)).item()
    assert share == pytest.approx(
        slow_info_nce(query[first : first + 2], key, (hard,), None, 0.1, 0.5, first), abs=1e-6
    )
    shares = [objective(Pair(query[place : place + 2], key, hard, first=place)) for place in range(0, 8, 2)]
    torch.testing.assert_close(torch.stack(shares).mean(), objective(Pair(query, key, hard)))


def test_a_number_computed_by_hand():
    # q = (1,0), (0,1); k_0 = q_0, k_1 at 60 degrees from q_1: cosines [[1, sin 60], [0, cos 60]], t = 1/2.
    query = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    key = torch.tensor([[3.0, 0.0], [sqrt(3), 1.0]], dtype=torch.float64)
    # l_0 = ln(1 + e^(1.7320508 - 2)) = 0.568121; l_1 = ln(1 + e^(0 - 1)) = 0.313262; mean 0.440691
    assert InfoNCE(temperature=0.5)(Pair(query, key)).item() == pytest.approx(0.440691, abs=1e-6)


def test_there_are_n_minus_one_negatives_in_one_direction():
    alike = torch.ones(16, 4)
    assert InfoNCE()(Pair(alike, alike)).item() == pytest.approx(log(16), abs=1e-5)  # 2N - 1 would give ln 31
    query, key = rows(6, 50), rows(6, 51)
    assert InfoNCE()(Pair(query, key)).item() != pytest.approx(InfoNCE()(Pair(key, query)).item(), abs=1e-3)


def test_the_weight_stands_at_the_own_hard_negative_only():
    alike = torch.ones(4, 3, dtype=torch.float64)
    loss = InfoNCE(1.0, hard_negative_weight=log(5))(Pair(alike, alike, alike))
    assert loss.item() == pytest.approx(log(4 + 3 + 5))  # e^cos cancels; alpha = e^weight = 5 counts once


def test_twenty_steps_descend():
    query, key = rows(16, 60, dim=8).requires_grad_(), rows(16, 61, dim=8)
    optimizer = torch.optim.SGD([query], lr=0.5)
    losses = []
    for _ in range(20):
        loss = InfoNCE(0.1)(Pair(query, key))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]
    assert all(after < before for before, after in pairwise(losses))


def test_zero_vectors_give_a_finite_gradient():
    query, key, hard = (tensor.requires_grad_() for tensor in zeros())
    InfoNCE()(Pair(query, key, hard)).backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (query, key, hard))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_refused(temperature: float):
    with pytest.raises(RecipeError, match=r"objective\.temperature must be above 0"):
        InfoNCE(temperature=temperature)


def test_cosines_of_a_zero_vector_are_zero():
    assert cosines(torch.zeros(1, 3), torch.eye(3)).tolist() == [[0.0, 0.0, 0.0]]


# What follows tests the options: alone, together, and against the papers that each is the loss of.


def slow_direction(o: InfoNCE, pair: Pair, scale: float) -> Tensor:
    """One candidate after the other: is it a negative of query i, and if so, what is its logit?"""
    losses = []
    keys = list(pair.key)
    texts, guide, rule = pair.texts, pair.guide, o.false_negatives
    for i, query in enumerate(pair.query):
        g = pair.first + i
        candidates = []  # its vector, its text, the guide's vector, whether the text of its query is ours, its weight
        for j, key in enumerate(keys):
            twin = texts is not None and texts.query[j] == texts.query[g]
            if o.in_batch and j != g:
                candidates.append((key, texts and texts.key[j], guide and guide.key[j], twin, None))
        for j, key in enumerate(() if pair.hard is None else pair.hard):
            weight = o.hard_negative_weight if pair.owners[j] == g else None
            candidates.append((key, texts and texts.hard[j], guide and guide.hard[j], False, weight))
        for j, other in enumerate(pair.queries if o.within_view else ()):
            if j != g:
                candidates.append((other, texts and texts.query[j], guide and guide.queries[j], False, None))
        for j, old in enumerate(() if pair.memory is None else pair.memory):
            number = None if texts is None or texts.memory is None else texts.memory[j]
            candidates.append((old, number, None, False, None))

        cosine = near(query, pair.key[g], o.similarity)
        positive = ((torch.cos(torch.acos(cosine) + o.angular_margin) if o.angular_margin else cosine) * scale).exp()
        negative = torch.zeros_like(positive)
        has_negative = False
        for vector, text, guided, twin, weight in candidates:
            own = weight is not None
            same = texts is not None and (twin or (text is not None and text in (texts.query[g], texts.key[g])))
            if o.mask_duplicates and same:
                continue
            if rule is not None and not own and not (rule.guided and guided is None):
                if rule.guided:
                    close, mine = near(guide.query[i], guided), near(guide.query[i], guide.key[g])
                else:
                    close, mine = near(query, vector), near(query, pair.key[g])
                if close > (mine - rule.margin if rule.threshold is None else rule.threshold):
                    continue
            has_negative = True
            if o.mix is not None and vector is keys[(g + 1) % len(keys)]:
                negative = negative + (near(query, mixture(o, pair.key[g], vector), o.similarity) * scale).exp()
            negative = negative + (near(query, vector, o.similarity) * scale + (weight or 0.0)).exp()
        denominator = negative if o.decoupled else positive + negative
        losses.append(-(positive / denominator).log() if has_negative else 0 * positive)
    return torch.stack(losses).mean()


def mixture(o: InfoNCE, own: Tensor, other: Tensor) -> Tensor:
    """MixCSE: both keys are of unit length before they are mixed and after, and there is no gradient."""
    own, other = own.detach(), other.detach()
    if o.similarity == "dot":
        return o.mix * own + (1 - o.mix) * other
    mixed = o.mix * own / own.norm() + (1 - o.mix) * other / other.norm()
    return mixed / mixed.norm()


def slow(o: InfoNCE, pair: Pair) -> Tensor:
    scale = 1 / o.temperature
    there = slow_direction(o, pair, scale)
    if not o.symmetric:
        return there
    mine = slice(pair.first, pair.first + len(pair.query))
    texts, guide = pair.texts, pair.guide
    back = Pair(
        query=pair.key[mine],
        key=pair.queries,
        first=pair.first,
        others=pair.key,
        texts=texts and Texts(query=texts.key, key=texts.query),
        guide=guide and Pair(guide.key[mine], guide.queries, first=pair.first, others=guide.key),
    )
    return (there + slow_direction(o, back, scale)) / 2


def leaves(*seeds: int, count: int = 5, dim: int = 4) -> list[Tensor]:
    return [rows(count, seed, dim).requires_grad_() for seed in seeds]


def numbers(*values: int) -> Tensor:
    return torch.tensor(values)


TEXTS = Texts(
    query=numbers(0, 1, 2, 1, 3),  # rows 1 and 3 have the same query
    key=numbers(10, 11, 0, 13, 14),  # the key of row 2 is the query of row 0
    # Of rows 0 and 4 there are two, of row 3 none; row 2 has its own query as hard negative, row 4 the key of row 0.
    hard=numbers(20, 21, 22, 2, 23, 10),
    memory=numbers(13, 30, 3),
)
OWNERS = numbers(0, 1, 0, 2, 4, 4)
GUIDE = Pair(rows(5, 90, 3), rows(5, 91, 3), rows(6, 92, 3), owner=OWNERS)
RULES = {
    "all": None,
    "threshold": FalseNegatives(threshold=0.3),
    "margin": FalseNegatives(margin=0.1),
    "guided threshold": FalseNegatives(threshold=0.2, guided=True),
    "guided margin": FalseNegatives(margin=0.0, guided=True),
}
OPTIONS = [
    dict(zip(("similarity", "in_batch", "within_view", "symmetric", "decoupled"), values, strict=True))
    for values in product(("cosine", "dot"), (True, False), (False, True), (False, True), (False, True))
    if values[1] or values[2] or not values[3]
]


def check(objective: InfoNCE, pair: Pair, tensors: list[Tensor]) -> None:
    """Value and gradient are those of the loops."""
    expected, loss = slow(objective, pair), objective(pair)
    torch.testing.assert_close(loss, expected, atol=1e-8, rtol=1e-8)
    theirs = torch.autograd.grad(expected, tensors, allow_unused=True, materialize_grads=True)
    ours = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-8, rtol=1e-7)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("rule", RULES)
def test_every_combination_of_options_equals_the_loops(options: dict, rule: str):
    tensors = [*leaves(70, 71), *leaves(72, count=6)]
    memory = rows(3, 73, 4).requires_grad_()
    objective = InfoNCE(0.5, 0.7, **options, false_negatives=RULES[rule])
    pair = Pair(tensors[0], tensors[1], tensors[2], memory, texts=TEXTS, guide=GUIDE, owner=OWNERS)
    check(objective, pair, [*tensors, memory])
    check(replace(objective, mask_duplicates=False), replace(pair, texts=None), [*tensors, memory])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_the_margin_and_the_mixed_negative_go_with_every_other_option(options: dict, rule: str):
    tensors = [*leaves(70, 71), *leaves(72, count=6)]
    memory = rows(3, 73, 4).requires_grad_()
    harder = {"mix": 0.2} if options["in_batch"] else {}
    harder |= {"angular_margin": 0.3} if options["similarity"] == "cosine" else {}
    objective = InfoNCE(0.5, 0.7, **options, **harder, false_negatives=RULES[rule])
    pair = Pair(tensors[0], tensors[1], tensors[2], memory, texts=TEXTS, guide=GUIDE, owner=OWNERS)
    check(objective, pair, [*tensors, memory])
    check(replace(objective, mask_duplicates=False), replace(pair, texts=None), [*tensors, memory])
    share = replace(pair, query=pair.query[3:], others=pair.query, first=3, guide=None)
    if not (objective.false_negatives and objective.false_negatives.guided):
        check(objective, share, [*tensors, memory])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("options", [{}, {"within_view": True}, {"symmetric": True}, {"decoupled": True}])
def test_two_examples_without_hard_negatives_equal_the_loops(options: dict, rule: str):
    tensors = leaves(74, 75, count=2)
    guide = Pair(rows(2, 93, 3), rows(2, 94, 3))
    for texts in (None, Texts(numbers(1, 2), numbers(1, 2)), Texts(numbers(1, 2), numbers(2, 3))):
        pair = Pair(*tensors, texts=texts, guide=guide)
        check(InfoNCE(0.2, **options, false_negatives=RULES[rule]), pair, tensors)


def test_each_option_changes_the_loss():
    tensors = [tensor.detach() for tensor in (*leaves(70, 71), *leaves(72, count=6))]
    pair = Pair(tensors[0], tensors[1], tensors[2], rows(3, 73, 4), texts=TEXTS, guide=GUIDE, owner=OWNERS)
    choices = [{}, {"mask_duplicates": False}, *({"false_negatives": rule} for rule in RULES.values() if rule)]
    choices += [{"in_batch": False}, {"within_view": True}, {"symmetric": True}, {"decoupled": True}]
    choices += [{"angular_margin": 0.1}, {"mix": 0.2}]
    values = [InfoNCE(0.5, 0.7, **choice)(pair).item() for choice in (*choices, {"similarity": "dot"})]
    assert len({round(value, 9) for value in values}) == len(values)


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Chen et al., 2020, algorithm 1: 2N rows, 2N - 2 negatives each."""
    z = nn.functional.normalize(torch.cat([first, second]), dim=1)
    similarities = (z @ z.T / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool), float("-inf"))
    partner = torch.arange(len(z)).roll(len(first))
    return nn.functional.cross_entropy(similarities, partner)


def test_within_view_in_both_directions_is_nt_xent():
    first, second = rows(6, 80), rows(6, 81)
    objective = InfoNCE(0.5, within_view=True)
    both = (objective(Pair(first, second)) + objective(Pair(second, first))) / 2
    torch.testing.assert_close(both, nt_xent(first, second, 0.5))
    torch.testing.assert_close(replace(objective, symmetric=True)(Pair(first, second)), both)
    alike = torch.ones(16, 4)
    assert objective(Pair(alike, alike)).item() == pytest.approx(log(31), abs=1e-5)  # 1 + (2N - 2)


def test_symmetric_is_the_loss_of_clip():
    image, text = rows(6, 82), rows(6, 83)
    logits = nn.functional.normalize(image, dim=1) @ nn.functional.normalize(text, dim=1).T / 0.07
    labels = torch.arange(6)
    expected = (nn.functional.cross_entropy(logits, labels) + nn.functional.cross_entropy(logits.T, labels)) / 2
    torch.testing.assert_close(InfoNCE(0.07, symmetric=True)(Pair(image, text)), expected)


def test_a_queue_alone_is_the_loss_of_moco():
    query, key, queue = rows(4, 84), rows(4, 85), rows(9, 86)
    q, k, m = (nn.functional.normalize(tensor, dim=1) for tensor in (query, key, queue))
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ m.T], dim=1) / 0.07
    expected = nn.functional.cross_entropy(logits, torch.zeros(4, dtype=torch.long))
    torch.testing.assert_close(InfoNCE(0.07, in_batch=False)(Pair(query, key, memory=queue)), expected)


def test_the_options_on_numbers_computed_by_hand():
    query = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    key = torch.tensor([[3.0, 0.0], [sqrt(3), 1.0]], dtype=torch.float64)
    pair = Pair(query, key)  # logits [[2, 1.7320508], [0, 1]], between the queries 0
    # the other way: ln(1 + e^-2) = 0.126928 and ln(1 + e^0.7320508) = 1.124715, mean 0.625822
    assert InfoNCE(0.5, symmetric=True)(pair).item() == pytest.approx((0.440691 + 0.625822) / 2, abs=1e-6)
    # ln(1 + e^-0.2679492 + e^-2) = 0.642003 and ln(1 + 2 e^-1) = 0.551445
    assert InfoNCE(0.5, within_view=True)(pair).item() == pytest.approx(0.596724, abs=1e-6)
    # 1.7320508 - 2 = -0.2679492 and 0 - 1
    assert InfoNCE(0.5, decoupled=True)(pair).item() == pytest.approx(-0.633975, abs=1e-6)
    # dot: [[3, 1.7320508], [0, 2]] / 0.5: ln(1 + e^-2.5358984) = 0.076211 and ln(1 + e^-4) = 0.018150
    assert InfoNCE(0.5, similarity="dot")(pair).item() == pytest.approx(0.047181, abs=1e-6)


def test_a_repeated_sentence_does_not_repel_itself():
    query, key = rows(4, 87), rows(4, 88)
    query[2], key[2] = query[0], key[0]
    sentences = numbers(5, 6, 5, 7)
    loss = InfoNCE(0.5)(Pair(query, key, texts=Texts(sentences, sentences)))
    logits = cosines(query, key) / 0.5
    logits[0, 2] = logits[2, 0] = float("-inf")
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, torch.arange(4)))


def test_no_text_is_masked_that_occurs_once():
    tensors = [rows(5, seed) for seed in (70, 71, 72)]
    pair = Pair(tensors[0], tensors[1], tensors[2], rows(3, 73))
    texts = Texts(torch.arange(5), torch.arange(5, 10), torch.arange(10, 15), torch.arange(15, 18))
    for texts_of_memory in (texts.memory, None):
        known = replace(pair, texts=replace(texts, memory=texts_of_memory))
        assert InfoNCE(within_view=True)(known).item() == InfoNCE(within_view=True)(pair).item()


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_without_a_negative_left_loss_and_gradient_are_zero(options: dict):
    tensors = leaves(76, 77)
    objective = InfoNCE(0.1, **options)
    same = Texts(torch.zeros(5, dtype=torch.long), torch.zeros(5, dtype=torch.long))
    loss = objective(Pair(*tensors, texts=same))
    assert loss.item() == 0
    with torch.autograd.set_detect_anomaly(True):  # refuses a NaN anywhere on the way back
        for gradient in torch.autograd.grad(loss, tensors):
            assert (gradient == 0).all()


@pytest.mark.parametrize("decoupled", [False, True])
def test_a_single_query_without_negatives_leaves_the_others_their_loss(decoupled: bool):
    query, key = leaves(78, 79, count=3)
    pair = Pair(query, key, texts=Texts(numbers(0, 1, 2), numbers(3, 0, 0)))  # keys 1 and 2 are the text of query 0
    objective = InfoNCE(0.5, decoupled=decoupled)
    check(objective, pair, [query, key])
    objective(pair).backward()
    assert query.grad is not None
    assert (query.grad[0] == 0).all()
    assert (query.grad[1:] != 0).any(dim=1).all()


def test_the_own_hard_negative_is_not_judged_but_left_out_where_it_has_the_text_of_query_or_key():
    query, key = rows(3, 95), rows(3, 96)
    texts = Texts(numbers(0, 1, 2), numbers(3, 4, 5), numbers(0, 4, 6))  # of rows 0 and 1 it is query and key
    pair = Pair(query, key, query.clone(), texts=texts)
    strict = InfoNCE(0.5, false_negatives=FalseNegatives(threshold=-1.0))  # leaves out all other negatives
    own = torch.stack([(1 + ((2 - 2 * near(q, k)).exp())).log() for q, k in zip(query, key, strict=True)])
    torch.testing.assert_close(strict(pair), own[2] / 3)
    torch.testing.assert_close(replace(strict, mask_duplicates=False)(pair), own.mean())


def test_a_false_negative_moves_nothing():
    query, key = rows(4, 97).requires_grad_(), rows(4, 98).requires_grad_()
    with torch.no_grad():
        key[3] = 2 * query[0]
    InfoNCE(0.1, false_negatives=FalseNegatives(threshold=0.999))(Pair(query, key)).backward()
    alone = query.detach().clone().requires_grad_()
    InfoNCE(0.1)(Pair(alone[:1], key.detach()[:3])).backward()
    assert query.grad is not None
    assert alone.grad is not None
    torch.testing.assert_close(4 * query.grad[0], alone.grad[0])


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("rule", ["all", "margin", "guided margin"])
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(options: dict, rule: str):
    query, key, hard = leaves(100, 101, 102, count=6)
    memory = rows(3, 103, 4)
    texts = Texts(numbers(0, 1, 2, 1, 3, 4), numbers(10, 11, 0, 13, 4, 15), torch.arange(20, 26), numbers(1, 2, 3))
    guide = Pair(rows(6, 104), rows(6, 105), rows(6, 106))
    whole = Pair(query, key, hard, memory, texts=texts, guide=guide)
    objective = InfoNCE(0.5, 0.3, **options, false_negatives=RULES[rule])
    shares = []
    for first in (0, 3):
        mine = slice(first, first + 3)
        judge = replace(guide, query=guide.query[mine], others=guide.query, first=first)
        shares.append(objective(replace(whole, query=query[mine], others=query, first=first, guide=judge)))
    torch.testing.assert_close(torch.stack(shares).mean(), objective(whole))
    parts = torch.autograd.grad(torch.stack(shares).mean(), [query, key, hard])
    for part, full in zip(parts, torch.autograd.grad(objective(whole), [query, key, hard]), strict=True):
        torch.testing.assert_close(part, full)


def clip_steps(query: Tensor, key: Tensor, start: float, rate: float, count: int) -> list[float]:
    """The temperatures of CLIP (Radford et al., 2021, section 2.5): a learnt log of the scale, which is at most 100."""
    logit_scale = nn.Parameter(torch.tensor(log(1 / start)))
    optimizer = torch.optim.SGD([logit_scale], lr=rate)
    used = []
    for _ in range(count):
        logits = logit_scale.exp() * cosines(query, key)
        loss = nn.functional.cross_entropy(logits, torch.arange(len(query)))
        used.append(logit_scale.exp().item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        logit_scale.data.clamp_(max=log(100))
    return used


@pytest.mark.parametrize("alike", [True, False])
def test_the_learnt_temperature_goes_the_way_of_clip(alike: bool):
    query = rows(6, 110).float()
    key = query if alike else rows(6, 111).float()
    module = InfoNCE(0.07, learnt=True).build(5)
    assert isinstance(module, LearntTemperature)
    assert module.log_scale.dtype == torch.float32
    optimizer = torch.optim.SGD(module.parameters(), lr=50.0 if alike else 0.1)
    used = []
    for _ in range(8):
        loss = module(Pair(query, key))
        used.append(module.log_scale.exp().item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert used == pytest.approx(clip_steps(query, key, 0.07, 50.0 if alike else 0.1, 8), rel=1e-4)
    assert (max(used) == pytest.approx(100)) if alike else (used[-1] < used[0])


def test_the_learnt_temperature_stops_at_its_floor_and_comes_back():
    query, key = rows(6, 112), rows(6, 113)
    module = InfoNCE(0.05, learnt=True, temperature_floor=0.02).build(5)
    assert isinstance(module, LearntTemperature)
    with torch.no_grad():
        module.log_scale.fill_(20.0)
    loss = module(Pair(query, key)) + module(Pair(key, query))  # used twice before one backward pass
    expected = InfoNCE(0.02)(Pair(query, key)) + InfoNCE(0.02)(Pair(key, query))
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-6)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    loss.backward()
    optimizer.step()
    assert module.log_scale.item() < log(50) - 1e-3


def test_a_temperature_that_is_not_learnt_needs_no_module():
    objective = InfoNCE()
    assert objective.build(5) is objective


def test_the_scale_has_the_gradient_of_a_small_step():
    query, key = rows(4, 114), rows(4, 115)
    module = InfoNCE(0.5, learnt=True, symmetric=True).build(5)
    assert isinstance(module, LearntTemperature)
    module(Pair(query, key)).backward()
    ends = [InfoNCE(0.5 * exp(-step), symmetric=True)(Pair(query, key)).item() for step in (1e-4, -1e-4)]
    assert module.log_scale.grad is not None
    assert module.log_scale.grad.item() == pytest.approx((ends[0] - ends[1]) / 2e-4, abs=1e-6)


@pytest.mark.parametrize("options", [option for option in OPTIONS if option["similarity"] == "cosine"])
def test_with_any_options_twenty_steps_descend(options: dict):
    query, key, hard, memory = rows(8, 116).requires_grad_(), rows(8, 117), rows(8, 118), rows(4, 119)
    optimizer = torch.optim.SGD([query], lr=0.1)
    losses = []
    for _ in range(20):
        loss = InfoNCE(0.3, **options)(Pair(query, key, hard, memory))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] - 0.1
    assert all(after < before for before, after in pairwise(losses))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"temperature_floor": 0.0}, r"objective\.temperature_floor must be above 0, not 0\.0"),
        ({"temperature": 0.005, "learnt": True}, r"objective\.temperature must be at least .*0\.01"),
        ({"symmetric": True, "in_batch": False}, r"objective\.symmetric needs objective\.in_batch"),
        ({"angular_margin": 10.0}, r"objective\.angular_margin must be in radians, .* below pi / 2, not 10\.0"),
        ({"angular_margin": -0.1}, r"objective\.angular_margin must be in radians"),
        ({"angular_margin": 0.1, "similarity": "dot"}, "is an angle, which a dot product has not"),
        ({"mix": 1.0}, r"objective\.mix must be above 0 and below 1, not 1\.0"),
        ({"mix": float("nan")}, r"objective\.mix must be above 0 and below 1, not nan"),
        ({"mix": 0.2, "in_batch": False}, r"objective\.mix needs objective\.in_batch"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict, reason: str):
    with pytest.raises(RecipeError, match=reason):
        InfoNCE(**options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "takes either a threshold or a margin"),
        ({"threshold": 0.5, "margin": 0.0}, "takes either a threshold or a margin"),
        ({"threshold": 1.5}, r"false_negatives\.threshold must be from -1 to 1, not 1\.5"),
        ({"margin": float("nan")}, r"false_negatives\.margin must be from -1 to 1, not nan"),
    ],
)
def test_rules_for_false_negatives_that_make_no_sense_are_refused(options: dict, reason: str):
    with pytest.raises(RecipeError, match=reason):
        FalseNegatives(**options)


def test_a_guided_rule_without_a_guide_is_refused():
    objective = InfoNCE(false_negatives=FalseNegatives(margin=0.0, guided=True))
    with pytest.raises(RecipeError, match="needs the recipe's guide"):
        objective(Pair(rows(3, 1), rows(3, 2)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_the_guided_loss_of_pairs_is_that_of_sentence_transformers(margin: float):
    from sentence_transformers.losses import GISTEmbedLoss

    query, key, guide_query, guide_key = (
        torch.randn(8, 6, generator=torch.Generator().manual_seed(n)) for n in range(4)
    )
    theirs = GISTEmbedLoss.__new__(GISTEmbedLoss)
    torch.nn.Module.__init__(theirs)
    theirs.model = lambda features: {"sentence_embedding": features["vectors"]}
    theirs.guide = lambda features: {"sentence_embedding": features["judged"]}
    theirs.must_retokenize, theirs.gather_across_devices = False, False
    theirs.temperature, theirs.margin, theirs.margin_strategy = 0.05, margin, "absolute"
    theirs.similarity_fct, theirs.cross_entropy_loss = torch.nn.CosineSimilarity(dim=-1), torch.nn.CrossEntropyLoss()
    theirs.contrast_anchors, theirs.contrast_positives = True, False
    expected = theirs([{"vectors": query, "judged": guide_query}, {"vectors": key, "judged": guide_key}], None)
    ours = InfoNCE(0.05, within_view=True, false_negatives=FalseNegatives(margin=margin, guided=True))
    torch.testing.assert_close(ours(Pair(query, key, guide=Pair(guide_query, guide_key))), expected)
