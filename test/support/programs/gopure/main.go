// gopure KIND: one real crash of each kind that Go without C has, in a function named after it; for other machines too.
package main

import (
	"os"
	"runtime/debug"
)

type segment struct{ rows [8]int64 }

//go:noinline
func readNil(one *segment) int64 { return one.rows[2] + 1 }

//go:noinline
func panicNow() { panic("segment 42 is not loaded") }

//go:noinline
func recurse(depth int) int {
	var rows [64]int
	rows[depth%64] = depth
	return recurse(depth+1) + rows[0]
}

func main() {
	switch os.Args[1] {
	case "nil":
		println(readNil(nil))
	case "panic":
		panicNow()
	case "overflow":
		debug.SetMaxStack(1 << 20)
		println(recurse(0))
	}
}
