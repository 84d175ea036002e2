// gocallback KIND: Go calls C, which calls Go, which calls C again, and so on; the last of them crashes.
package main

// #include "callback.h"
import "C"

import "os"

type segment struct{ rows [8]int64 }

//export goFirst
func goFirst(kind C.int) C.int { return C.middle(kind) + 1 }

//export goSecond
func goSecond(kind C.int) C.int {
	switch kind {
	case 2:
		return C.int(readNil(nil))
	case 3:
		panicNow()
	case 4:
		waitForever()
	}
	return C.inner(kind) + 1
}

//go:noinline
func readNil(one *segment) int64 { return one.rows[2] + 1 }

//go:noinline
func panicNow() { panic("segment 42 is not loaded") }

// A goroutine that C has called keeps its thread, which runs the scheduler as long as it waits.
//
//go:noinline
func waitForever() { <-make(chan int) }

var kinds = map[string]C.int{"C fault": 0, "C abort": 1, "nil": 2, "panic": 3}

func main() {
	if kind, is := kinds[os.Args[1]]; is {
		println(C.outer(kind))
	}
	switch os.Args[1] {
	case "on a thread: C fault":
		println(C.on_a_thread(0))
	case "on a thread: C abort":
		println(C.on_a_thread(1))
	case "on a thread: nil":
		println(C.on_a_thread(2))
	case "on a thread: panic":
		println(C.on_a_thread(3))
	}
}
