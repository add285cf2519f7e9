"""The gate's kernel in C, compiled on this machine for any Linux by a locked compiler that a package brings.

    python -m stacks.kernel

puts it into the environment of this interpreter. Where it cannot be made the gate does the same with NumPy.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path

from stacks.packaging import CACHE, ROOT, PackagingError, uv
from trimtab.errors import TrimtabError

SOURCES = ROOT / "layers" / "columnar" / "kernel"
FOLDER = "trimtab_kernel"
"""Where the gate looks for the library, among the packages (`trimtab.data.kernel.choice`)."""
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Processors by Lambda's names for them."""
_OPTIONS = (
    *("-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-g0"),
    *("-ffp-contract=off", "-ffreestanding", "-fno-sanitize=all", "-fno-stack-protector"),
    *("-shared", "-fPIC", "-nostdlib", "-Wl,--build-id=none", "-Wl,-s"),
)
"""Sums keep their order and nothing of the system is linked, so that the library runs on every Linux."""
_FORMAT = "1"
"""Raise it when this file makes another library of the same sources."""


def kernel_digest() -> str:
    """SHA-256 over what decides the library: its source, the compiler's lock and options."""
    digest = hashlib.sha256("|".join((_FORMAT, *_OPTIONS)).encode())
    for name in ("columns.c", "compiler.txt"):
        digest.update((SOURCES / name).read_bytes())
    return digest.hexdigest()


def built_kernel(machine: str) -> Path:
    """The library for a processor, from the cache or newly compiled. Raises PackagingError."""
    target = CACHE / "kernel" / kernel_digest()[:32] / f"columns-linux-{machine}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as scratch:
            finished = Path(scratch, target.name)
            finished.write_bytes(with_checksum(compiled(SOURCES / "columns.c", machine, Path(scratch))))
            finished.rename(target)
    return target


def compiled(source: Path, machine: str, scratch: Path) -> bytes:
    """The shared library of one source file; the same bytes wherever it is made. Raises PackagingError."""
    output = scratch / "columns.so"
    caches = {name: str(scratch / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    target = ("-target", f"{machine}-linux-gnu.2.17")
    done = subprocess.run(
        [str(_compiler()), "cc", *target, *_OPTIONS, source.name, "-o", str(output)],
        cwd=source.parent,
        env={**os.environ, **caches},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PackagingError(f"{source.name} could not be compiled for {machine}:\n{done.stderr.strip()}")
    return output.read_bytes()


def with_checksum(library: bytes) -> bytes:
    """The library as it is stored; its reader knows by the CRC-32 at the end that all of it is there."""
    return library + zlib.crc32(library).to_bytes(4, "little")


def put_kernel(machine: str, site: Path) -> Path:
    """The library stands among the packages of ``site``. Raises PackagingError."""
    copy = site / FOLDER / built_kernel(machine).name
    copy.parent.mkdir(parents=True, exist_ok=True)
    scratch = copy.with_suffix(f".{os.getpid()}")
    shutil.copyfile(built_kernel(machine), scratch)
    scratch.replace(copy)  # a running process keeps the file that it has mapped
    return copy


class KernelPart:
    """The kernel as part of a layer."""

    def digest(self) -> str:
        """Of what decides the library."""
        return kernel_digest()

    def put(self, architecture: str, site: Path) -> None:
        """The library stands in ``site``. Raises PackagingError."""
        put_kernel(MACHINES[architecture], site)


def _compiler() -> Path:
    """The locked compiler, installed on first use. Raises PackagingError when the package index cannot be reached."""
    lock = SOURCES / "compiler.txt"
    folder = CACHE / "compiler" / hashlib.sha256(lock.read_bytes()).hexdigest()[:32]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".installing-") as scratch:
            _install(lock, Path(scratch, "site"))
            if not folder.exists():
                Path(scratch, "site").rename(folder)
    return folder / "ziglang" / "zig"


def _install(lock: Path, site: Path) -> None:
    command = [uv(), "pip", "install", "--quiet", "--target", str(site), "--python", sys.executable]
    options = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirements", str(lock)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"uv could not install the C compiler of {lock}:\n{done.stderr.strip()}")


def main() -> None:
    """The library is in this interpreter's environment, or it was said why the gate does without."""
    if platform.system() != "Linux":
        print("The compiled kernel is for Linux; here the data gate does the same with NumPy.")
        return
    try:
        put_kernel(platform.machine(), Path(sysconfig.get_path("platlib")))
    except TrimtabError as error:
        print(f"{error}\nThe data gate does the same with NumPy, which takes longer.", file=sys.stderr)


if __name__ == "__main__":
    main()
