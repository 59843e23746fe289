"""No installed distribution other than ours owns one of our top-level names.

Names such as `schema` and `db` are taken on the package index too. A distribution that brings
one would silently win over our folder, because an editable install comes last on the path.
"""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def _rivals() -> dict[str, set[str]]:
    """Which other distributions own which of our top-level names.

    An editable install owns no names here, since it installs only a path file; a wheel of ours
    owns them all.
    """
    project = tomllib.loads(PROJECT.read_text())
    ours = project["project"]["name"]
    owners = packages_distributions()
    rivals = {
        name: set(owners.get(name, ())) - {ours}
        for name in project["tool"]["uv"]["build-backend"]["module-name"]
    }
    return {name: others for name, others in rivals.items() if others}


def test_no_other_distribution_owns_one_of_our_names() -> None:
    assert _rivals() == {}


def test_a_distribution_that_owns_one_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "intruder-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("db/__init__.py,,\nintruder/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert _rivals() == {"db": {"intruder"}}
