"""How many different values there are, estimated in 16 KB: HyperLogLog (Flajolet, Fusy, Gandouet and Meunier 2007).

The standard error is 1.04 / sqrt(16384) = 0.8 %. Registers of two sets merge by their maximum, so the estimate does not
depend on order or sharding.
"""

import math

import numpy as np

from trimtab.data.kernel import kernel
from trimtab.data.kernel.protocol import INDEX_BITS, REST_BITS, Bytes, Words

Registers = Bytes


def no_registers() -> Registers:
    """Registers that have seen nothing."""
    return np.zeros(1 << INDEX_BITS, np.uint8)


def add_hashes(registers: Registers, hashes: Words) -> None:
    """The registers have seen the values with these hashes too."""
    kernel().add_hashes(registers, hashes)


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
