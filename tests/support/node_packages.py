"""Packages of npm that acceptance tests try the engine against, installed once a session."""

import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path, *packages: str) -> Path:
    """The folder with these packages in its node_modules; the test is skipped, loudly, without."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"NOT TESTED: npm or node is missing, {', '.join(packages)} not tried")
    ran = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if ran.returncode != 0:
        pytest.skip(f"NOT TESTED: npm could not install {', '.join(packages)}")
    return folder
