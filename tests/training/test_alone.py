"""What a job leaves is used by people who have nothing of this project.

The environment is a venv of its own whose one .pth file names the libraries' folder, in which this project is not
installed; Python runs isolated (-I: no PYTHONPATH, no user's packages, no working directory), in an empty directory,
with an empty environment.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from recipes.prepared import open_prepared
from tests.training.factories import prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
VIT = {
    "model_type": "vit", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "image_size": 6, "patch_size": 3, "num_channels": 1,
}  # fmt: skip


@pytest.fixture
def python(tmp_path) -> Path:
    """The interpreter of an environment that has the libraries and not the project."""
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    [packages] = home.glob("lib/*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return home / "bin" / "python"


def test_the_library_loads_the_weights_and_plain_onnxruntime_runs_the_file_without_this_project(
    starter, tmp_path, data_dir, python
):
    images, labels = tiny()
    data = prepared_data(data_dir, images, labels, classes=["0", "1", "2"])
    job = spec(model={"source": "transformers", "config": VIT}, training={"max_steps": 8})
    attempt = Attempt(starter, tmp_path / "job", job, [data])
    assert [report["outcome"] for report in attempt.run(90)] == ["succeeded"], attempt.log(0)
    folder = shutil.copytree(attempt.paths(0).artifacts, tmp_path / "left")
    reference = load_file(folder / "reference.safetensors")["output.0"]
    inputs = np.asarray(open_prepared(data).split("test").column("image")[: len(reference)])
    np.save(tmp_path / "inputs.npy", inputs)
    script = shutil.copy(Path(__file__).with_name("alone.py"), tmp_path)

    (nowhere := tmp_path / "nowhere").mkdir()
    command = [python, "-I", script, folder, tmp_path / "inputs.npy"]
    run = subprocess.run(command, cwd=nowhere, env={}, capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    assert (told["kind"], told["project"]) == ("ViTForImageClassification", [])
    np.testing.assert_allclose(told["library"], reference, atol=1e-5)
    np.testing.assert_allclose(told["onnx"], reference, atol=1e-4)
