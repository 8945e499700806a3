#!/usr/bin/env python3
"""Writes the layouts and archives of the tests: make-images.py DIRECTORY

    layouts/NAME        OCI layouts, most of them with one reference, "latest"
    archives/NAME       docker-archives and oci-archives
    digests             a line "NAME DIGEST" per layout: what its first reference stands for
    choices             a line "LAYOUT PLATFORM DIGEST TEXT" per entry of the indexes: /which in that image holds TEXT
"""
import gzip
import json
import lzma
import os
import sys

import layers
import oci

out = sys.argv[1]
store = oci.Store()
layouts = {}
choices = []

BASE, FIRST, SECOND, THIRD = layers.base(), layers.first(), layers.second(), layers.third()
STACK = [BASE, FIRST, SECOND]
TINY = [BASE]


def layout(name, *descriptors):
    layouts[name] = list(descriptors)


def whole(name, tars, form="gzip", **more):
    layout(name, oci.named(oci.image(store, tars, form, **more), "latest"))


def choice(layout, words, docker=False):
    """An image of one file that says which it is. `words` is "arm/v6", or "arm" where the index names no variant."""
    architecture, _, variant = words.partition("/")
    text = f"{layout} linux/{words}\n"
    found = oci.image(store, [layers.one_file("which", text)], docker=docker, platform=(architecture, variant or None))
    choices.append(f"{layout} linux/{words} {found['digest']} {text}")
    return oci.on(found, architecture, variant or None)


def attestation(about):
    """What BuildKit puts beside an image."""
    statement = store.put(b'{"_type":"https://in-toto.io/Statement/v0.1"}')
    settings = store.put_json(oci.config([], platform=("unknown", None)))
    manifest = store.put_json({
        "schemaVersion": 2, "mediaType": oci.OCI + "manifest.v1+json",
        "config": store.descriptor(oci.OCI + "config.v1+json", settings),
        "layers": [store.descriptor("application/vnd.in-toto+json", statement)],
    })
    return oci.on(store.descriptor(oci.OCI + "manifest.v1+json", manifest), "unknown", system="unknown", annotations={
        "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about["digest"]})


# The same image packed in each way.
whole("gzip", STACK)
whole("zstd", STACK, "zstd")
whole("plain", STACK, "plain")
whole("members", STACK, "members")
whole("skippable", STACK, "skippable")
whole("schema2", STACK, docker=True)
whole("tiny", TINY)
REPEATED = [BASE, FIRST, SECOND, THIRD, SECOND]
whole("repeated", REPEATED)
whole("gnu-sparse", [BASE, layers.old_sparse()])
whole("pax-sparse", [BASE, layers.pax_sparse()])
whole("top-one", [BASE, FIRST, layers.one_file("top", "one\n")])
whole("top-two", [BASE, FIRST, layers.one_file("top", "two\n")])
# 12 MB and 3 MB that do not compress.
whole("large", [BASE, layers.bulk(1, 12_000_000), layers.bulk(2, 3_000_000)])
whole("empty-layer", [BASE, b"", bytes(1024), THIRD])
whole("shell-form", TINY, Entrypoint=None, Cmd=["/bin/sh", "-c", "echo by default; pwd"], User="", WorkingDir="")

# Indexes.
single = [choice("platforms", words) for words in (
    "arm/v7", "arm/v5", "arm/v6", "arm64/v8", "amd64/v3", "amd64/v1", "amd64/v2")]
nested = oci.index(store, [choice("platforms", words) for words in ("riscv64", "ppc64le", "s390x")])
layout("platforms", oci.named(oci.index(store, [attestation(single[5])] + single + [nested]), "latest"))
layout("no-variants", oci.named(oci.index(store, [
    choice("no-variants", words) for words in ("386", "arm", "arm64", "amd64/v3", "amd64/v2", "amd64")]), "latest"))
deep = oci.index(store, [choice("deep-index", words) for words in ("amd64", "arm64")])
for _ in range(2):
    deep = oci.index(store, [deep])
layout("deep-index", oci.named(deep, "latest"))
layout("too-deep-index", oci.named(oci.index(store, [oci.index(store, [deep])]), "latest"))
layout("list", oci.named(oci.index(store, [
    choice("list", words, docker=True) for words in ("arm/v7", "arm64", "amd64")], docker=True), "latest"))
layout("only-s390x", oci.named(oci.index(store, [choice("only-s390x", "s390x")]), "latest"))
layout("only-attestation", oci.named(oci.index(store, [attestation(single[0])]), "latest"))
# index.json may list platforms itself.
layout("flat-platforms", *(oci.named(choice("flat-platforms", words), "latest") for words in ("arm64", "amd64")))
layout("tags", *(oci.named(oci.image(store, [BASE, layers.one_file("which", text + "\n")]), text) for text in (
    "latest", "1.0", "registry.example:5000/team/name:2.0")))
layout("no-name", oci.image(store, TINY))

# What has to be refused.
wrong = [oci.sha256(b"another layer")] + [oci.sha256(tar) for tar in STACK[1:]]
swapped = [oci.sha256(tar) for tar in (BASE, SECOND, FIRST)]
whole("wrong-diff-id", STACK, diff_ids=wrong)
whole("swapped-layers", [BASE, FIRST, SECOND], diff_ids=swapped)
whole("few-diff-ids", STACK, diff_ids=[oci.sha256(BASE)])
whole("no-layers", [])
whole("lying-kind", TINY, change=lambda manifest: manifest.update(mediaType=oci.OCI + "index.v1+json"))
whole("long-layer", TINY, change=lambda manifest: manifest["layers"][0].update(
    size=manifest["layers"][0]["size"] - 1))
whole("short-layer", TINY, change=lambda manifest: manifest["layers"][0].update(
    size=manifest["layers"][0]["size"] + 1))
whole("not-layers", TINY, change=lambda manifest: manifest["layers"][0].update(
    mediaType="application/vnd.example.thing"))
# Media types that do not say how the layers are packed, which the magic bytes do.
whole("mislabelled", STACK, "zstd", change=lambda manifest: [
    layer.update(mediaType=oci.OCI + "layer.v1.tar+gzip") for layer in manifest["layers"]])

for name, descriptors in layouts.items():
    oci.write_layout(store, f"{out}/layouts/{name}", descriptors)
# One blob of this one is not what its name says.
oci.write_layout(store, f"{out}/layouts/corrupt-blob", layouts["tiny"])
blob = f"{out}/layouts/corrupt-blob/blobs/" + store.put_packed(BASE, "gzip").replace(":", "/")
with open(blob, "r+b") as file:
    file.seek(5000)
    byte = file.read(1)
    file.seek(5000)
    file.write(bytes([byte[0] ^ 0xFF]))
with open(out + "/digests", "w") as file:
    file.writelines(f"{name} {descriptors[0]['digest']}\n" for name, descriptors in layouts.items())
with open(out + "/choices", "w") as file:
    file.writelines(choices)

# Archives.
os.makedirs(out + "/archives", exist_ok=True)


def archive(name, entries):
    return oci.pack(entries, f"{out}/archives/{name}")


def packed(name, data):
    packers = {"gz": oci.gzipped, "tgz": oci.gzipped, "zst": oci.zstd, "xz": lambda tar: lzma.compress(tar, preset=1)}
    with open(f"{out}/archives/{name}", "wb") as file:
        file.write(packers[name.rsplit(".", 1)[1]](data))


def saved(tars, tags, diff_ids=None):
    return tars, tags, oci.config(tars, diff_ids=diff_ids)


docker = archive("docker.tar", oci.classic([saved(STACK, ["test/image:latest"])]))
for name in ("docker.tar.gz", "docker.tgz", "docker.tar.zst", "docker.tar.xz"):
    packed(name, docker)
archive("docker-repeated.tar", oci.classic([saved(REPEATED, ["test/repeated:1"])]))
two = [saved([BASE, layers.one_file("which", "one\n")], ["one:latest"]),
       saved([BASE, layers.one_file("which", "two\n")], ["example.org:5000/team/two:2.0", "two:alias"])]
archive("docker-two.tar", oci.classic(two))
archive("docker-two-untagged.tar", oci.classic([(tars, None, settings) for tars, _, settings in two]))
archive("docker:with:colons.tar", oci.classic([saved(TINY, ["tiny:latest"])]))
archive("docker-wrong-diff-id.tar", oci.classic([saved(STACK, ["test/wrong:latest"], wrong)]))
archive("docker-swapped.tar", oci.classic([saved(STACK, ["test/swapped:latest"], swapped)]))
missing = oci.classic([saved(STACK, ["test/missing:latest"])])
del missing[next(place for place, entry in enumerate(missing) if entry[0].endswith("/layer.tar"))]
archive("docker-missing-layer.tar", missing)
outside = [(name, "../../../../etc/passwd" if name.endswith("/layer.tar") else data)
           for name, data in oci.classic([saved(TINY, ["test/outside:latest"])])]
archive("docker-link-outside.tar", outside)


def entries(descriptors, prefix=""):
    """An oci-archive: folders first, as tar writes a layout."""
    return [(prefix + name, None) for name in ("blobs", "blobs/sha256")] + [
        (prefix + name, data) for name, data in oci.files(store, descriptors).items()]


def modern(form, tags):
    """`docker save` since 25: a layout and a manifest.json in one tar."""
    found = oci.named(oci.image(store, STACK, form), tags[0].split(":")[-1])
    found["annotations"]["io.containerd.image.name"] = "docker.io/" + tags[0]
    manifest = json.loads(store.blobs[found["digest"]])
    blob = lambda digest: "blobs/" + digest.replace(":", "/")
    told = [{"Config": blob(manifest["config"]["digest"]), "RepoTags": tags,
             "Layers": [blob(layer["digest"]) for layer in manifest["layers"]]}]
    return entries([found]) + [("manifest.json", json.dumps(told).encode())]


packed("docker-25.tar.gz", archive("docker-25.tar", modern("plain", ["test/image:latest"])))
archive("docker-25-gzip.tar", modern("gzip", ["test/image:latest"]))
plain = archive("oci.tar", entries(layouts["gzip"]))
for name in ("oci.tar.gz", "oci.tgz", "oci.tar.zst", "oci.tar.xz"):
    packed(name, plain)
archive("oci-dots.tar", [("./", None)] + entries(layouts["gzip"], "./"))
archive("oci-zstd.tar", entries(layouts["zstd"]))
archive("oci-tags.tar", entries(layouts["tags"]))
archive("oci-platforms.tar", entries(layouts["platforms"]))
archive("oci-wrong-diff-id.tar", entries(layouts["wrong-diff-id"]))
# The last member of a name counts.
archive("oci-duplicate.tar", [("index.json", b"not JSON")] + entries(layouts["gzip"]))
archive("oci-corrupt-last.tar", entries(layouts["tiny"]) + [
    ("blobs/" + store.put_packed(BASE, "gzip").replace(":", "/"), gzip.compress(b"not that layer"))])
truncated = oci.pack(entries(layouts["tiny"]))
with open(out + "/archives/oci-truncated.tar", "wb") as file:
    file.write(truncated[:len(truncated) // 2])
