#!/usr/bin/env python3
"""Layouts of one odd or hostile thing each: edge-layers.py DIRECTORY HOST

Each becomes DIRECTORY/NAME with one reference, "latest". HOST is a folder of this machine that the images aim at: a
conversion that follows one of their links or names on the machine changes something there, or right above DIRECTORY.
"""
import sys

import oci
from layers import TIME, Layer

out, host = sys.argv[1:3]
outside = "../" * 12 + host.lstrip("/")
store = oci.Store()
BLOCK = 512


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def base256(number, width):
    """As GNU tar writes what has no octal form."""
    return bytes([0x80 if number >= 0 else 0xFF]) + number.to_bytes(width - 1, "big", signed=number < 0)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def entry(name, data=b"", kind=b"0", mode=0o644, owner=(0, 0), size=None, time=TIME, target=b"", magic=b"ustar\x0000",
          checksum=None):
    """One header by hand, with its data. Numbers may come as the bytes of their field."""
    field = lambda value, width: value if isinstance(value, bytes) else octal(value, width)
    text = lambda value, width: (value.encode() if isinstance(value, str) else value)[:width].ljust(width, b"\0")
    header = b"".join([
        text(name, 100), field(mode, 8), field(owner[0], 8), field(owner[1], 8),
        field(len(data) if size is None else size, 12), field(time, 12), b" " * 8, kind, text(target, 100),
        text(magic, 8), bytes(32 + 32), octal(0, 8), octal(0, 8), bytes(155 + 12)])
    total = sum(header) if checksum is None else checksum
    return header[:148] + b"%06o\0 " % total + header[156:] + padded(data)


def record(key, value):
    key, value = (word.encode() if isinstance(word, str) else word for word in (key, value))
    length = len(key) + len(value) + 3
    while len(str(length)) + len(key) + len(value) + 3 != length:
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def pax(*records, kind=b"x"):
    return entry("PaxHeader", b"".join(record(*pair) if isinstance(pair, tuple) else pair for pair in records), kind)


END = bytes(2 * BLOCK)


def whole(name, *tars, form="gzip"):
    """Each of `tars` is a Layer or bytes."""
    tars = [tar if isinstance(tar, bytes) else tar.bytes() for tar in tars]
    image = oci.image(store, tars, form)
    oci.write_layout(store, f"{out}/{name}", [oci.named(image, "latest")])


def file(name, text=None, **facts):
    return Layer().file(name, (text or "in the layer\n").encode(), **facts)


# Links to the host, and what is written through them: by upper layers, by the same, and by what every image is given.
whole("etc-link", Layer().link("etc", host), file("etc/passwd", "upper\n"))
whole("etc-link-alone", Layer().link("etc", host))
whole("etc-link-up", Layer().link("etc", outside), file("etc/passwd", "upper\n"))
whole("etc-link-one-layer", Layer().link("etc", host).file("etc/passwd", b"upper\n"))
whole("etc-file", file("etc", "a file\n"))
whole("hosts-link", Layer().folder("etc").link("etc/hosts", host + "/sentinel")
      .link("etc/resolv.conf", outside + "/new"))
whole("own-link", Layer().link(".singularity.d", host))
whole("own-file", file(".singularity.d"))
whole("own-env-link", Layer().folder(".singularity.d").link(".singularity.d/env", host))
whole("own-script-link", Layer().folder(".singularity.d").link(".singularity.d/runscript", host + "/sentinel")
      .link(".singularity.d/labels.json", outside + "/labels").link("singularity", host + "/sentinel"))
whole("tmp-link", Layer().link("tmp", host).link("var", outside).link("dev", host + "/missing"))
whole("up-link", Layer().link("up", outside), file("up/new"))
whole("up-link-one-layer", Layer().link("up", outside).file("up/new"))
whole("final-link", Layer().link("file", host + "/sentinel"), file("file", "a file now\n"))
whole("clamped-names", entry("../../evil", b"1") + entry("/abs/x", b"2") + entry("a/../../b", b"3")
      + entry(outside.encode() + b"/evil", b"4") + END)
whole("link-loop", Layer().link("one", "two").link("two", "one"), file("one/file"))

# Hard links.
whole("hard-shadow", Layer().hard("hard", "/etc/shadow"))
whole("hard-up", Layer().hard("hard", "../../etc/hostname"))
whole("hard-through-link", Layer().link("s", "/etc").hard("hard", "s/hostname"))
whole("hard-host", Layer().hard("hard", host + "/sentinel"))
whole("hard-folder", Layer().folder("folder").hard("hard", "folder"))
whole("hard-itself", file("file", "still here\n").hard("file", "file"))
whole("hard-forward", Layer().hard("hard", "later").file("later", b"later\n"))
whole("hard-size", entry("file", b"content\n") + entry("hard", kind=b"1", target="file", size=8)
      + entry("after", b"after\n") + END)
whole("hard-link", Layer().link("link", "nowhere").hard("hard", "link"))
whole("hard-kept", file("one", "old\n").hard("two", "one"), file("one", "new\n"))

# Whiteouts.
for name, words in (("wh-empty", ".wh."), ("wh-dot", ".wh.."), ("wh-dots", ".wh..."), ("wh-folder", ".wh.x/y")):
    whole(name, file("kept"), file("d/" + words))
whole("wh-harmless", file("first/gone", "1\n").file("first/kept", b"kept\n"),
      Layer().folder("first/.wh.gone").file("first/.wh.missing", b"with a body\n").file(".wh.absent"))
whole("wh-lowest", file("kept").gone("kept").gone("missing").file("d/.wh..wh..opq").file("d/kept"))
whole("wh-through-link", Layer().folder("real").file("real/gone").link("alias", "real"), Layer().gone("alias/gone"))
whole("wh-same-before", file("name", "old\n"), Layer().gone("name").file("name", b"new\n"))
whole("wh-same-after", file("name", "old\n"), file("name", "new\n").gone("name"))
whole("wh-aufs", file("kept"), Layer().folder(".wh..wh.plnk").file(".wh..wh.plnk/1.2").file(".wh..wh.aufs")
      .folder(".wh..wh.orph").file(".wh..wh.orph/3"))
whole("wh-opaque", file("d/old"), Layer().folder("d").file("d/before").file("d/.wh..wh..opq").file("d/behind"))

# One name twice, and kinds that change.
whole("twice", Layer().file("name", b"dropped-bytes-of-the-first-entry\n").folder("name").file("name", b"last\n"))
whole("under-file", file("name", "a file\n"), file("name/below", "below\n"))
whole("over-link", Layer().folder("real").file("real/kept").link("name", "real"),
      Layer().folder("name").file("name/new"))
whole("over-folder", Layer().folder("name").file("name/one").file("name/two"), file("name", "a file\n"))
whole("root-link", entry("./", kind=b"2", target="etc") + END)
whole("root-file", entry("./", b"text") + END)
whole("name-empty", entry("", b"text") + END)
whole("root-closed", Layer().folder("./", mode=0o700, owner=(12, 34)).file("name"))

# Names.
whole("name-255", Layer().file(b"n" * 255, b"long\n"))
whole("name-256", Layer().file(b"n" * 256, b"long\n"))
whole("path-6060", Layer().file("/".join(["d" * 100] * 60) + "/file", b"deep\n"))
whole("path-40000", Layer().file("/".join(["d" * 200] * 200) + "/file"))
whole("depth-1100", Layer().file("d/" * 1100 + "file"))
whole("odd-names", Layer().file(b"caf\xe9", b"1").file(b"new\nline", b"2").file(b"tab\tbed", b"3")
      .file(b"back\\slash", b"4").file(b"-rf", b"5").file(b"\x1b[31mred", b"6"))

# Numbers.
whole("times", Layer().file("negative", time=-5).file("late", time=2 ** 33).file("fraction", time=TIME + 0.75))
whole("owners", entry("half", owner=(base256(2 ** 31 + 5, 8),) * 2)
      + entry("most", owner=(base256(4294967294, 8),) * 2) + END)
whole("owner-minus-one", entry("name", owner=(base256(2 ** 32 - 1, 8), 0)) + END)
whole("owner-2-33", entry("name", owner=(0, base256(2 ** 33, 8))) + END)
whole("owner-negative", entry("name", owner=(base256(-1, 8), 0)) + END)
whole("owners-70000", b"".join(entry("%d" % number, owner=(number, number)) for number in range(70000)) + END)
whole("size-negative", entry("name", size=base256(-1, 12)) + END)
whole("size-2-62", entry("name", size=base256(2 ** 62, 12)) + END)
whole("bad-checksum", entry("name", b"text", checksum=1) + END)
whole("cut-header", entry("one", b"text") + entry("two", b"text")[:300])
whole("cut-body", entry("name", bytes(5000))[:3000])
whole("pax-length", pax(b"99999999999999999999 path=x\n") + entry("name") + END)
whole("pax-short", pax(b"400 path=x\n") + entry("name") + END)
whole("pax-nul", pax(("path", b"na\0me")) + entry("name") + END)
whole("pax-large", pax(("comment", b"x" * (2 << 20))) + entry("name") + END)
whole("pax-global", pax(("comment", "some commit"), kind=b"g") + entry("name", b"kept\n") + END)
whole("pax-global-path", pax(("path", "other"), kind=b"g") + entry("name", b"kept\n") + END)

# Ends, forms and types.
whole("no-end", entry("name", b"kept\n"))
whole("no-padding", entry("name", b"kept\n")[:BLOCK + 5])
whole("junk-behind", entry("name", b"kept\n") + END + b"junk" * 1000)
whole("empty-layers", file("name", "kept\n"), b"", bytes(1024))
whole("old-forms", entry("v7", b"1", kind=b"\0", magic=b"") + entry("contiguous", b"2", kind=b"7")
      + entry("base256", b"3", size=base256(1, 12), time=base256(TIME, 12))
      + entry("././@LongLink", b"l" * 150 + b"\0", kind=b"L") + entry("l" * 100, b"4")
      + entry("././@LongLink", b"t" * 150 + b"\0", kind=b"K") + entry("link", kind=b"2", target="t" * 100) + END)
for letter in "Z8DMVN":
    whole("type-" + letter, entry("name", kind=letter.encode()) + END)
oci.PACKED["extra-member"] = (
    lambda tar: oci.gzipped(tar) + oci.gzipped(b""), "layer.v1.tar+gzip", "image.rootfs.diff.tar.gzip")
oci.PACKED["junk"] = (lambda tar: oci.gzipped(tar) + b"junk" * 9, "layer.v1.tar+gzip", "image.rootfs.diff.tar.gzip")
whole("gzip-member", file("name", "kept\n"), form="extra-member")
whole("gzip-junk", file("name", "kept\n"), form="junk")
whole("zeros", Layer().file("zeros", bytes(300_000_000)))

# Attributes and nodes.
whole("attributes", Layer().file("kept", xattrs={"user.kept": b"a\0b"}).file("bare", xattrs={"noprefix": b"x"})
      .file("dropped", xattrs={
          "trusted.overlay.opaque": b"y", "user.overlay.opaque": b"y", "security.selinux": b"x", "user.other": b"x"}))
whole("modes", Layer().file("setuid", mode=0o4755, owner=(5, 6)).file("setgid", mode=0o2755)
      .folder("sticky", mode=0o1777).folder("closed", mode=0).file("closed/inside", b"inside\n", mode=0))
whole("nodes", Layer().add("char", b"3", device=(1, 3), mode=0o666).add("block", b"4", device=(7, 0), mode=0o660)
      .add("pipe", b"6", mode=0o600).add("none", b"3", device=(0, 0)))
