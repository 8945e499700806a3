#!/usr/bin/env python3
"""What a program does on a terminal, under a shell with job control: job-control.py SCENARIO COMMAND...

The shell is this program: leader of a session on a terminal of its own, with the job in a process group of its own. COMMAND is
followed by `sh -c SCRIPT`, with the script of the scenario. Prints what the shell sees of the job and what comes on the screen, a
line each, so that two commands can be compared. A job that does not do what is waited for is ended after 15 s, with `TIMEOUT`.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

# A loop that ends by itself, and has a child that a signal to the group reaches, too.
LOOP = "n=0; while [ $n -lt 300 ]; do sleep 0.05; n=$((n+1)); done; echo end"

# A shell that is about to become another program does things of its own with signals.
ASLEEP = ("pause", 0.3)

# Name: (script, steps). A step waits for text on the screen (`see`), types, resizes the window, signals, brings the job into
# the foreground, or waits for the shell's view of the job (`job`).
SCENARIOS = {
    "interrupt": ("echo ready; exec sleep 30", [("see", "ready"), ASLEEP, ("type", "\x03"), ("job", "ends")]),
    "interrupt caught": (
        "trap 'echo caught; exit 7' INT; echo ready; " + LOOP,
        [("see", "ready"), ("type", "\x03"), ("see", "caught"), ("job", "ends")],
    ),
    "interrupt ignored": (
        "trap '' INT; echo ready; read word; echo \"word $word\"",
        [("see", "ready"), ("type", "\x03"), ("pause", 0.2), ("type", "on\n"), ("see", "word on"), ("job", "ends")],
    ),
    "interrupt counted": (
        "trap 'c=$((c+1))' INT; echo ready; n=0; while [ $n -lt 12 ]; do sleep 0.05; n=$((n+1)); done; echo \"times $c\"",
        [("see", "ready"), ("type", "\x03"), ("see", "times 1"), ("job", "ends")],
    ),
    "quit": ("ulimit -c 0; echo ready; exec sleep 30", [("see", "ready"), ASLEEP, ("type", "\x1c"), ("job", "ends")]),
    "stop and fg": (
        "echo ready; read word; echo \"word $word\"; exit 4",
        [("see", "ready"), ("type", "\x1a"), ("job", "stops"), ("fg",), ("type", "hello\n"), ("see", "word hello"),
         ("job", "ends")],
    ),
    "stop ignored": (
        "trap '' TSTP; echo ready; read word; echo \"word $word\"",
        [("see", "ready"), ("type", "\x1a"), ("pause", 0.3), ("type", "on\n"), ("see", "word on"), ("job", "ends")],
    ),
    "stop twice, in the background between": (
        "echo ready; read word; echo \"word $word\"",
        [("see", "ready"), ("type", "\x1a"), ("job", "stops"), ("fg",), ("pause", 0.1), ("type", "\x1a"),
         ("job", "stops"), ("fg",), ("type", "x\n"), ("see", "word x"), ("job", "ends")],
    ),
    "window": (
        "trap 'echo changed; stty size; exit 0' WINCH; stty size; echo ready; " + LOOP,
        [("see", "24 80"), ("see", "ready"), ("window", (40, 100)), ("see", "changed"), ("see", "40 100"),
         ("job", "ends")],
    ),
    "hang-up": ("echo ready; exec sleep 30", [("see", "ready"), ASLEEP, ("close",), ("job", "ends")]),
    "hang-up caught": (
        "trap 'exit 9' HUP; echo ready; " + LOOP, [("see", "ready"), ("close",), ("job", "ends")]
    ),
    "reading in the background": (
        "word=$(head -n 1); echo \"word $word\"",
        [("job", "stops"), ("fg",), ("type", "late\n"), ("see", "word late"), ("job", "ends")],
    ),
    "writing in the background": ("stty tostop; echo over; exit 3", [("job", "stops"), ("fg",), ("see", "over"), ("job", "ends")]),
    "end by a signal to the group": ("echo ready; exec sleep 30", [("see", "ready"), ASLEEP, ("signal", signal.SIGTERM), ("job", "ends")]),
    "end by a signal to the job": ("echo ready; exec sleep 30", [("see", "ready"), ASLEEP, ("signal one", signal.SIGTERM), ("job", "ends")]),
    "user signal caught": (
        "trap 'echo has USR1; exit 6' USR1; echo ready; " + LOOP,
        [("see", "ready"), ("signal one", signal.SIGUSR1), ("see", "has USR1"), ("job", "ends")],
    ),
    "stopped and continued by signals": (
        "trap 'echo goes on; exit 2' CONT; echo ready; " + LOOP,
        [("see", "ready"), ("signal", signal.SIGSTOP), ("job", "stops"), ("signal", signal.SIGCONT), ("see", "goes on"),
         ("job", "ends")],
    ),
    "a shell with jobs of its own": (
        "PS1='$ ' exec sh -i",
        [("see", "$ "), ("type", "sleep 30\n"), ("pause", 0.3), ("type", "\x1a"), ("see", "Stopped"), ("type", "fg\n"),
         ("pause", 0.3), ("type", "\x03"), ("see", "$ "), ("type", "exit 8\n"), ("job", "ends")],
    ),
}
IN_BACKGROUND = {"reading in the background", "writing in the background"}
TIMEOUT = 15


def be_shell(command, script, orders, reports, in_background):
    """The leader of the session: starts the job, tells of it, and does what it is told."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    hung_up = []
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        if not in_background:
            os.tcsetpgrp(0, os.getpgid(0))
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_DFL)
        os.close(orders)
        os.close(reports)
        os.execvp(command[0], command + ["sh", "-c", script])
    try:
        os.setpgid(job, job)
    except OSError:
        pass
    # As shells do: the job is told that the terminal is gone.
    signal.signal(signal.SIGHUP, lambda *_: (hung_up.append(1), os.killpg(job, signal.SIGHUP)))

    def tell(text):
        os.write(reports, (text + "\n").encode())

    while True:
        pid, status = os.waitpid(job, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            tell("stops by " + signal.Signals(os.WSTOPSIG(status)).name)
            if not hung_up:
                os.tcsetpgrp(0, os.getpgid(0))
        elif pid:
            if os.WIFSIGNALED(status):
                tell("ends by " + signal.Signals(os.WTERMSIG(status)).name)
            else:
                tell("ends with %d" % os.WEXITSTATUS(status))
            os._exit(0)
        if not select.select([orders], [], [], 0.01)[0]:
            continue
        order = os.read(orders, 100).decode().split()
        if not order:
            os.killpg(job, signal.SIGKILL)
            os._exit(1)
        if order[0] == "fg":
            os.tcsetpgrp(0, job)
            os.killpg(job, signal.SIGCONT)
        elif order[0] == "signal":
            os.killpg(job, int(order[1]))
        elif order[0] == "one":
            os.kill(job, int(order[1]))


def main():
    name, command = sys.argv[1], sys.argv[2:]
    script, steps = SCENARIOS[name]
    order_end, orders = os.pipe()
    reports, report_end = os.pipe()
    child, screen = pty.fork()
    if child == 0:
        os.close(orders)
        os.close(reports)
        os.set_inheritable(order_end, False)
        os.set_inheritable(report_end, False)
        be_shell(command, script, order_end, report_end, name in IN_BACKGROUND)
    os.close(order_end)
    os.close(report_end)
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = ""
    told = ""

    def listen(until):
        """Reads from screen and shell for as long as it takes."""
        nonlocal seen, told, screen
        deadline = time.monotonic() + TIMEOUT
        while not until():
            if time.monotonic() > deadline:
                return False
            places = [reports] + ([screen] if screen >= 0 else [])
            for place in select.select(places, [], [], 0.1)[0]:
                try:
                    piece = os.read(place, 65536).decode(errors="replace")
                except OSError:
                    piece = ""
                if place == reports:
                    if not piece:
                        return until()
                    told += piece
                elif piece:
                    seen += piece
        return True

    for step in steps:
        what = step[0]
        if what == "see":
            if not listen(lambda: step[1] in seen):
                print("TIMEOUT: never saw " + step[1].strip())
                break
            seen = seen.split(step[1], 1)[1]
            print("sees " + step[1].strip())
        elif what == "job":
            if not listen(lambda: "\n" in told):
                print("TIMEOUT: the job never " + step[1])
                break
            line, told = told.split("\n", 1)
            print("job " + line)
            if not line.startswith(step[1]):
                break
        elif what == "type":
            os.write(screen, step[1].encode())
        elif what == "pause":
            end = time.monotonic() + step[1]
            listen(lambda: time.monotonic() > end)
        elif what == "window":
            fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", step[1][0], step[1][1], 0, 0))
        elif what == "close":
            os.close(screen)
            screen = -1
        elif what == "fg":
            os.write(orders, b"fg\n")
            time.sleep(0.1)
        elif what == "signal":
            os.write(orders, b"signal %d\n" % step[1])
        elif what == "signal one":
            os.write(orders, b"one %d\n" % step[1])
    os.close(orders)
    os.waitpid(child, 0)
    for line in seen.splitlines():
        if "FATAL" in line or "WARNING" in line:
            print("screen " + line.strip())


if sys.argv[1:] == ["--list"]:
    print("\n".join(SCENARIOS))
else:
    main()
