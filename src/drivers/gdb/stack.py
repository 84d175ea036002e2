"""Runs inside gdb: loads a core and the files that belong to it, and writes all stacks as JSON to descriptor 3.

request.json in the working directory: {"core": path, "modules": [{"file": path, "bias": "0x…"}], "maxThreads": n, "maxFrames": n, "seconds": n}. Paths are links made for this run, so that none needs quoting.
"""

import json
import os
import struct
import time

import gdb

with open("request.json", encoding="utf-8") as file:
    request = json.load(file)

deadline = time.monotonic() + request["seconds"]
problems = []
answer = {"threads": [], "abortMessage": None, "exception": None, "debugFiles": [], "problems": problems}


# What gdb itself may raise, and what its Python raises on bytes of a hostile core.
trouble = (gdb.error, RuntimeError, ValueError, IndexError, OverflowError)


def attempt(command):
    try:
        gdb.execute(command)  # its output is not taken as text: command lines in a core may hold any bytes
    except trouble as error:
        problems.append("%s: %s" % (command.split()[0], error))


def describe(frame):
    described = {"pc": "0x%x" % frame.pc()}
    try:
        described.update(names(frame))
    except trouble:
        pass  # a missing or broken file of debug information: the place alone must do
    return described


def names(frame):
    described = {}
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
    """The selected thread's frames, at most so many; the number of those left out; what its signals' handlers interrupted; why the walk ended."""
    frames, faults = [], []
    omitted = 0
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() == gdb.SIGTRAMP_FRAME:
            faults.extend(interrupted(frame))
        if len(frames) < request["maxFrames"]:
            frames.append(describe(frame))
        else:
            omitted += 1
        if frame.name() == "main":
            return frames, omitted, faults, None
        if omitted > 20000 or time.monotonic() > deadline:
            return frames, omitted, faults, "there are more frames than were counted"
        try:
            older = frame.older()
        except trouble as error:
            return frames, omitted, faults, str(error)
        if older is None and frame.unwind_stop_reason() != gdb.FRAME_UNWIND_OUTERMOST:
            reason = frame.unwind_stop_reason()
            return frames, omitted, faults, None if reason == gdb.FRAME_UNWIND_NO_REASON else gdb.frame_stop_reason_string(reason)
        frame = older
    return frames, omitted, faults, None


def interrupted(trampoline):
    """The signal that a handler dealt with, and where the thread was then: struct rt_sigframe of x86-64, whose ucontext stands at
    the trampoline's stack pointer (arch/x86/include/asm/sigframe.h, include/uapi/asm/sigcontext.h). Nothing where it is not in the core."""
    try:
        ucontext = int(trampoline.read_register("rsp"))
        number, code, address = unpacked("<i4xi4xQ", ucontext + 304)
        stack_pointer, pc = unpacked("<QQ", ucontext + 40 + 15 * 8)
    except trouble:
        return []
    return [{"signal": number, "code": code, "address": "0x%x" % address, "pc": "0x%x" % pc, "stackPointer": "0x%x" % stack_pointer}]


def unpacked(layout, address):
    return struct.unpack(layout, memory(address, struct.calcsize(layout)))


def memory(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def text(address, most=4000):
    """The C string at an address."""
    return gdb.Value(address).cast(gdb.lookup_type("char").pointer()).string(errors="replace", length=most).partition("\0")[0]


def stacks():
    threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)
    if len(threads) > request["maxThreads"]:
        problems.append("gdb was asked for the stacks of %d threads of %d" % (request["maxThreads"], len(threads)))
    for thread in threads[: request["maxThreads"]]:
        if time.monotonic() > deadline:
            problems.append("there was no time for the stacks of all %d threads" % len(threads))
            return
        try:
            thread.switch()
            frames, omitted, faults, ended = walk()
        except trouble as error:
            problems.append("gdb, stack of thread %d: %s" % (thread.num, error))
            continue
        identity = thread.ptid[1] or thread.ptid[0]
        answer["threads"].append({"id": identity, "frames": frames, "omittedFrames": omitted, "faults": faults, "ended": ended})


def abort_message():
    """What glibc noted when it ended the process itself: a failed assertion, a damaged heap (struct abort_msg_s, stdlib/abort.c)."""
    try:
        message = gdb.parse_and_eval("*(char **)&__abort_msg")
        is_set = int(message) != 0
    except trouble:
        return  # another C library, one without names, or a core without this memory
    if is_set:
        answer["abortMessage"] = text(int(message) + 4, 1000).strip()


def exception():
    """The C++ exception that nobody caught. Its header bears a mark, and what carries it to its handlers keeps pointers to it on
    the crashed thread's stack (libstdc++: unwind-cxx.h, struct __cxa_exception; the Itanium C++ ABI has the layout of type_info)."""
    gdb.selected_inferior().threads()[-1].switch()
    for pointer in stack_words():
        try:
            if pointer % 8 or pointer < 4096 or memory(pointer, 8) != b"\0++CCUNG":
                continue
            (type_info,) = unpacked("<Q", pointer - 80)
            names = list(type_and_bases(type_info))
        except trouble:
            continue
        answer["exception"] = {"type": names[0], "message": what(names, pointer + 32)}
        return


def stack_words():
    """What stands on the stack between the end of the process and the frame that threw, if anything was thrown."""
    start = frame = gdb.newest_frame()
    thrower = None
    for _ in range(60):
        if frame is None:
            break
        if any(mark in (frame.name() or "") for mark in ["__cxa_throw", "__cxa_rethrow", "terminate", "_Unwind_"]):
            thrower = frame.older() or frame
        frame = frame.older()
    if thrower is None:
        return []
    low, high = (int(end.read_register("rsp")) for end in (start, thrower))
    size = min(max(high - low, 0) + 512, 65536) & ~7
    return dict.fromkeys(struct.unpack("<%dQ" % (size // 8), memory(low, size)))


def type_and_bases(type_info):
    """Mangled names of a class and of those that it inherits from singly."""
    for _ in range(20):
        kind, name = unpacked("<QQ", type_info)
        yield text(name, 1000).lstrip("*")
        if "__si_class_type_info" not in gdb.execute("info symbol 0x%x" % kind, to_string=True):
            return
        (type_info,) = unpacked("<Q", type_info + 16)


def what(names, thrown):
    """What what() would answer, of classes whose layout is known; a thrown text itself."""
    try:
        (first, second, third) = unpacked("<QQQ", thrown)
        if names[0] in ("PKc", "Pc"):
            return text(first)
        if "St13runtime_error" in names or "St11logic_error" in names:
            return text(second)
        if "St9exception" in names and 0 < third < 4000:  # a std::string of its own
            return memory(second, third).decode(errors="replace")
    except trouble:
        pass  # not in the core
    return None


def debug_files():
    """Which modules have their debug information in a file of its own, by build-id."""
    answer["debugFiles"] = [objfile.owner.build_id for objfile in gdb.objfiles() if objfile.owner and objfile.owner.build_id]


attempt("core-file " + request["core"])
for module in request["modules"]:
    attempt("add-symbol-file %s -o %s" % (module["file"], module["bias"]))

for find in [stacks, abort_message, exception, debug_files]:
    try:
        find()
    except trouble as error:
        problems.append("gdb, %s: %s" % (find.__name__.replace("_", " "), error))
with os.fdopen(3, "w") as out:
    json.dump(answer, out)
