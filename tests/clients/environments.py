"""Environments of their own for other people's clients, installed as anybody does."""

import os
import subprocess
import sys
from collections.abc import Sequence
from fcntl import flock
from fcntl import LOCK_EX
from pathlib import Path

import pytest


def environment_with(name: str, directory: Path, *installs: Sequence[str]) -> Path:
    """
    Return the python of a new environment, or skip with pip's reason.

    Whoever comes first makes it in *directory*; others wait, and share it.

    Args:
        name: What the client is called.
        installs: What pip is told, one time after the other.
    """
    failure, made = directory / "failure", directory / "made"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not made.exists() and not failure.exists():
            reason = _install(directory / "environment", installs)
            (failure if reason else made).write_text(reason)
    if failure.exists():
        pytest.skip(f"{name} cannot be installed: {failure.read_text()}")
    return directory / "environment" / "bin" / "python"


def shared_directory(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a directory that all processes of this session know by *name*."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name


def _install(directory: Path, installs: Sequence[Sequence[str]]) -> str:
    """Return pip's own error, if any."""
    subprocess.run([sys.executable, "-m", "venv", directory], check=True, timeout=300)
    python = str(directory / "bin" / "python")
    for what in installs:
        done = subprocess.run(
            [python, "-m", "pip", "install", "-q", "--no-compile", *what],
            env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            capture_output=True,
            text=True,
            timeout=900,
        )
        if done.returncode:
            said = done.stderr.splitlines()
            errors = [line for line in said if line.startswith("ERROR:")] or said
            return " ".join(errors)
    return ""
