#!/usr/bin/env python3
"""Looks for bytes in everything that a file holds compressed: raw-blocks.py FILE TEXT

Takes no table's word for what is used: wherever a zlib stream, a zstd frame or an xz stream may begin, it is
decompressed.
"""
import ctypes
import lzma
import sys
import zlib

MOST = 4 << 20


def places(data, mark):
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + 1)


def zlib_streams(data):
    for place in places(data, b"\x78"):
        if int.from_bytes(data[place:place + 2], "big") % 31 == 0:
            try:
                yield zlib.decompressobj().decompress(data[place:place + MOST], MOST)
            except zlib.error:
                pass


def zstd_frames(data):
    library = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_findFrameCompressedSize", "ZSTD_decompress"):
        getattr(library, name).restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(MOST)
    for place in places(data, b"\x28\xb5\x2f\xfd"):
        piece = data[place:place + MOST]
        size = library.ZSTD_findFrameCompressedSize(piece, ctypes.c_size_t(len(piece)))
        if size <= len(piece):
            count = library.ZSTD_decompress(out, ctypes.c_size_t(MOST), piece, ctypes.c_size_t(size))
            if count <= MOST:
                yield out.raw[:count]


def xz_streams(data):
    for place in places(data, b"\xfd7zXZ\0"):
        try:
            yield lzma.LZMADecompressor().decompress(data[place:place + MOST], MOST)
        except lzma.LZMAError:
            pass


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    text = sys.argv[2].encode()
    pieces = [data]
    for streams in (zlib_streams, zstd_frames, xz_streams):
        pieces += streams(data)
    print(f"{len(pieces)} pieces, found {sum(piece.count(text) for piece in pieces)} times")
