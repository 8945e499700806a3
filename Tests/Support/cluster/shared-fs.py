"""A read-only FUSE file system that shows the files of one folder, at the speed of a busy storage, and tells what was
read: the shared file system of the tests' cluster.

    shared-fs.py SOURCE TARGET LOG [BYTES-PER-SECOND]

Prints "ready" when it is mounted, and goes with the end of its input. A line of the log is OPEN NAME or READ NAME BYTES.
Nothing is cached by the kernel: each read of a program is a line here. Layouts: linux/fuse.h, protocol 7.31.
"""
import ctypes
import errno
import os
import queue
import stat
import struct
import sys
import threading
import time

source, target, log_path = sys.argv[1:4]
rate = int(sys.argv[4]) if len(sys.argv) > 4 else 0
log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,max_read=131072"
READ_ONLY, NO_SUID, NO_DEV = 1, 2, 4
if libc.mount(b"apus-test-shared", target.encode(), b"fuse", READ_ONLY | NO_SUID | NO_DEV, options.encode()) != 0:
    sys.exit(f"shared-fs: cannot mount at {target}: {os.strerror(ctypes.get_errno())}")

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 17, 18, 25, 26
OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 27, 28, 29, 36, 42
DIRECT_IO = 1
numbers = {}  # of names, from 2
names = {1: ""}
handles = {}
reads = queue.Queue()


def reply(unique, data=b"", error=0):
    try:
        os.write(device, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)
    except OSError:
        pass  # who asked has been killed


def attributes(number):
    found = os.stat(os.path.join(source, names[number]))
    times = [found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns]
    return struct.pack(
        "<6Q10I", found.st_ino, found.st_size, found.st_blocks, *(t // 10**9 for t in times),
        *(t % 10**9 for t in times), found.st_mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0)


def note(line):
    os.write(log, (line + "\n").encode())


def read_slowly():
    while True:
        unique, name, file, offset, size = reads.get()
        data = os.pread(file, size, offset)
        if rate:
            time.sleep(len(data) / rate)
        note(f"READ {name} {len(data)}")
        reply(unique, data)


def answer(opcode, unique, number, body):
    if opcode == INIT:
        reply(unique, struct.pack("<IIIIHHIIHHII6I", 7, 31, 131072, 0, 16, 12, 131072, 1, 0, 0, 0, 0, *[0] * 6))
    elif opcode == LOOKUP:
        name = body.rstrip(b"\0").decode()
        if not os.path.exists(os.path.join(source, name)):
            return reply(unique, error=errno.ENOENT)
        known = numbers.setdefault(name, len(numbers) + 2)
        names[known] = name
        reply(unique, struct.pack("<QQQQII", known, 0, 0, 0, 0, 0) + attributes(known))
    elif opcode == GETATTR:
        reply(unique, struct.pack("<QII", 0, 0, 0) + attributes(number))
    elif opcode == OPEN:
        file = os.open(os.path.join(source, names[number]), os.O_RDONLY)
        handles[file] = names[number]
        note(f"OPEN {names[number]}")
        reply(unique, struct.pack("<QII", file, DIRECT_IO, 0))
    elif opcode == OPENDIR:
        reply(unique, struct.pack("<QII", 0, 0, 0))
    elif opcode == READ:
        file, offset, size = struct.unpack_from("<QQI", body)
        reads.put((unique, handles[file], file, offset, size))
    elif opcode == STATFS:
        reply(unique, struct.pack("<5Q10I", 1 << 20, 1 << 19, 1 << 19, 0, 0, 4096, 255, 4096, *[0] * 7))
    elif opcode == RELEASE:
        os.close(struct.unpack_from("<Q", body)[0])
        reply(unique)
    elif opcode in (RELEASEDIR, FLUSH, READDIR):
        reply(unique)
    elif opcode not in (FORGET, BATCH_FORGET, INTERRUPT):
        reply(unique, error=errno.ENOSYS)


def serve():
    while True:
        try:
            request = os.read(device, 1 << 20)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                continue
            return
        _, opcode, unique, number = struct.unpack_from("<IIQQ", request)
        try:
            answer(opcode, unique, number, request[40:])
        except OSError as problem:
            reply(unique, error=problem.errno)


assert stat.S_ISDIR(os.stat(source).st_mode)
for work in (serve, read_slowly):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
DETACH = 2
libc.umount2(target.encode(), DETACH)
os._exit(0)
