from __future__ import annotations

import pytest

from support.pictures import painting, photo


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A photo and two paintings on disk."""
    folder = tmp_path_factory.mktemp("pictures")
    photo().save(folder / "photo.png")
    painting().save(folder / "waves.png")
    painting(seed=5).save(folder / "night.png")
    return folder
