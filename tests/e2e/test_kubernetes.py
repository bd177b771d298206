"""deploy/kubernetes: right by Kubernetes' own schema, and true of the product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml  # type: ignore[import-untyped]  # nor does this
from tests.support_deploy import DEPLOY, SECRETS, SPARE_S, is_command, settings_of
from tests.support_pages import ROOT
from tests.support_web import Web

FOLDER = DEPLOY / "kubernetes"
VERSION = "1.37"
#: Applied by themselves, before the others.
BEFORE = {"namespace.yaml", "secret.yaml", "migrate.yaml"}
MEGABYTES = {"Mi": 1, "Gi": 1024}
#: Megabytes that an offline describer takes (docs/decisions/0008).
DESCRIBER_MB = 600


def documents(path: Path) -> list[dict[str, Any]]:
    """Return what a file has."""
    return list(yaml.safe_load_all(path.read_text()))


FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
ALL = [one for path in FILES for one in documents(path)]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Return all documents of a kind, by name."""
    return {one["metadata"]["name"]: one for one in ALL if one["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each kind of pod: its name, its template, its only container."""
    for one in (*of_kind("Deployment").values(), *of_kind("Job").values()):
        template = one["spec"]["template"]
        (container,) = template["spec"]["containers"]
        yield one["metadata"]["name"], template, container


def environment(container: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a container, with what an operator fills in."""
    secret = of_kind("Secret")["altwright"]["stringData"]
    given = dict(of_kind("ConfigMap")["altwright"]["data"])
    given |= {name: SECRETS.get(name, value) for name, value in secret.items()}
    assert container["envFrom"] == [
        {"configMapRef": {"name": "altwright"}},
        {"secretRef": {"name": "altwright"}},
    ]
    return given | {one["name"]: one["value"] for one in container.get("env", ())}


def megabytes(quantity: str) -> int:
    """Return how much memory that is."""
    return int(quantity[:-2]) * MEGABYTES[quantity[-2:]]


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_kubernetes_knows_each_field(path: Path) -> None:
    """Strictly: a misspelt field is an error, not something that is passed over."""
    for one in documents(path):
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_no_file_is_left_out() -> None:
    """Each is named by the kustomization, or applied before; the Job has the same image."""
    (kustomization,) = documents(FOLDER / "kustomization.yaml")
    named = kustomization["resources"]
    assert {path.name for path in FILES} == set(named) | BEFORE
    (image,) = kustomization["images"]
    images = {name: container["image"] for name, _, container in pods()}
    assert images.pop("altwright-migrate") == f"{image['newName']}:{image['newTag']}"
    assert set(images.values()) == {image["name"]}
    spaces = {one["metadata"].get("namespace") for one in ALL}
    assert spaces == {None, kustomization["namespace"]}
    assert list(of_kind("Namespace")) == [kustomization["namespace"]]


@pytest.mark.parametrize("name", sorted(name for name, _, _ in pods()))
def test_each_pod_runs_a_command_that_starts(name: str) -> None:
    """With settings that production bears, as the image's user, on the image's folder, in time."""
    ((template, container),) = [found[1:] for found in pods() if found[0] == name]
    spec, settings = template["spec"], settings_of(environment(container))
    assert settings.profile == "production"
    assert is_command(container["command"])
    image = (DEPLOY / "Dockerfile").read_text()
    user = re.search(r"--uid (\d+) --gid (\d+)", image)
    assert user is not None
    ids = {spec["securityContext"][one] for one in ("runAsUser", "runAsGroup", "fsGroup")}
    assert ids == set(map(int, user.groups()))
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts["data"] == str(settings.data_dir)
    assert mounts.get("run", f"{settings.data_dir}/run") == f"{settings.data_dir}/run"
    assert mounts.keys() == {one["name"] for one in spec["volumes"]}
    assert spec["enableServiceLinks"] is False
    if "terminationGracePeriodSeconds" in spec:
        assert spec["terminationGracePeriodSeconds"] > settings.rq_shutdown_timeout + SPARE_S


def test_the_web_is_reached_where_it_listens(web: Web) -> None:
    """Ports of settings, Services and Ingress are the same ones; what probes ask for answers."""
    ((template, container),) = [found[1:] for found in pods() if found[0] == "altwright-web"]
    settings = settings_of(environment(container))
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports == {"http": settings.port, "sockets": settings.sockets_port}
    client = web.app.test_client()
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert ports[asked["port"]] == settings.port
        assert client.get(asked["path"]).status_code == 200, probe
    (service,) = of_kind("Service").values()
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    offered = {one["name"]: one["targetPort"] for one in service["spec"]["ports"]}
    assert offered == {name: name for name in ports}
    (rule,) = of_kind("Ingress")["altwright"]["spec"]["rules"]
    ways = {one["path"]: one["backend"]["service"] for one in rule["http"]["paths"]}
    assert {path: way["port"]["name"] for path, way in ways.items()} == {
        "/socket.io/": "sockets",
        "/": "http",
    }
    assert {way["name"] for way in ways.values()} == {service["metadata"]["name"]}


def test_what_picks_pods_finds_them() -> None:
    """Deployments, budgets and policies; only the web lets anything in, at ports that it has."""
    labels = {name: template["metadata"]["labels"] for name, template, _ in pods()}
    for name, one in of_kind("Deployment").items():
        assert one["spec"]["selector"]["matchLabels"] == labels[name]
    for name, one in of_kind("PodDisruptionBudget").items():
        assert one["spec"]["selector"]["matchLabels"] == labels[name]
        replicas = of_kind("Deployment")[name]["spec"]["replicas"]
        assert one["spec"].get("minAvailable", 0) < replicas, "no node could be emptied"
    policies = of_kind("NetworkPolicy")
    everybody = policies["altwright"]["spec"]
    assert "ingress" not in everybody
    for found in labels.values():
        assert everybody["podSelector"]["matchLabels"].items() <= found.items()
    allowed = policies["altwright-web"]["spec"]
    assert allowed["podSelector"]["matchLabels"] == labels["altwright-web"]
    (rule,) = allowed["ingress"]
    container = next(found for name, _, found in pods() if name == "altwright-web")
    assert {one["port"] for one in rule["ports"]} == {one["name"] for one in container["ports"]}


def test_memory_is_enough_for_what_was_measured() -> None:
    """By the formula of docs/how-to/capacity.md, with its figure for a process."""
    page = (ROOT / "docs/how-to/capacity.md").read_text()
    found = re.search(r"EXTERNAL_PROCESSES\) \S (\d+) MB", page)
    assert found is not None
    process_mb = int(found[1])
    for name, _, container in pods():
        settings = settings_of(environment(container))
        words, limit = container["command"], megabytes(container["resources"]["limits"]["memory"])
        assert megabytes(container["resources"]["requests"]["memory"]) < limit
        match name:
            case "altwright-web":  # Gunicorn's processes and master, the sockets', the supervisor
                assert limit > (settings.web_concurrency + 3) * process_mb
            case "altwright-workers":
                most = int(words[words.index("--max") + 1])
                of_one = settings.rq_worker_memory_limit + DESCRIBER_MB
                assert limit > most * of_one + process_mb
            case _:
                assert limit > process_mb
