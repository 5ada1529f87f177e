package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// input is an operation on the register. Values are numbers, so that Porcupine compares states as fast as possible.
type action byte

const (
	read action = iota
	// A failed cas that does not report the value it found.
	differs
	write
	cas
	appends
	// A cas with unknown outcome. It takes effect if it can; otherwise it comes last and has no effect.
	maybeCas
	// A cas that failed although it found the value it expected.
	refused
)

type input struct {
	action action
	key    string
	from   int
	to     int
	// The values of the key, in which appends look up the number of their result.
	values *values
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		number := map[string]int{}
		var parts [][]porcupine.Operation
		for _, op := range history {
			key := op.Input.(input).key
			at, there := number[key]
			if !there {
				at = len(parts)
				number[key] = at
				parts = append(parts, nil)
			}
			parts[at] = append(parts[at], op)
		}
		return parts
	},
	Init: func() interface{} { return neverWritten },
	Step: func(state, in, _ interface{}) (bool, interface{}) {
		op := in.(input)
		now := state.(int)
		switch op.action {
		case read:
			return now == op.from, state
		case differs:
			return now != op.from, state
		case write:
			return true, op.to
		case cas:
			return now == op.from, op.to
		case maybeCas:
			if now == op.from {
				return true, op.to
			}
			return true, state
		case appends:
			return true, op.values.appended(now, op.to)
		}
		return false, state
	},
}

// operationsOf leaves out operations without information: reads without an answer, and failures without an effect. An
// operation with unknown outcome never ends, so it may also come last, where no read sees it.
func operationsOf(history []recorded) ([]porcupine.Operation, error) {
	ofKey := map[string]*values{}
	operations := make([]porcupine.Operation, 0, len(history))
	for i, op := range history {
		v := ofKey[op.key]
		if v == nil {
			v = newValues()
			ofKey[op.key] = v
		}
		in := input{key: op.key, values: v}
		says, err := in.ask(op)
		if err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
		if says {
			// One client per operation, because clients only matter for drawings of a history.
			operations = append(operations, porcupine.Operation{ClientId: i, Input: in, Call: op.call, Return: op.ret})
		}
	}
	return operations, nil
}

func (in *input) ask(op recorded) (bool, error) {
	in.from, in.to = in.values.number(op.from), in.values.number(op.to)
	if op.outcome == "fail" {
		switch {
		case op.f == "cas" && op.hasOutput:
			in.action = read
			if in.values.number(op.output) == in.from {
				in.action = refused
			}
			in.from = in.values.number(op.output)
			return true, nil
		case op.f == "cas" && op.mismatch:
			in.action = differs
			return true, nil
		}
		return false, nil
	}
	switch op.f {
	case "read":
		if op.outcome == "info" {
			return false, nil
		}
		if !op.hasOutput {
			return false, fmt.Errorf("a successful read has no output")
		}
		in.action, in.from = read, in.values.number(op.output)
	case "write", "delete":
		in.action = write
	case "append":
		in.action = appends
	case "cas":
		in.action = cas
		if op.outcome == "info" {
			in.action = maybeCas
		}
	default:
		return false, fmt.Errorf("%q is not an operation of a register", op.f)
	}
	return true, nil
}
