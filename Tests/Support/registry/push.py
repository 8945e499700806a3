#!/usr/bin/env python3
"""Uploads layouts to a registry as they are, byte for byte: push.py HOST:PORT LAYOUT=REPOSITORY[:TAG]...

skopeo would pack plain layers and cannot push foreign layers without their bytes. Plain http, no credentials. With a
TAG a layout's first reference gets it; without, each reference becomes the tag after its last colon, or "latest".

    LAYOUT=REPOSITORY[:TAG]               pushes a layout
    foreign=LAYOUT=REPOSITORY=URL         the last layer only as a foreign layer at URL/DIGEST, the others as they are
    file=MEDIA-TYPE=PATH=REPOSITORY:TAG   a manifest from a file, unchecked
"""
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import sys

NAME = "org.opencontainers.image.ref.name"



class Refused(Exception):
    """What the registry said to an upload."""


class Registry:
    def __init__(self, host):
        self.connection = http.client.HTTPConnection(host, timeout=30)

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        return response, response.read()

    def put_blob(self, repository, digest, data):
        if self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0].status == 200:
            return
        begun, said = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        if begun.status != 202:
            raise Refused(f"{repository}: {begun.status} {said.decode()}")
        place = begun.headers["Location"]
        place += ("&" if "?" in place else "?") + "digest=" + digest
        done, said = self.ask("PUT", re.sub(r"^https?://[^/]*", "", place), data, {
            "Content-Type": "application/octet-stream"})
        if done.status != 201:
            raise Refused(f"{repository}: {digest}: {done.status} {said.decode()}")

    def put_manifest(self, repository, reference, kind, data):
        done, said = self.ask("PUT", f"/v2/{repository}/manifests/{reference}", data, {"Content-Type": kind})
        if done.status != 201:
            raise Refused(f"{repository}:{reference}: {done.status} {said.decode()}")
        if not reference.startswith("sha256:"):
            print(f"{repository}:{reference} sha256:{hashlib.sha256(data).hexdigest()}")


def blob(layout, digest):
    with open(f"{layout}/blobs/{digest.replace(':', '/')}", "rb") as file:
        return file.read()


def push_blobs(registry, layout, repository, manifest, but=None):
    for descriptor in [manifest["config"]] + manifest["layers"]:
        if descriptor["digest"] != but:
            registry.put_blob(repository, descriptor["digest"], blob(layout, descriptor["digest"]))


def push(registry, layout, repository, descriptor, reference):
    """What a descriptor stands for, the parts first. Layouts of the tests are ours, and not deep."""
    data = blob(layout, descriptor["digest"])
    told = json.loads(data)
    if "manifests" in told:
        for child in told["manifests"]:
            push(registry, layout, repository, child, child["digest"])
    else:
        push_blobs(registry, layout, repository, told)
    registry.put_manifest(repository, reference, descriptor["mediaType"], data)


def push_layout(registry, layout, repository, tag):
    with open(layout + "/index.json") as file:
        descriptors = json.load(file)["manifests"]
    if tag:
        return push(registry, layout, repository, descriptors[0], tag)
    for descriptor in descriptors:
        name = descriptor.get("annotations", {}).get(NAME, "latest").rsplit(":", 1)[-1]
        push(registry, layout, repository, descriptor, name)


def push_foreign(registry, layout, repository, url):
    with open(layout + "/index.json") as file:
        descriptor = json.load(file)["manifests"][0]
    manifest = json.loads(blob(layout, descriptor["digest"]))
    last = manifest["layers"][-1]
    push_blobs(registry, layout, repository, manifest, but=last["digest"])
    docker = "docker" in descriptor["mediaType"]
    last["mediaType"] = "application/vnd." + (
        "docker.image.rootfs.foreign.diff.tar.gzip" if docker else "oci.image.layer.nondistributable.v1.tar+gzip")
    last["urls"] = [url + "/" + last["digest"]]
    registry.put_manifest(repository, "latest", descriptor["mediaType"], json.dumps(manifest).encode())


def carry_out(host, order):
    registry = Registry(host)
    words = order.split("=")
    if words[0] == "foreign":
        push_foreign(registry, *words[1:])
    elif words[0] == "file":
        repository, _, tag = words[3].rpartition(":")
        with open(words[2], "rb") as file:
            registry.put_manifest(repository, tag, words[1], file.read())
    else:
        repository, _, tag = words[1].partition(":")
        push_layout(registry, words[0], repository, tag)


if __name__ == "__main__":
    # The registry waits for the disk at each blob: many at once cost little more than one.
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        failures = [work.exception() for work in [pool.submit(carry_out, sys.argv[1], order) for order in sys.argv[2:]]]
    for failure in filter(None, failures):
        print(f"push: {failure}", file=sys.stderr)
    sys.exit(any(failures))
