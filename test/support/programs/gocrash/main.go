// gocrash KIND: one real crash of each kind that a Go program with C++ in it has, in a function named after it.
package main

// #cgo LDFLAGS: -ldl
// #include "native.h"
import "C"

import (
	"fmt"
	"os"
	"time"
)

type segment struct {
	id   int64
	rows [8]int64
}

//go:noinline
func readNil(one *segment) int64 { return one.rows[2] + 1 }

//go:noinline
func panicNow(id int) { panic(fmt.Sprintf("segment %d is not loaded", id)) }

//go:noinline
func panicWithError(id int) { panic(fmt.Errorf("segment %d is not loaded", id)) }

//go:noinline
func indexOut(rows []int, at int) int { return rows[at] + 1 }

//go:noinline
func guarded(run func()) {
	defer func() {
		if value := recover(); value != nil {
			panic(value)
		}
	}()
	run()
}

//go:noinline
func writeTogether() {
	rows := map[int]int{}
	for one := 0; one < 8; one++ {
		go writeForever(rows)
	}
	writeForever(rows)
}

//go:noinline
func writeForever(rows map[int]int) {
	for one := 0; ; one++ {
		rows[one%64] = one
	}
}

//go:noinline
func waitForever() {
	never := make(chan int)
	<-never
}

//go:noinline
func fault() { C.native_fault(nil) }

//go:noinline
func abort() { C.native_abort() }

//go:noinline
func throw() { C.native_throw() }

func main() {
	kind := ""
	if len(os.Args) > 1 {
		kind = os.Args[1]
	}
	if os.Getenv("GOROUTINES") != "" {
		for one := 0; one < 50; one++ {
			go waitForever()
		}
		time.Sleep(50 * time.Millisecond)
	}
	switch kind {
	case "nil":
		readNil(nil)
	case "panic":
		panicNow(42)
	case "panic with an error":
		panicWithError(42)
	case "index":
		indexOut(make([]int, 3), len(os.Args)+5)
	case "panic again":
		guarded(func() { readNil(nil) })
	case "map":
		writeTogether()
	case "C fault":
		fault()
	case "C abort":
		abort()
	case "C throw":
		throw()
	case "C thread":
		C.native_thread()
	case "C thread abort":
		C.native_thread_abort()
	}
	fmt.Println("unknown kind", kind)
}
