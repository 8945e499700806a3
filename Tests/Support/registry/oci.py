"""Blobs, manifests, layouts and archives, written by hand as the OCI and Docker specifications have them."""
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
CREATED = "2023-11-14T22:13:20Z"
HERE = "amd64" if os.uname().machine == "x86_64" else "arm64"
NAME = "org.opencontainers.image.ref.name"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def zstd(data, level=3):
    return subprocess.run(["zstd", "-q", f"-{level}", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def gzipped(data, level=6):
    return gzip.compress(data, level, mtime=0)


def members(data):
    """gzip in several members, with an empty one at the end, as eStargz has them."""
    third = len(data) // 3
    return gzipped(data[:third]) + gzipped(data[third:2 * third]) + gzipped(data[2 * third:]) + gzipped(b"")


def skippable(data):
    """zstd in two frames with skippable frames around, as zstd:chunked has them (RFC 8878, 3.1.2)."""
    half = len(data) // 2
    skip = bytes.fromhex("502a4d18") + (12).to_bytes(4, "little") + b"not the data"
    return skip + zstd(data[:half]) + skip + zstd(data[half:]) + skip


PACKED = {
    "gzip": (gzipped, "layer.v1.tar+gzip", "image.rootfs.diff.tar.gzip"),
    "zstd": (zstd, "layer.v1.tar+zstd", "image.rootfs.diff.tar.zstd"),
    "plain": (lambda data: data, "layer.v1.tar", "image.rootfs.diff.tar"),
    "members": (members, "layer.v1.tar+gzip", "image.rootfs.diff.tar.gzip"),
    "skippable": (skippable, "layer.v1.tar+zstd", "image.rootfs.diff.tar.zstd"),
}


class Store:
    """Blobs by digest, each packed once."""

    def __init__(self):
        self.blobs = {}
        self.packed = {}

    def put(self, data):
        digest = sha256(data)
        self.blobs[digest] = data
        return digest

    def put_packed(self, tar, form):
        key = (sha256(tar), form)
        if key not in self.packed:
            self.packed[key] = self.put(PACKED[form][0](tar))
        return self.packed[key]

    def descriptor(self, kind, digest, **more):
        return {"mediaType": kind, "digest": digest, "size": len(self.blobs[digest]), **more}

    def put_json(self, value):
        return self.put(json.dumps(value, indent=1).encode())


def config(tars, platform=(HERE, None), diff_ids=None, **more):
    told = {
        "created": CREATED, "architecture": platform[0], "os": "linux",
        "config": {
            "Env": ["PATH=/opt/bin:/bin", "FROM_OCI=with space", 'QUOTES=a"b', "EMPTY="],
            "Entrypoint": ["/bin/busybox", "echo", "entry point", "$HOME"],
            "Cmd": ["command", "`x`"],
            "Labels": {"maintainer": "somebody", "org.example/multi": "two\nlines"},
            "WorkingDir": "/opt",
            "User": "1234:1234",
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGTERM",
            **more,
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids or [sha256(tar) for tar in tars]},
        "history": [{"created": CREATED, "created_by": f"layer {number}"} for number in range(len(tars))]
        + [{"created": CREATED, "created_by": "CMD", "empty_layer": True}],
    }
    if platform[1]:
        told["variant"] = platform[1]
    return told


def image(store, tars, form="gzip", docker=False, platform=(HERE, None), diff_ids=None, change=None, **more):
    """A manifest in the store; its descriptor is answered."""
    settings = store.put_json(config(tars, platform, diff_ids, **more))
    _, oci_kind, docker_kind = PACKED[form]
    prefix = DOCKER if docker else OCI
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER + "distribution.manifest.v2+json" if docker else OCI + "manifest.v1+json",
        "config": store.descriptor(DOCKER + "container.image.v1+json" if docker else OCI + "config.v1+json", settings),
        "layers": [store.descriptor(prefix + (docker_kind if docker else oci_kind), store.put_packed(tar, form))
                   for tar in tars],
    }
    if change:
        change(manifest)
    return store.descriptor(manifest["mediaType"], store.put_json(manifest))


def index(store, descriptors, docker=False):
    kind = DOCKER + "distribution.manifest.list.v2+json" if docker else OCI + "index.v1+json"
    return store.descriptor(kind, store.put_json({"schemaVersion": 2, "mediaType": kind, "manifests": descriptors}))


def on(descriptor, architecture, variant=None, system="linux", **more):
    platform = {"architecture": architecture, "os": system}
    if variant:
        platform["variant"] = variant
    return {**descriptor, "platform": platform, **more}


def named(descriptor, name):
    return {**descriptor, "annotations": {**descriptor.get("annotations", {}), NAME: name}}


def reachable(store, descriptors):
    """The digests below descriptors, the lowest first."""
    found = []
    waiting = list(descriptors)
    while waiting:
        digest = waiting.pop()["digest"]
        if digest in found or digest not in store.blobs:
            continue
        found.append(digest)
        data = store.blobs[digest]
        if data[:1] == b"{":
            told = json.loads(data)
            waiting += told.get("manifests", []) + told.get("layers", [])
            waiting += [told["config"]] if "digest" in told.get("config", {}) else []
    return found[::-1]


def files(store, descriptors):
    """What an OCI layout holds: names and bytes."""
    result = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    for digest in reachable(store, descriptors):
        result["blobs/" + digest.replace(":", "/")] = store.blobs[digest]
    result["index.json"] = json.dumps({"schemaVersion": 2, "manifests": descriptors}, indent=1).encode()
    return result


def write_layout(store, folder, descriptors):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + "/blobs/sha256")
    for name, data in files(store, descriptors).items():
        with open(f"{folder}/{name}", "wb") as file:
            file.write(data)


def pack(entries, path=None):
    """A tar of (name, bytes), (name, None) for a folder, or (name, "target") for a symbolic link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in entries:
            member = tarfile.TarInfo(name)
            member.mtime = 1700000000
            member.mode = 0o644
            if data is None:
                member.type, member.mode, data = tarfile.DIRTYPE, 0o755, b""
            elif isinstance(data, str):
                member.type, member.linkname, data = tarfile.SYMTYPE, data, b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    if path:
        with open(path, "wb") as file:
            file.write(buffer.getvalue())
    return buffer.getvalue()


def classic(images):
    """The entries of `docker save` before 25: (tars, tags or None, settings) each; the manifest comes last.

    A layer that was there already is a symbolic link to the first, as Docker had it.
    """
    entries, told, seen, repositories = [], [], {}, {}
    for number, (tars, tags, settings) in enumerate(images):
        names = []
        for place, tar in enumerate(tars):
            identifier = hashlib.sha256(f"{number} {place}".encode() + tar).hexdigest()
            name = identifier + "/layer.tar"
            entries.append((identifier, None))
            entries.append((identifier + "/VERSION", b"1.0"))
            entries.append((identifier + "/json", json.dumps({"id": identifier}).encode()))
            digest = sha256(tar)
            entries.append((name, "../" + seen[digest] if digest in seen else tar))
            seen.setdefault(digest, name)
            names.append(name)
        data = json.dumps(settings).encode()
        entries.append((sha256(data)[7:] + ".json", data))
        told.append({"Config": sha256(data)[7:] + ".json", "RepoTags": tags, "Layers": names})
        for tag in tags or []:
            repository, _, label = tag.rpartition(":")
            repositories.setdefault(repository, {})[label] = names[-1].split("/")[0]
    entries.append(("manifest.json", json.dumps(told).encode()))
    if repositories:
        entries.append(("repositories", json.dumps(repositories).encode()))
    return entries
