"""An installed alertsvc finds the files that travel with it: from a wheel, an sdist, or an editable install."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP_PYTHON = str(getattr(sys, "_base_executable", sys.executable))
"""The interpreter beneath this environment, which need not have pip itself."""

CHECK = """
import pathlib, sys
import alertsvc
from alertsvc.resources import data_dir
from alertsvc.store.migrate import head_revision
found = {name: data_dir(name) for name in ("migrations", "templates", "config")}
assert (found["migrations"] / "env.py").is_file(), found
assert list((found["migrations"] / "versions").glob("*.py")), found
assert (found["templates"] / "title.txt.j2").is_file(), found
for name in ("alertsvc.yaml", "prometheus/models.yaml", "alertmanager/alertmanager.yml"):
    assert (found["config"] / name).is_file(), name
assert head_revision(), "no revision"
print(pathlib.Path(alertsvc.__file__).parent)
"""


def run(*command: str, cwd: Path, path: str = "") -> str:
    env = {**os.environ, "PYTHONPATH": path, "PIP_NO_INPUT": "1"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel made from the checkout, an sdist, and a wheel made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    again = tmp_path_factory.mktemp("again")
    run("tar", "xzf", str(sdist), "-C", str(again), cwd=again)
    (source,) = again.iterdir()
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(again), str(source), cwd=again)
    (rebuilt,) = again.glob("*.whl")
    return {"wheel": wheel, "sdist": rebuilt}


@pytest.fixture
def clean_python(tmp_path: Path) -> Path:
    """A Python with this one's dependencies and no alertsvc, outside the checkout."""
    where = tmp_path / "venv"
    venv.create(where, with_pip=False)
    site = next((where / "lib").glob("python*")) / "site-packages"
    borrowed = tmp_path / "borrowed"
    borrowed.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "alertsvc" not in entry.name and entry.suffix != ".pth":
            (borrowed / entry.name).symlink_to(entry)
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    return where / "bin" / "python"


def install(python: Path, what: str, cwd: Path) -> None:
    options = ["install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    run(PIP_PYTHON, "-m", "pip", "--python", str(python), *options, *what.split(), cwd=cwd)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_built_package_carries_its_files(
    kind: str, built: dict[str, Path], clean_python: Path, tmp_path: Path
) -> None:
    install(clean_python, str(built[kind]), tmp_path)
    assert str(ROOT) not in run(str(clean_python), "-c", CHECK, cwd=tmp_path)
    assert "alertsvc" in run(str(clean_python.with_name("alertsvc")), "--version", cwd=tmp_path)


def test_an_editable_install_uses_the_checkout(clean_python: Path, tmp_path: Path) -> None:
    install(clean_python, f"-e {ROOT}", tmp_path)
    assert str(ROOT) in run(str(clean_python), "-c", CHECK, cwd=tmp_path)
