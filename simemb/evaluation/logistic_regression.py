"""Logistic regression to its optimum, many fits on rows of one matrix at once: one matrix product for all of them.

L-BFGS (Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4) that begins with the inverse of a bound of the
Hessian (Böhning, 1992, https://doi.org/10.1007/BF00048682), the same for all fits. Vectors of sentences share one large
direction, which costs L-BFGS without it hundreds of rounds.
"""

import logging
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("simemb")

Array = NDArray[np.float64]

TOLERANCE = 1e-8
"""Length of the gradient, in the metric of the first guess, at which a fit ends."""
ROUNDS = 1000
_PAIRS = 8


class Problem(NamedTuple):
    """Fits that share examples, and differ in which of them they learn from.

    Attributes:
        features: [example, feature].
        targets: 1 for the class of an example and 0 for others, [example, 1, class]; of two classes the second alone.
        shares: The weight of each example in each fit, which sum to 1 over examples, [example, fit, 1].
    """

    features: Array
    targets: Array
    shares: Array


def problem(features: Array, labels: NDArray[np.intp], fitted: NDArray[np.bool_]) -> Problem:
    """Fits that learn from the examples `fitted` [example, fit]; labels: class of each example, from 0 without gaps."""
    classes = int(labels.max()) + 1
    targets = (labels[:, None] == np.arange(classes)).astype(np.float64)
    if classes == 2:
        targets = targets[:, 1:]
    return Problem(features, targets[:, None, :], (fitted / fitted.sum(axis=0))[:, :, None])


def minimize(fits: Problem, strength: float, start: Array | None = None) -> Array:
    r"""The weights W of each fit with the least mean cross-entropy + strength / 2 |W|^2.

    W has an output for each class, and nothing in it is exempt from the penalty. Of two classes it is enough to know
    the difference w of their outputs: at the optimum they are w / 2 and -w / 2, so the penalty is strength / 4 |w|^2.
    scikit-learn's `LogisticRegression(C=C, fit_intercept=False)` on n examples has the same optimum at
    C = 1 / (n strength) for three classes or more, and at C = 2 / (n strength) for two.

    Args:
        fits: The examples, and who learns from which.
        strength: Of the penalty, above 0.
        start: Weights to begin with, by default 0.

    Returns:
        [feature, fit, class]; of two classes the difference alone, [feature, fit, 1].
    """
    columns = fits.targets.shape[2]
    decay = strength / 2 if columns == 1 else strength
    guess = _guess(fits.features, decay)
    weights = np.zeros((len(guess), fits.shares.shape[1], columns)) if start is None else start
    gradient = _gradient(fits, weights, decay)
    pairs: deque[tuple[Array, Array, Array]] = deque(maxlen=_PAIRS)
    rounds = 0
    while (unfinished := _dot(gradient, _times(guess, gradient)) > TOLERANCE**2).any():
        if (rounds := rounds + 1) > ROUNDS:
            log.warning("%d of %d logistic regressions have not converged", unfinished.sum(), len(unfinished))
            break
        step = unfinished * _direction(gradient, pairs, guess)
        step, following = _far_enough(fits, weights, step, gradient, decay)
        change = following - gradient
        pairs.append((step, change, _dot(step, change)))
        weights, gradient = weights + step, following
    return weights


def outputs(features: Array, weights: Array) -> Array:
    """Log odds of the second of two classes, [example, fit, 1], or the logit of every class, [example, fit, class]."""
    return (features @ weights.reshape(len(weights), -1)).reshape(-1, *weights.shape[1:])


def decide(logits: Array) -> NDArray[np.intp]:
    """The class of the highest output, [example, fit]."""
    return (logits[:, :, 0] > 0).astype(np.intp) if logits.shape[2] == 1 else logits.argmax(axis=2)


def _gradient(fits: Problem, weights: Array, decay: float) -> Array:
    errors = _probabilities(outputs(fits.features, weights))
    errors -= fits.targets
    errors *= fits.shares
    return (fits.features.T @ errors.reshape(len(errors), -1)).reshape(weights.shape) + decay * weights


def _probabilities(logits: Array) -> Array:
    if logits.shape[2] == 1:  # the logistic function, by one that cannot overflow
        logits *= 0.5
        np.tanh(logits, out=logits)
        logits += 1
        logits *= 0.5
        return logits
    logits -= logits.max(axis=2, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=2, keepdims=True)
    return logits


def _guess(features: Array, decay: float) -> Array:
    """(X'X / 4n + decay)^-1 [feature, feature]: a row with probability p enters the Hessian by p (1 - p) <= 1/4.

    Rows that a fit does not learn from are in it too: it says how long the way to the optimum is, not where that lies.
    """
    values, axes = np.linalg.eigh(features.T @ features / len(features))
    return axes / (np.maximum(values, 0) / 4 + decay) @ axes.T


def _direction(gradient: Array, pairs: deque[tuple[Array, Array, Array]], guess: Array) -> Array:
    """Where each fit goes: minus the inverse Hessian that its last steps suggest, times its gradient."""
    found = -gradient
    amounts: list[Array] = []
    for step, change, product in reversed(pairs):
        amounts.append(_over(_dot(step, found), product))
        found = found - amounts[-1] * change
    found = _times(guess, found)
    if pairs:
        _, change, product = pairs[-1]
        scale = _over(product, _dot(change, _times(guess, change)))
        found *= np.where(scale > 0, scale, 1)
    for (step, change, product), amount in zip(pairs, reversed(amounts), strict=True):
        found = found + (amount - _over(_dot(change, found), product)) * step
    return found


def _far_enough(fits: Problem, weights: Array, step: Array, gradient: Array, decay: float) -> tuple[Array, Array]:
    """The step of each fit, shortened where it would climb again, and the gradient after it.

    The loss is convex, so its slope along a step only grows; where it comes out at more than half of what it was, with
    the other sign, the step is cut to where the slope would be 0 if it grew evenly.
    """
    slope = -_dot(gradient, step)
    while True:
        following = _gradient(fits, weights + step, decay)
        climb = _dot(following, step)
        if not (too_far := climb > slope / 2).any():
            return step, following
        cut = np.where(too_far, _over(slope, slope + climb), 1)
        step, slope = cut * step, cut * slope


def _dot(one: Array, other: Array) -> Array:
    """The inner product of each fit, [fit, 1]."""
    return np.einsum("dfc,dfc->f", one, other)[:, None]


def _times(matrix: Array, weights: Array) -> Array:
    return (matrix @ weights.reshape(len(weights), -1)).reshape(weights.shape)


def _over(amount: Array, by: Array) -> Array:
    """Their quotient; 0 for a fit that is finished and moved no more."""
    return np.divide(amount, by, out=np.zeros_like(amount), where=by > 0)
