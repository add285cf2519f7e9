"""The inner loops of the gate: compiled where the library is at hand, else with NumPy; bit for bit the same results."""

from trimtab.data.kernel.choice import kernel
from trimtab.data.kernel.protocol import Kernel

__all__ = ["Kernel", "kernel"]
