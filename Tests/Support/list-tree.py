#!/usr/bin/env python3
"""Lists what is below folders, a line an object, in an order that does not depend on the file system:

    list-tree.py [--without KIND[,KIND...]] FOLDER...

    PATH KIND MODE UID GID MTIME SIZE NUMBERS LINKS ATTRIBUTES CONTENT

PATH is escaped so that it has no blanks. NUMBERS are those of a device. LINKS is the first name of the same inode.
CONTENT is the target of a link, `=` and the bytes of a small file, or a file's SHA-256. With --without links, times or
attributes these are left out. Root only.
"""
import errno
import hashlib
import os
import stat
import sys
import urllib.parse

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFCHR: "char",
         stat.S_IFBLK: "block", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}


def escaped(name):
    return urllib.parse.quote_from_bytes(name, safe="/+-_.,:@=~!")


def attributes(path):
    found = []
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError as fault:
        # A squashfs without a table of them.
        if fault.errno != errno.ENOTSUP:
            raise
        names = []
    for name in names:
        # What the file system of the host adds by itself.
        if name not in ("security.selinux", "system.posix_acl_access"):
            found.append(name + "=" + os.getxattr(path, name, follow_symlinks=False).hex())
    return ",".join(found) or "-"


def content(path, kind):
    if kind == "link":
        return escaped(os.readlink(path))
    if kind != "file":
        return "-"
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size <= 64:
            return "=" + escaped(file.read())
        while piece := file.read(1 << 20):
            hasher.update(piece)
    return hasher.hexdigest()


def paths(folder):
    """The names in a folder and below it; without recursion, as some trees are deeper than Python's stack."""
    waiting = [b""]
    while waiting:
        path = waiting.pop()
        yield path
        if stat.S_ISDIR(os.lstat(os.path.join(folder, path)).st_mode):
            waiting += [os.path.join(path, name) for name in os.listdir(os.path.join(folder, path))]


def lines(folder, without):
    first = {}
    for path in sorted(paths(folder)):
        whole = os.path.join(folder, path)
        facts = os.lstat(whole)
        kind = KINDS[stat.S_IFMT(facts.st_mode)]
        is_device = kind in ("char", "block")
        name = escaped(path) or "."
        links = "-" if kind == "folder" or facts.st_nlink == 1 else first.setdefault(facts.st_ino, name)
        yield " ".join([
            name, kind, "%04o" % stat.S_IMODE(facts.st_mode), str(facts.st_uid), str(facts.st_gid),
            "-" if "times" in without else str(int(facts.st_mtime // 1)),
            str(facts.st_size) if kind in ("file", "link") else "-",
            f"{os.major(facts.st_rdev)}:{os.minor(facts.st_rdev)}" if is_device else "-",
            "-" if "links" in without else links,
            "-" if "attributes" in without else attributes(whole), content(whole, kind)])


if __name__ == "__main__":
    words = sys.argv[1:]
    without = []
    if words[0] == "--without":
        without, words = words[1].split(","), words[2:]
    for folder in words:
        for line in lines(os.fsencode(folder), without):
            print(line)
