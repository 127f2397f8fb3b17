"""Seeds: every random number of a run follows from the run's seed and from where in the run it is drawn."""

import numpy as np
import torch


def seed_of(*numbers: int) -> int:
    """One well-mixed seed out of several numbers, in [0, 2^63); the same on every machine.

    >>> seed_of(1, 2) == seed_of(1, 2) != seed_of(2, 1)
    True
    """
    # The count goes in too: numpy pads with zeros, so (1, 2) and (1, 2, 0) would give the same seed.
    low, high = np.random.SeedSequence((len(numbers), *numbers)).generate_state(2)
    return int(low) << 31 ^ int(high)


def seed_torch(seed: int, *, on_gpu: bool) -> None:
    """Seed torch's generators, as `torch.manual_seed` does.

    On a GPU only the two generators that are used: `torch.manual_seed` takes a millisecond for devices that are absent.
    """
    if on_gpu:
        torch.default_generator.manual_seed(seed)
        torch.cuda.manual_seed(seed)
    else:
        torch.manual_seed(seed)
