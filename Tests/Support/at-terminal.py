#!/usr/bin/env python3
"""Runs a program on a terminal of its own and types: at-terminal.py PROGRAM WORDS

Standard input has a QUESTION and its ANSWER on a line each, and so on: passwords stand in no command line. Each ANSWER is
typed when its QUESTION is on the screen, and not before: a program that puts off the echo must have done so by then. All that comes on the screen goes to standard output, and the program's exit code is ours. A program that is not
done after a minute is ended, with code 124.
"""
import os
import pty
import select
import signal
import sys
import time

program = sys.argv[1:]
talk = sys.stdin.buffer.read().splitlines()
talk = [(talk[at], talk[at + 1]) for at in range(0, len(talk), 2)]
child, screen = pty.fork()
if child == 0:
    os.execvp(program[0], program)

seen = told = b""
deadline = time.monotonic() + 60
code = None
while True:
    if time.monotonic() > deadline:
        os.kill(child, signal.SIGKILL)
        code = 124
        break
    if not select.select([screen], [], [], 0.2)[0]:
        continue
    try:
        piece = os.read(screen, 65536)
    except OSError:  # The last one that had the terminal has closed it.
        break
    if not piece:
        break
    seen += piece
    told += piece
    if talk and talk[0][0] in told:
        told = told.split(talk[0][0], 1)[1]
        os.write(screen, talk.pop(0)[1] + b"\n")
status = os.waitpid(child, 0)[1]
sys.stdout.buffer.write(seen)
sys.exit(code if code is not None else os.waitstatus_to_exitcode(status) % 256)
