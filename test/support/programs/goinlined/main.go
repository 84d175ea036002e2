// Says what DWARF has of program counters: reads a file's path from its arguments and addresses from its standard input, a line of hex each, and
// prints a line for each: the functions there, the innermost first, and behind each that is inlined the line of the call.
package main

import (
	"bufio"
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"os"
	"strconv"
	"strings"
)

type scope struct {
	low, high uint64
	name      string
	call      string
}

func check[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	data := check(check(elf.Open(os.Args[1])).DWARF())
	scopes := scopesOf(data)
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		pc := check(strconv.ParseUint(lines.Text(), 16, 64))
		fmt.Fprintln(out, strings.Join(at(scopes, pc), " < "))
	}
}

// An inner scope stands behind those around it.
func at(scopes []scope, pc uint64) []string {
	var found []string
	for _, s := range scopes {
		if s.low <= pc && pc < s.high {
			found = append([]string{s.name + s.call}, found...)
		}
	}
	return found
}

func scopesOf(data *dwarf.Data) []scope {
	var scopes []scope
	var files []*dwarf.LineFile
	reader := data.Reader()
	for {
		entry := check(reader.Next())
		if entry == nil {
			return scopes
		}
		switch entry.Tag {
		case dwarf.TagCompileUnit:
			files = nil
			if lines, err := data.LineReader(entry); err == nil && lines != nil {
				files = lines.Files()
			}
		case dwarf.TagSubprogram, dwarf.TagInlinedSubroutine:
			call := ""
			if file, ok := entry.Val(dwarf.AttrCallFile).(int64); ok && int(file) < len(files) && files[file] != nil {
				call = fmt.Sprintf(" %s:%d", files[file].Name, entry.Val(dwarf.AttrCallLine))
			}
			for _, r := range check(data.Ranges(entry)) {
				scopes = append(scopes, scope{r[0], r[1], nameOf(data, entry), call})
			}
		}
	}
}

func nameOf(data *dwarf.Data, entry *dwarf.Entry) string {
	if origin, ok := entry.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset); ok {
		reader := data.Reader()
		reader.Seek(origin)
		entry = check(reader.Next())
	}
	name, _ := entry.Val(dwarf.AttrName).(string)
	return name
}
