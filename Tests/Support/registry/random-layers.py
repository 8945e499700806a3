#!/usr/bin/env python3
"""Writes random images of some layers into one layout: random-layers.py LAYOUT FIRST COUNT

The references are the numbers from FIRST on, which are the seeds too: a number always means the same image. What only
some programs do is left out: names that no directory was made for, entries that a whiteout of their own layer hides,
hard links to files with attributes (umoci takes the attributes away), attributes without a value (it drops them), zstd
(which it does not read).
"""
import random
import sys
import tarfile

import oci
from layers import Layer

TYPES = {"char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE}
NAMES = ["a", "b", "c", "d", "e f", "ü", "g" * 120, "-h", "i\\j", "k.l"]


class Stack:
    """Layers, and what a reader that has applied them sees: kinds by path."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seen = {"": "folder"}
        # Files without attributes.
        self.bare = set()
        self.contents = [b"", b"same\n", self.random.randbytes(300), self.random.randbytes(131072),
                         self.random.randbytes(300000), bytes(200000) + b"end"]
        self.layers = [self.layer(number) for number in range(self.random.randint(1, 5))]

    def facts(self, kind, path=None):
        pick = self.random
        modes = {"folder": (0o755, 0o700, 0o1777, 0o2775, 0), "file": (0o644, 0o4755, 0o2755, 0o600, 0)}
        facts = {"mode": pick.choice(modes.get(kind, (0o644, 0o600))), "time": pick.randint(0, 2 ** 31),
                 "owner": pick.choice([(0, 0), (0, 0), (1000, 100), (70000, 3), (2 ** 31 + 7, 4000000000)])}
        self.bare.add(path)
        if kind in ("file", "folder") and pick.random() < 0.2:
            self.bare.discard(path)
            facts["xattrs"] = {"user." + pick.choice("xyz"): pick.choice([b"0", b"value", b"\xff\0bytes", b"v" * 300])}
            if kind == "file" and pick.random() < 0.3:
                facts["xattrs"]["security.capability"] = bytes.fromhex("0100000200200000000000000000000000000000")
        if kind in ("char", "block"):
            facts["device"] = (pick.randint(1, 250), pick.randint(0, 70000 if kind == "block" else 255))
        return facts

    def forget(self, path):
        for name in [name for name in self.seen if name == path or name.startswith(path + "/")]:
            del self.seen[name]

    def parent(self):
        folders = [path for path, kind in self.seen.items() if kind == "folder"]
        return self.random.choice([path for path in folders if path.count("/") < 4])

    def hide(self, layer):
        """Whiteouts of what lower layers have; they come first in their layer."""
        pick = self.random
        kept = []
        for _ in range(pick.randint(0, 3)):
            there = [path for path in self.seen
                     if path and not any(name == path or name.startswith(path + "/") for name in kept)]
            if not there:
                return
            path = pick.choice(there)
            if self.seen[path] == "folder" and pick.random() < 0.4:
                layer.folder(path, **self.facts("folder"))
                layer.file(path + "/.wh..wh..opq")
                self.forget(path)
                self.seen[path] = "folder"
                kept.append(path)
            else:
                layer.gone(path)
                self.forget(path)

    def layer(self, number):
        pick = self.random
        layer = Layer()
        if number:
            self.hide(layer)
        for _ in range(pick.randint(2, 14)):
            parent = self.parent()
            path = (parent + "/" if parent else "") + pick.choice(NAMES)
            kind = pick.choice(["file"] * 5 + ["folder"] * 5 + ["link"] * 2 + ["hard"] * 2 + ["char", "block", "pipe"])
            if kind == "folder" and self.seen.get(path) == "folder":
                layer.folder(path, **self.facts(kind))
                continue
            if kind == "hard":
                targets = [name for name, found in self.seen.items() if found == "file" and name != path]
                # What lies below the name goes before the link is made.
                targets = [name for name in targets if name in self.bare and not name.startswith(path + "/")]
                if not targets:
                    continue
                layer.hard(path, pick.choice(targets))
            elif kind == "folder":
                layer.folder(path, **self.facts(kind))
            elif kind == "file":
                layer.file(path, pick.choice(self.contents), **self.facts(kind, path))
            elif kind == "link":
                facts = self.facts(kind)
                layer.link(path, pick.choice(["a", "../b", "/c/d", "/" + parent, "nowhere"]), owner=facts["owner"],
                           time=facts["time"])
            else:
                layer.add(path, TYPES[kind], **self.facts(kind))
            self.forget(path)
            self.seen[path] = "file" if kind == "hard" else kind
            if kind == "hard":
                self.bare.add(path)
        return layer.bytes()


place, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = oci.Store()
found = []
for seed in range(first, first + count):
    stack = Stack(seed)
    form = ("gzip", "plain")[seed % 2]
    found.append(oci.named(oci.image(store, stack.layers, form), str(seed)))
oci.write_layout(store, place, found)
