"""Compiled code is loaded from where nobody else can have put it, and from nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine import caches, compiler
from samegrad.impls.machine.caches import private_folder

ROOT = Path(__file__).parents[3]
PROGRAM = "from samegrad.impls.machine import caches; print(caches.private_folder('x'))"
NOBODY = 65534


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def home_of(cwd, **variables):
    """What a process with only these variables says of its folder, and its exit status."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def test_it_is_made_private(cache):
    folder = private_folder("torchinductor")
    assert folder == cache / "samegrad" / "torchinductor"
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_refused(mode, cache):
    private_folder().chmod(mode)
    with pytest.raises(Unavailable, match=r"may be written by others.*set XDG_CACHE_HOME"):
        private_folder()


def test_nor_may_others_replace_it(cache):
    """A sticky folder, such as the temporary one, is safe: there only the owner may."""
    private_folder()
    cache.chmod(0o777)
    with pytest.raises(Unavailable, match="others could replace"):
        private_folder()
    cache.chmod(0o1777)
    assert private_folder().is_dir()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_has_put_there_is_refused(cache):
    """The folder, or one library in it."""
    os.chown(private_folder(), NOBODY, NOBODY)
    with pytest.raises(Unavailable, match="belongs to another user"):
        private_folder()


@pytest.mark.skipif(compiler.find() is None, reason="no C compiler here")
def test_a_library_that_others_may_write_to_is_not_loaded(cache, tmp_path):
    (source := tmp_path / "answer.c").write_text("int answer(void) { return 42; }\n", encoding="utf-8")
    private_folder()
    before = os.umask(0)
    try:
        library = compiler.build(source)
    finally:
        os.umask(before)
    assert compiler.build(source) == library
    library.chmod(0o666)
    with pytest.raises(Unavailable, match="may be written by others"):
        compiler.build(source)


@pytest.mark.parametrize("variables", [{"HOME": ""}, {"XDG_CACHE_HOME": "here", "HOME": "here"}, {}])
def test_a_home_that_is_none_is_passed_over(variables, tmp_path):
    """The user's own is taken instead; nothing is made where the process runs, nor at the root of the system."""
    code, output = home_of(tmp_path, **variables)
    assert code == 0 and output == str(Path(os.path.expanduser(f"~{_name()}"), ".cache", "samegrad", "x"))
    assert not list(tmp_path.iterdir()) and not Path("/.cache").exists()
    shutil.rmtree(output)


def _name():
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def test_a_home_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "home").touch()
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(Unavailable, match=r"cannot keep anything in .*set XDG_CACHE_HOME"):
        private_folder()


@pytest.mark.parametrize(
    ("how", "message"), [("noexec", "is mounted with noexec"), ("ro", "Read-only file system")], ids=["noexec", "ro"]
)
def test_a_file_system_that_cannot_be_used_says_what_to_do(how, message, tmp_path):
    """A real one, which only this process sees."""
    mount = f'mount -t tmpfs -o {how} tmpfs "{tmp_path}" || exit 77; exec "$@"'
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", mount, "sh"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    done = subprocess.run(
        [*alone, sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "Unavailable: " in last and message in last and "set XDG_CACHE_HOME" in last


def test_a_user_without_a_name_or_a_home_is_reported(monkeypatch):
    import pwd

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: {}[number])
    with pytest.raises(Unavailable, match="no home folder"):
        caches.private_folder()
