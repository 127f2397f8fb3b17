"""Seeds out of several numbers."""

from simemb.training.random_seeds import seed_of


def test_mixed_seeds_do_not_collide_and_fit_a_generator():
    seeds = [seed_of(a, b, c) for a in range(20) for b in range(20) for c in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(1, 2, 0, 0) != seed_of(1, 2) != seed_of(1, 2, 0)
    assert seed_of(0) != seed_of(0, 0)


def test_mixed_seeds_are_the_same_on_every_machine():
    assert seed_of(1, 2) == 6326965974410291933
