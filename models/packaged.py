"""Data files that come inside pinned packages: models/data.txt names them, `make setup` unpacks them."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".cache" / "data"


def packaged_file(path: str) -> Path:
    """Where the file ``path`` (beginning with the package's folder) lies. Exits with advice when it is not there."""
    found = FOLDER / path
    if not found.is_file():
        raise SystemExit(f"There is no {found}: run 'make setup', which unpacks what models/data.txt names")
    return found
