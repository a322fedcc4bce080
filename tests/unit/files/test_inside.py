import os

import pytest

from cs336_basics.files.inside import entry_inside, plain_entry, refuse_link


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/b", "/etc", "a\\b", "..\\a", "C:", "C:\\a", "a\0", "/"], ids=repr
)
def test_a_name_with_a_path_is_refused(tmp_path, name):
    for entry in (entry_inside, plain_entry):
        with pytest.raises(ValueError, match="must be plain"):
            entry(tmp_path, name)


def test_a_plain_name_stays_inside(tmp_path):
    assert entry_inside(tmp_path, "step-1..2") == tmp_path / "step-1..2"


@pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")
def test_a_link_is_refused_with_where_it_leads(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path.parent)
    for refused in (lambda: refuse_link(tmp_path / "link"), lambda: entry_inside(tmp_path, "link")):
        with pytest.raises(ValueError, match=f"is a symbolic link to {tmp_path.parent}"):
            refused()
    assert plain_entry(tmp_path, "link") == tmp_path / "link"
