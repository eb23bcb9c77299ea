"""What the comparison needs is looked for before it is started."""
# ruff: noqa: S101 - pytest is made of asserts

from pathlib import Path

from tools import closed_folder


def test_a_folder_that_other_users_may_not_enter_is_found(tmp_path):
    private = tmp_path / "private"
    (private / "open").mkdir(parents=True)
    private.chmod(0o700)
    assert closed_folder([Path("/usr/lib"), private / "open"]) == private
    assert closed_folder([Path("/usr/lib")]) is None
