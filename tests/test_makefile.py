"""What keeps `make` from preparing the environment is said in plain words, and half an environment is never used."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but what `make venv` reads."""
    (tmp_path / "include").mkdir()
    for name in ("Makefile", "requirements.txt", "include/pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def python(checkout: Path, script: str) -> str:
    """A stand-in for the python3 of a computer."""
    path = checkout / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # `make test` itself runs these tests: what it hands down to the makes below it must not reach them.
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout, env=outside, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_make_alone_lists_the_targets(checkout: Path) -> None:
    listed = make(checkout).stdout
    tests = ("test", "test-fast", "test-browser", "test-peers", "test-judges")
    for target in ("refresh", "up", "down", "clean", *tests, "lint", "lock"):
        assert f"\n{target} " in f"\n{listed}"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 127", "There is no"),
        ('case "$*" in *version_info*) exit 1;; *--version*) echo Python 3.9.2;; esac', "Python 3.9.2 is too old"),
        ('case "$*" in *ensurepip*) exit 1;; esac', "sudo apt-get install python3-venv"),
    ],
)
def test_a_python_that_does_not_do_is_named_with_the_remedy(checkout: Path, script: str, said: str) -> None:
    result = make(checkout, "venv", f"PYTHON={python(checkout, script)}")
    assert result.returncode != 0
    assert said in result.stdout
    assert not (checkout / ".venv").exists()


def test_an_install_that_failed_is_begun_anew(checkout: Path) -> None:
    works_but_for_pip = python(
        checkout,
        'if [ "$2" = venv ]; then mkdir -p "$3/bin"; touch "$3/begun"; printf "#!/bin/sh\\nexit 1\\n" > "$3/bin/pip";'
        ' chmod +x "$3/bin/pip"; fi',
    )
    result = make(checkout, "refresh", f"PYTHON={works_but_for_pip}")
    assert result.returncode != 0
    assert "Is a package index reachable" in result.stdout
    assert "UnknownIssuer" in result.stdout
    assert not (checkout / ".venv" / "complete").exists()
    (checkout / ".venv" / "half-installed").touch()
    make(checkout, "refresh", f"PYTHON={works_but_for_pip}")
    assert (checkout / ".venv" / "begun").exists()
    assert not (checkout / ".venv" / "half-installed").exists()


def test_uv_trusts_the_certificates_of_the_system_unless_told_otherwise(checkout: Path) -> None:
    (checkout / "shown.mk").write_text("include Makefile\nshown:\n\t@echo $$UV_SYSTEM_CERTS\n")
    assert make(checkout, "-f", "shown.mk", "shown").stdout.strip() == "1"
    assert make(checkout, "-f", "shown.mk", "shown", "UV_SYSTEM_CERTS=0").stdout.strip() == "0"


@pytest.mark.parametrize(("user", "installs"), [("1000", False), ("0", True)])
def test_a_missing_package_of_debian_is_installed_by_root_and_named_to_others(
    checkout: Path, user: str, installs: bool
) -> None:
    for name, script in {"id": f"echo {user}", "apt-get": 'echo "$@" "$(sh "$POLICY"; echo $?)" >>"$CALLS"'}.items():
        (checkout / name).write_text(f"#!/bin/sh\n{script}\n")
        (checkout / name).chmod(0o755)
    (checkout / "calls").touch()
    (checkout / "shown.mk").write_text(
        f"include Makefile\nexport PATH := {checkout}:$(PATH)\nexport CALLS := {checkout}/calls\n"
        f"export POLICY := {checkout}/policy\n"
        "needed:\n\t$(call debian,/nowhere/*.gsb,proj-data)\nthere:\n\t$(call debian,/bin/s*,nothing)\n"
    )
    result = make(checkout, "-f", "shown.mk", "needed")
    assert (result.returncode == 0) is installs
    assert ("sudo apt-get install proj-data" in result.stdout) is not installs
    calls = (checkout / "calls").read_text()
    assert ("install -y -qq --no-install-recommends proj-data 101\n" in calls) is installs  # 101: start no services
    assert not (checkout / "policy").exists()
    assert make(checkout, "-f", "shown.mk", "there").returncode == 0
    assert "nothing" not in (checkout / "calls").read_text()


def test_down_and_clean_need_no_environment(checkout: Path) -> None:
    (checkout / "var").mkdir()
    assert "Nothing is running" in make(checkout, "down").stdout
    assert make(checkout, "clean").returncode == 0
    assert not (checkout / "var").exists()


def test_clean_without_an_environment_deletes_no_state_that_something_may_run_on(checkout: Path) -> None:
    (checkout / "var").mkdir()
    (checkout / "var" / "thesis.txt").touch()
    result = make(checkout, "clean")
    assert result.returncode != 0
    assert "make venv, then make clean" in result.stdout
    assert (checkout / "var" / "thesis.txt").exists()
