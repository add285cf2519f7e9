"""How many different values there are, estimated in 16 KB: HyperLogLog (Flajolet, Fusy, Gandouet and Meunier 2007).

The standard error is 1.04 / sqrt(16384) = 0.8 %. Registers of two sets merge by their maximum, so the estimate does not
depend on order or sharding.
"""

import math

import numpy as np
import numpy.typing as npt

from trimtab.data.hashing import Words

Registers = npt.NDArray[np.uint8]

INDEX_BITS = 14
REST_BITS = 64 - INDEX_BITS
_REST = np.uint64((1 << REST_BITS) - 1)
_EXPONENT_OF_REST = 1023 + REST_BITS
"""Exponent that a float64 of 2**50 has; a smaller rest has an exponent smaller by its leading zeros."""


def no_registers() -> Registers:
    """Registers that have seen nothing."""
    return np.zeros(1 << INDEX_BITS, np.uint8)


def add_hashes(registers: Registers, hashes: Words) -> None:
    """The registers have seen the values with these hashes too."""
    rest = hashes & _REST
    if lowest := int(registers.min()):  # most hashes are too common to tell anything new
        rare = np.flatnonzero(rest < np.uint64(1 << (REST_BITS - lowest)))
        hashes, rest = hashes[rare], rest[rare]
    index = (hashes >> np.uint64(REST_BITS)).view(np.int64)
    limits = np.uint64(1 << REST_BITS) >> registers.astype(np.uint64)  # a smaller rest has a rank above the register
    higher = np.flatnonzero(rest < limits.take(index, mode="wrap"))
    exponent = (rest[higher] | np.uint64(1)).view(np.int64).astype(np.float64).view(np.int64) >> 52
    np.maximum.at(registers, index[higher], (_EXPONENT_OF_REST - exponent).astype(np.uint8))


def estimate(registers: Registers) -> int:
    """Number of different values, after Ertl (2017), algorithm 6: without bias from none to 2**50."""
    size = len(registers)
    counts = np.bincount(registers, minlength=REST_BITS + 1)
    shares = counts[1:] * np.ldexp(1.0, -np.arange(1, len(counts)))
    if counts[0] == size:
        return 0
    return round(size * size / (2 * math.log(2) * (size * _sigma(counts[0] / size) + float(shares.sum()))))


def _sigma(share: float) -> float:
    """The sum of share**(2**k) * 2**(k-1), plus the share: what empty registers add to the harmonic mean."""
    total, power, weight = share, share, 1.0
    while (power := power * power) * weight > total * 1e-16:
        total, weight = total + power * weight, 2 * weight
    return total
