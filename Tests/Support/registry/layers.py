"""The layers of the test images, as tars. No code of Apus makes them."""
import io
import os
import random
import subprocess
import tarfile
import tempfile

TIME = 1700000000
APPLETS = ("true false sh ls cat id env echo pwd sleep mount find kill touch mkdir grep head dd stat readlink hostname "
           "umask wc seq nproc chmod sha256sum").split()


class Layer:
    """A tar in memory. Names are bytes that need not be UTF-8."""

    def __init__(self, form=tarfile.PAX_FORMAT):
        self.buffer = io.BytesIO()
        self.archive = tarfile.open(
            fileobj=self.buffer, mode="w", format=form, encoding="utf-8", errors="surrogateescape")

    def add(self, name, kind, data=b"", mode=0o644, owner=(0, 0), target="", device=(0, 0), xattrs=(), time=TIME):
        member = tarfile.TarInfo(os.fsdecode(name))
        member.type, member.mode, member.mtime, member.size = kind, mode, time, len(data)
        member.uid, member.gid = owner
        member.linkname = os.fsdecode(target)
        member.devmajor, member.devminor = device
        # tarfile writes PAX values as UTF-8: bytes that are none travel as surrogates (errors above).
        member.pax_headers = {"SCHILY.xattr." + key: os.fsdecode(value) for key, value in dict(xattrs).items()}
        self.archive.addfile(member, io.BytesIO(data))
        return self

    def file(self, name, data=b"", **facts):
        return self.add(name, tarfile.REGTYPE, data, **facts)

    def folder(self, name, mode=0o755, **facts):
        return self.add(name, tarfile.DIRTYPE, mode=mode, **facts)

    def link(self, name, target, **facts):
        return self.add(name, tarfile.SYMTYPE, target=target, mode=0o777, **facts)

    def hard(self, name, target):
        return self.add(name, tarfile.LNKTYPE, target=target)

    def gone(self, name):
        """A whiteout."""
        parent, _, last = name.rpartition("/")
        return self.file((parent + "/" if parent else "") + ".wh." + last)

    def bytes(self):
        self.archive.close()
        return self.buffer.getvalue()


def base():
    """A root of busybox, like scripts/test-images' tiny."""
    layer = Layer()
    layer.folder("./")
    for name in ("bin dev etc home mnt mnt/empty opt proc sys var").split():
        layer.folder(name + "/")
    layer.folder("root/", mode=0o700)
    for name in ("tmp/", "var/tmp/"):
        layer.folder(name, mode=0o1777)
    with open(subprocess.check_output(["sh", "-c", "command -v busybox"], text=True).strip(), "rb") as file:
        layer.file("bin/busybox", file.read(), mode=0o755)
    for name in APPLETS:
        layer.link("bin/" + name, "busybox")
    layer.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nworker:x:1234:1234::/home:/bin/sh\n")
    layer.file("etc/group", b"root:x:0:\nworker:x:1234:\n")
    for name in ("resolv.conf", "hosts", "localtime"):
        layer.file("etc/" + name)
    return layer.bytes()


def first():
    """What the layer above takes away, replaces and links to, and every kind of entry."""
    layer = Layer()
    layer.folder("data")
    layer.file("data/removed", b"removed by the layer above\n")
    layer.file("data/kept", b"kept\n")
    layer.file("data/replaced", b"a file, replaced by a folder\n")
    layer.file("data/one", b"linked\n", owner=(1000, 100))
    layer.hard("data/two", "data/one")
    layer.folder("data/full").file("data/full/inside", b"in a folder that becomes a file\n")
    layer.file("data/secret", b"secret-of-the-lower-layer-" + random.Random(7).randbytes(64).hex().encode() + b"\n")
    layer.folder("opaque").file("opaque/old", b"hidden\n").folder("opaque/sub").file("opaque/sub/old", b"hidden\n")
    layer.folder("real").file("real/below", b"below\n").file("real/gone", b"gone\n")
    layer.link("alias", "real").link("absolute", "/real")
    layer.folder("modes")
    layer.file("modes/setuid", b"#!/bin/sh\nid\n", mode=0o4755)
    layer.file("modes/setgid", b"#!/bin/sh\nid\n", mode=0o2755, owner=(0, 50))
    layer.folder("modes/shared", mode=0o3775, owner=(1000, 1000))
    layer.folder("modes/closed", mode=0).file("modes/closed/inside", b"inside\n", mode=0o600, owner=(1000, 1000))
    layer.file("modes/unreadable", b"x\n", mode=0)
    layer.folder("nodes")
    layer.add("nodes/null", tarfile.CHRTYPE, mode=0o666, device=(1, 3))
    layer.add("nodes/loop", tarfile.BLKTYPE, mode=0o660, device=(7, 0), owner=(0, 6))
    layer.add("nodes/pipe", tarfile.FIFOTYPE, mode=0o644)
    layer.folder("owners")
    for owner in (1234, 70000, 2 ** 31 + 5, 4000000000):
        layer.file(f"owners/{owner}", b"", owner=(owner, owner))
    layer.folder("xattrs")
    layer.file("xattrs/comment", b"", xattrs={"user.comment": b"a comment"})
    # cap_net_raw=ep, revision 2 (linux/capability.h, vfs_cap_data).
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    layer.file("xattrs/capability", b"", mode=0o755, xattrs={"security.capability": capability})
    layer.folder("names")
    for name in (
            b"caf\xe9", "é".encode(), b"new\nline", b"tab\tbed", b"back\\slash", b"-dash", b"space d", b"n" * 255):
        layer.file(b"names/" + name, name)
    deep = "deep/" + "/".join(["d" * 100] * 12)
    layer.file(deep + "/file", b"deep\n")
    layer.folder("times")
    for name, time in ("old", 0), ("negative", -1), ("fraction", TIME + 0.5):
        layer.file("times/" + name, time=time)
    # Mostly a hole, once it is on a disk.
    layer.folder("sparse").file("sparse/plain", b"head" + bytes(4 << 20) + b"tail")
    return layer.bytes()


def second():
    layer = Layer()
    layer.gone("data/removed").gone("data/secret").gone("data/missing")
    layer.folder("data/replaced").file("data/replaced/inside", b"now in a folder\n")
    layer.file("data/full", b"now a file\n")
    layer.hard("data/three", "data/one")
    layer.folder("opaque").file("opaque/before", b"before the mark\n")
    layer.file("opaque/.wh..wh..opq").file("opaque/new", b"new\n")
    layer.file("alias/through", b"through a link\n").file("absolute/also", b"through an absolute link\n")
    layer.gone("alias/gone")
    layer.folder("opt").file("opt/version", b"second\n")
    return layer.bytes()


def third():
    """Only a new file, and a new value for one."""
    return Layer().folder("opt").file("opt/version", b"third\n").file("opt/third", b"third\n").bytes()


def bulk(seed, size):
    """Bytes that do not compress, so that a transfer can be cut at a known place."""
    return Layer().folder("bulk").file(f"bulk/{seed}", random.Random(seed).randbytes(size)).bytes()


def one_file(name, text):
    return Layer().file(name, text.encode()).bytes()


def old_sparse():
    """A sparse member as GNU tar writes it by default."""
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/hole", "wb") as file:
            file.write(b"head")
            file.seek(3 << 20)
            file.write(b"middle")
            file.truncate(8 << 20)
        return subprocess.check_output([
            "tar", "-c", "-S", "--format=gnu", "--owner=0", "--group=0", "--mode=0644", f"--mtime=@{TIME}",
            "-C", folder, "hole"])


def pax_sparse():
    """The same in format 1.0 of GNU tar's PAX forms. Not by tar, which writes the number of its process into it."""
    layer = Layer()
    pieces = [(0, b"head".ljust(4096, b"\0")), (3 << 20, b"middle".ljust(4096, b"\0")), (8 << 20, b"")]
    table = f"{len(pieces)}\n" + "".join(f"{place}\n{len(data)}\n" for place, data in pieces)
    padded = table.encode() + bytes(-len(table) % 512)
    member = tarfile.TarInfo("GNUSparseFile.0/hole")
    member.mtime = TIME
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole",
                          "GNU.sparse.realsize": str(8 << 20)}
    data = padded + b"".join(data for _, data in pieces)
    member.size = len(data)
    layer.archive.addfile(member, io.BytesIO(data))
    return layer.bytes()
