"""Student's t distribution for whole degrees of freedom, without any library."""

import math


def cumulative(t: float, degrees: int) -> float:
    """P(T <= t). Closed form for whole ``degrees`` >= 1 (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan2(abs(t), math.sqrt(degrees))
    between = _odd(angle, degrees) if degrees % 2 else _even(angle, degrees)
    return 0.5 + math.copysign(between / 2, t)


def _odd(angle: float, degrees: int) -> float:
    sine, cosine = math.sin(angle), math.cos(angle)
    total, term = 0.0, cosine
    for step in range(1, degrees - 1, 2):
        total += term
        term *= cosine * cosine * (step + 1) / (step + 2)
    return 2 / math.pi * (angle + sine * total)


def _even(angle: float, degrees: int) -> float:
    squared = math.cos(angle) ** 2
    total, term = 0.0, 1.0
    for step in range(0, degrees - 1, 2):
        total += term
        term *= squared * (step + 1) / (step + 2)
    return math.sin(angle) * total


def quantile(share: float, degrees: int) -> float:
    """The t below which ``share`` (0 to 1, both exclusive) of the distribution lies, by bisection to 1e-9."""
    if not 0 < share < 1 or degrees < 1:
        raise ValueError(f"no quantile {share} with {degrees} degrees of freedom")
    if share < 0.5:
        return -quantile(1 - share, degrees)
    low, high = 0.0, 1.0
    while cumulative(high, degrees) < share:
        low, high = high, 2 * high
    while high - low > 1e-9 * max(1.0, high):
        middle = (low + high) / 2
        low, high = (middle, high) if cumulative(middle, degrees) < share else (low, middle)
    return high
