"""What holds for the installed wheel: it brings the package keysvc, and nothing else."""

import sys
from importlib.metadata import files
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel
