"""How the gate's kernel is compiled and gets into the layer."""

import ctypes
import platform
import shutil
from pathlib import Path

import pytest

from stacks.kernel import MACHINES, SOURCES, KernelPart, built_kernel, compiled, kernel_digest, with_checksum
from stacks.layers import columnar_recipe
from stacks.packaging import PackagingError, built_layer
from trimtab.data.kernel.compiled import VERSION

ELF_MACHINES = {"x86_64": 0x3E, "aarch64": 0xB7}


@pytest.mark.parametrize("machine", MACHINES.values())
def test_the_same_bytes_are_made_in_every_folder_for_both_processors(machine: str, tmp_path: Path) -> None:
    made = []
    for name in ("one", "another folder"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copyfile(SOURCES / "columns.c", folder / "columns.c")
        made.append(compiled(folder / "columns.c", machine, folder))
    assert made[0] == made[1]
    assert int.from_bytes(made[0][18:20], "little") == ELF_MACHINES[machine]
    assert with_checksum(made[0]) == built_kernel(machine).read_bytes()
    assert b"libc" not in made[0]
    assert str(tmp_path).encode() not in made[0]


def test_the_columnar_layer_has_the_kernel_beside_the_packages() -> None:
    library = built_layer(columnar_recipe("x86_64")) / "python" / "trimtab_kernel" / "columns-linux-x86_64.so"
    assert library.read_bytes() == built_kernel("x86_64").read_bytes()
    if platform.machine() == "x86_64":
        assert ctypes.CDLL(str(library)).kernel_version() == VERSION


def test_a_layer_changes_with_the_kernels_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = columnar_recipe("arm64").digest()
    for name in ("columns.c", "compiler.txt"):
        shutil.copyfile(SOURCES / name, tmp_path / name)
    monkeypatch.setattr("stacks.kernel.SOURCES", tmp_path)
    assert (KernelPart().digest(), columnar_recipe("arm64").digest()) == (kernel_digest(), before)
    (tmp_path / "columns.c").write_text("int changed;\n")
    assert columnar_recipe("arm64").digest() != before


def test_a_source_that_does_not_compile_is_told_in_the_compilers_words(tmp_path: Path) -> None:
    (tmp_path / "columns.c").write_text("int broken(void) { return nowhere; }\n")
    with pytest.raises(PackagingError, match=r"columns.c could not be compiled for x86_64:(.|\n)*nowhere"):
        compiled(tmp_path / "columns.c", "x86_64", tmp_path)
