import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version

from agent import environment
from contract.environment import FACTS, MORE_FACTS, NOT_INSTALLED, identity


def test_the_facts_are_those_of_the_contract_and_true_here(tmp_path):
    facts = environment.probe(tmp_path)
    assert set(facts) <= FACTS.keys() | MORE_FACTS
    assert facts["python"] == platform.python_version()
    assert facts["torch"] == version("torch")
    assert facts["tensorflow"] == NOT_INSTALLED
    assert facts["executable"] == sys.executable
    assert "gloo" in facts["collective"]
    assert facts["memory_bytes"] > 2**28 and facts["disk_bytes"] > 2**28
    assert str(len(os.sched_getaffinity(0))) in facts["cpu"]
    assert not {"driver", "gpu"} & set(facts) or facts["gpu"]


def test_probing_imports_neither_torch_nor_tensorflow(tmp_path):
    code = "import pathlib, sys; import agent.environment as it; it.probe(pathlib.Path()); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "'torch'" not in done.stdout and "'tensorflow'" not in done.stdout and "'django'" not in done.stdout


def test_the_hash_is_the_same_in_every_process_and_changes_with_a_fact(tmp_path):
    facts = environment.probe(tmp_path)
    code = f"import pathlib, agent.environment as it; print(it.Environment(pathlib.Path({str(tmp_path)!r})).hash)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == identity(facts)
    assert identity(facts | {"torch": "2.12.0"}) != identity(facts)


def test_a_torch_build_is_read_from_its_files(tmp_path, monkeypatch):
    root = tmp_path / "torch"
    headers = root / "include/torch/csrc/distributed/c10d"
    headers.mkdir(parents=True)
    (headers / "ProcessGroupGloo.hpp").touch()
    (root / "__init__.py").touch()
    (root / "version.py").write_text("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: _Spec(root / "__init__.py"))
    assert environment.torch_build() == {"cuda": "CUDA 12.8", "collective": "gloo, nccl"}


def test_facts_are_looked_up_again_only_after_a_while(tmp_path, monkeypatch):
    probes = []
    monkeypatch.setattr(environment, "probe", lambda home: probes.append(home) or {"torch": str(len(probes))})
    here = environment.Environment(tmp_path)
    first = here.hash
    assert here.hash == first and len(probes) == 1
    here.looked_at -= environment.AGAIN_S + 1
    assert here.hash != first and len(probes) == 2


def test_the_command_prints_the_facts_as_json():
    done = subprocess.run(
        [sys.executable, "-m", "agent", "environment"], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["platform"] == "linux"


class _Spec:
    def __init__(self, origin):
        self.origin = str(origin)
