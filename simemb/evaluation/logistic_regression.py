"""Many logistic regressions on rows of the same matrix, fitted to the optimum together by shared matrix products.

L-BFGS (Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4) whose initial inverse Hessian is the inverse of
an upper bound of the Hessian (Böhning, 1992, https://doi.org/10.1007/BF00048682), the same for all fits. Sentence
vectors share one large direction; without this bound, L-BFGS needs hundreds of rounds because of it.
"""

import logging
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("simemb")

Array = NDArray[np.float64]

TOLERANCE = 1e-8
"""A fit ends when sqrt(g^T H g) of its gradient g is below this, where H is the initial inverse Hessian."""
ROUNDS = 1000
"""Iterations after which fits that have not converged are stopped."""
_PAIRS = 8
"""Last steps that L-BFGS remembers."""


class Problem(NamedTuple):
    """Fits on the same examples, which differ in the examples that they are trained on.

    Attributes:
        features: [example, feature].
        targets: 1 for the class of an example and 0 for others, [example, 1, class]; for two classes only the second
            column, [example, 1, 1].
        shares: The weight of each example in each fit, [example, fit, 1]; sums to 1 over examples.
    """

    features: Array
    targets: Array
    shares: Array


def problem(features: Array, labels: NDArray[np.intp], is_train: NDArray[np.bool_]) -> Problem:
    """The fits that are trained on the examples `is_train` [example, fit].

    labels: class of each example, from 0 without gaps.
    """
    classes = int(labels.max()) + 1
    targets = (labels[:, None] == np.arange(classes)).astype(np.float64)
    if classes == 2:
        targets = targets[:, 1:]
    return Problem(features, targets[:, None, :], (is_train / is_train.sum(axis=0))[:, :, None])


def minimize(fits: Problem, strength: float, start: Array | None = None) -> Array:
    r"""The weights W of each fit with the least mean cross-entropy + strength / 2 |W|^2.

    W has a column for each class, and the penalty applies to all of it. For two classes only the difference w of the
    columns is computed: at the optimum they are w / 2 and -w / 2, so the penalty is strength / 4 |w|^2. scikit-learn's
    `LogisticRegression(C=C, fit_intercept=False)` on n examples has the same optimum at C = 1 / (n strength) for three
    or more classes, and at C = 2 / (n strength) for two.

    Args:
        fits: The examples, and the training examples of each fit.
        strength: Strength of the penalty, above 0.
        start: Initial weights, by default 0.

    Returns:
        [feature, fit, class]; for two classes the difference w, [feature, fit, 1].
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
        step, new_gradient = _shorten(fits, weights, step, gradient, decay)
        change = new_gradient - gradient
        pairs.append((step, change, _dot(step, change)))
        weights, gradient = weights + step, new_gradient
    return weights


def outputs(features: Array, weights: Array) -> Array:
    """Logits [example, fit, class]; for two classes the log odds of the second, [example, fit, 1]."""
    return (features @ weights.reshape(len(weights), -1)).reshape(-1, *weights.shape[1:])


def decide(logits: Array) -> NDArray[np.intp]:
    """The class with the highest output, [example, fit]."""
    return (logits[:, :, 0] > 0).astype(np.intp) if logits.shape[2] == 1 else logits.argmax(axis=2)


def _gradient(fits: Problem, weights: Array, decay: float) -> Array:
    errors = _probabilities(outputs(fits.features, weights))
    errors -= fits.targets
    errors *= fits.shares
    return (fits.features.T @ errors.reshape(len(errors), -1)).reshape(weights.shape) + decay * weights


def _probabilities(logits: Array) -> Array:
    if logits.shape[2] == 1:  # the logistic function as (1 + tanh(x / 2)) / 2, which cannot overflow
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
    """The initial inverse Hessian (X'X / 4n + decay)^-1, [feature, feature].

    An example with probability p enters the Hessian with the factor p (1 - p) <= 1/4. X holds all examples, also those
    that a fit is not trained on: the initial Hessian affects the number of rounds, not the optimum.
    """
    values, axes = np.linalg.eigh(features.T @ features / len(features))
    return axes / (np.maximum(values, 0) / 4 + decay) @ axes.T


def _direction(gradient: Array, pairs: deque[tuple[Array, Array, Array]], guess: Array) -> Array:
    """Minus the approximate inverse Hessian of each fit times its gradient, by the two-loop recursion of L-BFGS."""
    direction = -gradient
    alphas: list[Array] = []
    for step, change, product in reversed(pairs):
        alphas.append(_divide(_dot(step, direction), product))
        direction = direction - alphas[-1] * change
    direction = _times(guess, direction)
    if pairs:
        _, change, product = pairs[-1]
        scale = _divide(product, _dot(change, _times(guess, change)))
        direction *= np.where(scale > 0, scale, 1)
    for (step, change, product), alpha in zip(pairs, reversed(alphas), strict=True):
        direction = direction + (alpha - _divide(_dot(change, direction), product)) * step
    return direction


def _shorten(fits: Problem, weights: Array, step: Array, gradient: Array, decay: float) -> tuple[Array, Array]:
    """The step of each fit, shortened if it overshoots the minimum along it, and the gradient after it.

    The loss is convex, so its slope along a step only rises, from negative to positive behind the minimum. A step
    overshoots if the slope at its end is above half of the initial descent. It is then cut to where the slope would be
    0 if it rose linearly.
    """
    descent = -_dot(gradient, step)
    while True:
        new_gradient = _gradient(fits, weights + step, decay)
        slope = _dot(new_gradient, step)
        if not (overshoots := slope > descent / 2).any():
            return step, new_gradient
        factor = np.where(overshoots, _divide(descent, descent + slope), 1)
        step, descent = factor * step, factor * descent


def _dot(one: Array, other: Array) -> Array:
    """The inner product of each fit, [fit, 1]."""
    return np.einsum("dfc,dfc->f", one, other)[:, None]


def _times(matrix: Array, weights: Array) -> Array:
    return (matrix @ weights.reshape(len(weights), -1)).reshape(weights.shape)


def _divide(numerator: Array, denominator: Array) -> Array:
    """The quotient; 0 for a fit that has converged, whose step is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
