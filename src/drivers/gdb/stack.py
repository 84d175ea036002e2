"""Runs inside gdb: loads a core and the files that belong to it, and writes all stacks as JSON to descriptor 3.

request.json in the working directory: {"core": path, "modules": [{"file": path, "bias": "0x…"}], "maxThreads": n, "maxFrames": n, "seconds": n}. Paths are links made for this run, so that none needs quoting.
"""

import json
import os
import time

import gdb

with open("request.json", encoding="utf-8") as file:
    request = json.load(file)

deadline = time.monotonic() + request["seconds"]
problems = []
answer = {"threads": [], "abortMessage": None, "debugFiles": [], "problems": problems}


def attempt(command):
    try:
        gdb.execute(command, to_string=True)
    except gdb.error as error:
        problems.append("%s: %s" % (command.split()[0], error))


def describe(frame):
    described = {"pc": "0x%x" % frame.pc()}
    if frame.type() == gdb.SIGTRAMP_FRAME:
        described["function"] = "<signal handler called>"
    elif frame.name():
        described["function"] = frame.name()
    line = frame.find_sal()
    if line.symtab and line.line:
        described["file"] = line.symtab.filename
        described["line"] = line.line
    if frame.type() == gdb.INLINE_FRAME:
        described["inlined"] = True
    return described


def walk():
    """The selected thread's frames, at most so many; the number of those left out; why the walk ended."""
    frames = []
    omitted = 0
    frame = gdb.newest_frame()
    while frame is not None:
        if len(frames) < request["maxFrames"]:
            frames.append(describe(frame))
        else:
            omitted += 1
        if frame.name() == "main":
            return frames, omitted, None
        if omitted > 20000 or time.monotonic() > deadline:
            return frames, omitted, "there was no time for more frames"
        try:
            older = frame.older()
        except gdb.error as error:
            return frames, omitted, str(error)
        if older is None and frame.unwind_stop_reason() != gdb.FRAME_UNWIND_OUTERMOST:
            reason = frame.unwind_stop_reason()
            return frames, omitted, None if reason == gdb.FRAME_UNWIND_NO_REASON else gdb.frame_stop_reason_string(reason)
        frame = older
    return frames, omitted, None


def stacks():
    threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)
    for thread in threads[: request["maxThreads"]]:
        if time.monotonic() > deadline:
            problems.append("there was no time for the stacks of all %d threads" % len(threads))
            return
        thread.switch()
        frames, omitted, ended = walk()
        answer["threads"].append({"id": thread.ptid[1] or thread.ptid[0], "frames": frames, "omittedFrames": omitted, "ended": ended})


def abort_message():
    """What glibc noted when it ended the process itself: a failed assertion, a damaged heap (struct abort_msg_s, stdlib/abort.c)."""
    try:
        message = gdb.parse_and_eval("*(char **)&__abort_msg")
        is_set = int(message) != 0
    except gdb.error:
        return  # another C library, one without names, or a core without this memory
    if is_set:
        answer["abortMessage"] = (message + 4).string(errors="replace", length=1000).partition("\0")[0].strip()


def debug_files():
    """Which modules have their debug information in a file of its own, by build-id."""
    answer["debugFiles"] = [objfile.owner.build_id for objfile in gdb.objfiles() if objfile.owner and objfile.owner.build_id]


attempt("core-file " + request["core"])
for module in request["modules"]:
    attempt("add-symbol-file %s -o %s" % (module["file"], module["bias"]))

for find in [stacks, abort_message, debug_files]:
    try:
        find()
    except (gdb.error, RuntimeError, IndexError) as error:
        problems.append("gdb, %s: %s" % (find.__name__.replace("_", " "), error))
with os.fdopen(3, "w") as out:
    json.dump(answer, out)
