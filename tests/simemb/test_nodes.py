"""Training over nodes: two launches of torchrun on two networks of their own make one run.

Each node is a network namespace with an address of its own, and a pair of virtual devices is the wire between them.
Only root may make these.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NODES = {0: "10.213.77.1", 1: "10.213.77.2"}


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def nodes() -> Iterator[list[str]]:
    """The names of two network namespaces, which reach each other and nothing else."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and ip (iproute2), to make networks")
    names = [f"simemb-{os.getpid()}-{node}" for node in NODES]
    devices = [f"se{os.getpid() % 10**6}n{node}" for node in NODES]
    with ExitStack() as undo:
        try:
            for name in names:
                ip("netns", "add", name)
                undo.callback(ip, "netns", "del", name)
            ip("link", "add", devices[0], "netns", names[0], "type", "veth", "peer", devices[1], "netns", names[1])
            for node, (name, device) in enumerate(zip(names, devices, strict=True)):
                ip("-n", name, "addr", "add", f"{NODES[node]}/24", "dev", device)
                ip("-n", name, "link", "set", device, "name", "wire")
                ip("-n", name, "link", "set", "wire", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"networks cannot be made here: {error.stderr.decode().strip()}")
        yield names


def test_two_nodes_make_one_run(nodes: list[str], tiny_base: Path, sentences_file: Path, tmp_path: Path) -> None:
    words = ["-m", "simemb.cli", "train", "simcse", "--model", tiny_base, "--data", sentences_file, "--dev", "none"]
    words += ["--output", tmp_path / "run"]
    size = ["--batch-size", "8", "--max-steps", "4", "--dropout", "0", "--seed", "3"]
    torchrun = [Path(sys.executable).with_name("torchrun"), "--nnodes", "2", "--nproc-per-node", "1"]
    place = ["--master-addr", NODES[0], "--master-port", "29511"]
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "wire", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    launches = [
        subprocess.Popen(
            ["ip", "netns", "exec", name, *torchrun, "--node-rank", str(node), *place, *words, *size],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for node, name in enumerate(nodes)
    ]
    try:
        said = [launch.communicate(timeout=300)[0] for launch in launches]
    finally:
        for launch in launches:
            launch.kill()
    assert [launch.returncode for launch in launches] == [0, 0], "\n".join(said)
    assert "run" in said[0]
    assert "step" not in said[1]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert max(line.get("step", 0) for line in lines) == 4
    assert (tmp_path / "run" / "best" / "modules.json").exists()
