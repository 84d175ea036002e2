"""Runs inside gdb: loads a core and the files that belong to it, and writes all stacks as JSON to descriptor 3.

request.json in the working directory: {"core": path, "modules": [{"file": path, "bias": "0x…"}], "debugFolder": path, "maxThreads": n, "maxFrames": n, "seconds": n}. Paths are links made for this run, so that none needs quoting.
"""

import json
import os
import re
import struct
import time

import gdb
import gdb.unwinder

with open("request.json", encoding="utf-8") as file:
    request = json.load(file)

deadline = time.monotonic() + request["seconds"]
problems = []
answer = {"threads": [], "abortMessage": None, "exception": None, "debugFiles": [], "problems": problems}


# Threads that may have thrown: the current one, and those whose signals were not only Go's question for their stacks.
suspects = []
sigquit = 3

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
    is_exact = frame.newer() is not None and is_sigpanic(frame.newer())
    if frame.type() == gdb.SIGTRAMP_FRAME:
        described["function"] = "<signal handler called>"
    elif is_exact:
        described.update(function_at(frame.pc()))
    elif frame.name():
        described["function"] = go_name(whole_name(frame))
    line = gdb.find_pc_line(frame.pc()) if is_exact else frame.find_sal()
    if line.symtab and line.line:
        described["file"] = line.symtab.filename
        described["line"] = line.line
    arguments = [] if is_exact else list(arguments_of(frame))
    if arguments:
        described["arguments"] = ", ".join(arguments)[:300]
    if frame.type() == gdb.INLINE_FRAME:
        described["inlined"] = True
    if frame.type() == gdb.TAILCALL_FRAME:
        described["isTailCall"] = True
    return described


def arguments_of(frame):
    """Names with numbers and addresses: what is behind an address may be secret, and large."""
    try:
        block = frame.block()
    except trouble:
        return  # no debug information
    while block is not None and block.function is None:
        block = block.superblock
    for symbol in list(block or [])[:20]:
        if symbol.is_argument:
            try:
                told = shown(symbol.value(frame))
            except trouble:
                told = "?"
            yield "%s=%s" % (symbol.name, told)


def shown(value):
    kind = value.type.strip_typedefs()
    if value.is_optimized_out:
        return "?"
    if kind.code == gdb.TYPE_CODE_PTR:
        return "0x%x" % int(value)
    if kind.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        return "@0x%x" % int(value.address)
    if kind.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_FLT):
        return value.format_string()
    return "…"


def is_sigpanic(frame):
    """Go lets its runtime.sigpanic look as if the faulting instruction had called it: that frame's counter is no return address."""
    return (frame.name() or "").startswith("runtime.sigpanic")


def go_name(name):
    """Some names of Go look to gdb's demangler like those of another language: it makes runtime[dieFromSignal] of runtime.dieFromSignal."""
    return re.sub(r"^([^\s:<>]*[\w)])\[([A-Za-z_]\w*)\]$", r"\1.\2", name)


def function_at(pc):
    block = gdb.block_for_pc(pc)
    while block is not None and block.function is None:
        block = block.superblock
    return {"function": re.sub(r"^([\w:~]+)\(.*", r"\1", block.function.name)} if block else {}


def whole_name(frame):
    """gdb leaves out the function that a lambda or a local type stands in; the symbol table has it."""
    name = frame.name()
    if frame.type() == gdb.INLINE_FRAME or "(" in name.replace("operator()", ""):
        return name
    within = "::%s(" % name
    before, found, _ = symbol_at(frame.pc() - (0 if frame.newer() is None else 1)).rpartition(within)
    return before + found[:-1] if found else name


def symbol_at(pc):
    """Demangled; empty where there is none."""
    told = gdb.execute("info symbol 0x%x" % pc, to_string=True)
    return "" if told.startswith("No symbol") else re.sub(r"( \+ \d+)? in section .*", "", told, flags=re.S)


def walk():
    """The selected thread's frames, at most so many; the number of those left out; what its signals' handlers interrupted; why the walk ended."""
    try:
        return walk_from(gdb.newest_frame())
    finally:
        resumed.become(None)


def walk_from(frame):
    frames, faults = [], []
    omitted = 0
    while frame is not None:
        if frame.type() == gdb.SIGTRAMP_FRAME:
            faults.extend(interrupted(frame))
        elif is_sigpanic(frame):
            faults.extend(taken_up_by_go(frame))
        if len(frames) < request["maxFrames"]:
            frames.append(describe(frame))
        else:
            omitted += 1
        if frame.name() in ("main", "runtime.goexit", "runtime.goexit.abi0"):
            return frames, omitted, faults, None
        if omitted > 20000 or time.monotonic() > deadline:
            return frames, omitted, faults, "there are more frames than were counted"
        left = stack_left_at(frame)
        if left:
            resumed.become(left)
            frame = gdb.newest_frame()
        try:
            older = frame.older()
        except trouble as error:
            return frames, omitted, faults, str(error)
        if older is None and frame.unwind_stop_reason() != gdb.FRAME_UNWIND_OUTERMOST:
            reason = frame.unwind_stop_reason()
            return frames, omitted, faults, None if reason == gdb.FRAME_UNWIND_NO_REASON else gdb.frame_stop_reason_string(reason)
        frame = older
    return frames, omitted, faults, None


def stack_left_at(frame):
    """Go goes over to another stack for C code and for work of its runtime, and gdb does not follow it back. Where its caller goes
    on: rip, rsp, rbp. Both functions keep rbp as frame pointer on the stack that they leave."""
    function = (frame.name() or "").partition(".abi")[0]
    if function not in ("runtime.systemstack", "runtime.asmcgocall"):
        return None
    try:
        frame_pointer = int(frame.read_register("rbp"))
        if function == "runtime.systemstack":
            frame_pointer = own_frame_pointer(frame.pc(), frame_pointer)
        caller, return_address = unpacked("<QQ", frame_pointer)
    except trouble:
        return None
    return (return_address, frame_pointer + 16, caller) if symbol_at(return_address) else None


def own_frame_pointer(pc, frame_pointer):
    """Go's debug information does not say where a function has saved rbp, so that it is still that of a function called from here."""
    inner = frame_pointer
    for _ in range(64):
        caller, return_address = unpacked("<QQ", inner)
        if return_address == pc:
            return caller
        inner = caller
    return frame_pointer


class Resumed(gdb.unwinder.Unwinder):
    """Makes the thread's newest frame one that was called from elsewhere: gdb takes a caller on a lower stack for a mistake."""

    registers = None

    def become(self, registers):
        if self.registers != registers:
            self.registers = None
            gdb.invalidate_cached_frames()
            self.newest = gdb.newest_frame().pc(), int(gdb.newest_frame().read_register("rsp"))
            self.registers = registers
            gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.registers is None:
            return None
        here = int(pending.read_register("rip")), int(pending.read_register("rsp"))
        if here != self.newest:
            return None
        unwound = pending.create_unwind_info(FrameId(self.registers[1] - 16, self.registers[0]))
        for name, value in zip(["rip", "rsp", "rbp"], self.registers):
            unwound.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return unwound


class FrameId:
    def __init__(self, stack_pointer, pc):
        self.sp, self.pc = gdb.Value(stack_pointer), gdb.Value(pc)


resumed = Resumed("resumed")
gdb.unwinder.register_unwinder(None, resumed)


def interrupted(trampoline):
    """The signal that a handler dealt with, and where the thread was then: struct rt_sigframe of x86-64, whose ucontext stands at
    the trampoline's stack pointer (arch/x86/include/asm/sigframe.h). Nothing where it is not in the core."""
    try:
        return [fault_in(int(trampoline.read_register("rsp")))]
    except trouble:
        return []


def fault_in(ucontext):
    """The kernel writes siginfo only for handlers that want it (SA_SIGINFO), its end filled with zeros; what the processor told
    (trapno, err, cr2), always (include/uapi/asm/sigcontext.h). That may be of a trap before, and says nothing of a signal that was sent."""
    number, errno, code, _, address = unpacked("<iiiiQ", ucontext + 304)
    stack_pointer, pc = unpacked("<QQ", ucontext + 40 + 15 * 8)
    error, trap, _, reached = unpacked("<QQQQ", ucontext + 40 + 19 * 8)
    if not (1 <= number <= 64 and -64 <= code <= 128 and errno == 0) or any(memory(ucontext + 304 + 48, 80)):
        if trap not in trapped or memory(pc - 2, 2) == syscall:
            raise ValueError("nothing tells the signal")
        number, code = trapped[trap]
        address = reached
        if trap == page_fault and error & 1:
            code = 2  # SEGV_ACCERR
    return {"signal": number, "code": code, "address": "0x%x" % address, "pc": "0x%x" % pc, "stackPointer": "0x%x" % stack_pointer}


page_fault = 14
# Signal and code of what the processor traps: invalid instruction, general protection, page fault.
trapped = {6: (4, 2), 13: (11, 128), page_fault: (11, 1)}
syscall = b"\x0f\x05"


def returned_from():
    """What a handler of the process's own dealt with that raised its signal anew: that waits until the handler returns, and then
    comes as if from where the thread was interrupted. The handler's rt_sigframe still lies below the stack pointer."""
    frame = gdb.newest_frame()
    stack_pointer, pc = int(frame.read_register("rsp")), frame.pc()
    low = stack_pointer - 16384
    words = memory(low, 16384)
    wanted = struct.pack("<QQ", stack_pointer, pc)
    at = words.rfind(wanted)
    while at > 0 and at % 8:
        at = words.rfind(wanted, 0, at + len(wanted) - 1)
    return [fault_in(low + at - 40 - 15 * 8)] if at >= 0 and memory(pc - 2, 2) != syscall else []


def taken_up_by_go(sigpanic):
    """What Go keeps of a fault that it makes a panic of (runtime.g, in register r14). Needs Go's debug information."""
    try:
        goroutine = gdb.Value(int(sigpanic.read_register("r14"))).cast(gdb.lookup_type("runtime.g").pointer())
        number, code, address, pc = (int(goroutine[name]) for name in ["sig", "sigcode0", "sigcode1", "sigpc"])
        faulting = sigpanic.older()
        if faulting is None or faulting.pc() != pc:
            return []
        stack_pointer = int(faulting.read_register("rsp"))
    except trouble:
        return []
    return [{"signal": number, "code": code, "address": "0x%x" % address, "pc": "0x%x" % pc, "stackPointer": "0x%x" % stack_pointer}]


def unpacked(layout, address):
    return struct.unpack(layout, memory(address, struct.calcsize(layout)))


def memory(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def text(address, most=4000):
    """The C string at an address: page by page, since behind its end there may be no memory."""
    found = b""
    while len(found) < most and b"\0" not in found:
        found += memory(address + len(found), min(4096 - (address + len(found)) % 4096, most - len(found)))
    return found.partition(b"\0")[0].decode(errors="replace")


def attempted(find):
    try:
        return find()
    except trouble:
        return []


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
            if not faults and thread is threads[0]:
                faults = attempted(returned_from)
        except trouble as error:
            problems.append("gdb, stack of thread %d: %s" % (thread.num, error))
            continue
        if thread is threads[0] or (faults and faults[-1]["signal"] != sigquit):
            suspects.append(thread.num)
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
    for number in suspects[:10]:
        next(thread for thread in gdb.selected_inferior().threads() if thread.num == number).switch()
        answer["exception"] = exception_in_thread()
        if answer["exception"]:
            return


def exception_in_thread():
    for pointer in stack_words():
        try:
            mark = memory(pointer, 8) if pointer % 8 == 0 and pointer >= 4096 else None
            if mark == b"\1++CCUNG":  # stands for another that was kept: std::rethrow_exception
                (thrown,) = unpacked("<Q", pointer - 80)
            elif mark == b"\0++CCUNG":
                thrown = pointer + 32
            else:
                continue
            (type_info,) = unpacked("<Q", thrown - 112)
            names = list(type_and_bases(type_info))
        except trouble:
            continue
        return {"type": names[0], "message": what(names, thrown)}
    return None


def stack_words():
    """What stands on the stack between the end of the process and the frame that threw, if anything was thrown. A handler of the
    end may run on a stack of its own."""
    start = frame = gdb.newest_frame()
    thrower = None
    for _ in range(60):
        if frame is None:
            break
        if frame.type() == gdb.SIGTRAMP_FRAME and frame.older():
            start = frame.older()
        if any(mark in (frame.name() or "") for mark in ["__cxa_throw", "__cxa_rethrow", "terminate", "rethrow_exception", "_Unwind_"]):
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


attempt("set debug-file-directory %s:%s" % (request["debugFolder"], gdb.parameter("debug-file-directory")))
attempt("core-file " + request["core"])
for module in request["modules"]:
    attempt("add-symbol-file %s -o %s" % (module["file"], module["bias"]))

attempt("set language c")
for find in [stacks, abort_message, exception, debug_files]:
    try:
        find()
    except trouble as error:
        problems.append("gdb, %s: %s" % (find.__name__.replace("_", " "), error))
with os.fdopen(3, "w") as out:
    json.dump(answer, out)
