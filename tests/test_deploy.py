"""The files of deploy/ name things that exist."""

from pathlib import Path

import yaml

from tinybert.base.cache_folder import cache_root

REPOSITORY = Path(__file__).parents[1]


def test_the_job_starts_the_program_on_every_machine(monkeypatch):
    path = REPOSITORY / "deploy" / "kubernetes" / "general-distillation.yaml"
    job, claim = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    replicas = job["spec"]["pytorchReplicaSpecs"]
    for replica in replicas.values():
        pod = replica["template"]["spec"]
        (container,) = pod["containers"]
        assert container["name"] == "pytorch"
        assert container["command"][:4] == ["torchrun", "-m", "tinybert", "compress"]
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod["volumes"]}
        (work,) = (v for v in pod["volumes"] if v["name"] == "work")
        assert work["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        for variable in container["env"]:
            monkeypatch.setenv(variable["name"], variable["value"])
    assert cache_root() == Path("/work/cache"), "where all pods see it"


def test_the_image_is_built_from_files_that_are_there():
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile.train").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY")]
    assert copied
    for names in copied:
        assert all((REPOSITORY / name).exists() for name in names)
