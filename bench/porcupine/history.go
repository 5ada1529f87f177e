package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// value is a value of the register; nil: never written.
type value = *string

// recorded is one operation as it was recorded, independent of the model.
type recorded struct {
	key     string
	f       string
	outcome string
	call    int64
	ret     int64
	// to is the value that was written or appended, or that a cas sets.
	to value
	// from is the value that a cas expects.
	from value
	// output is the value that a read returned, or that a failed cas found.
	output    value
	hasOutput bool
	// mismatch is true for a failed cas that reports that the value was another one.
	mismatch bool
}

// never is later than all times. An operation with unknown outcome ends then.
const never = math.MaxInt64

// line is a line of history.jsonl (harness/history/op.ts).
type line struct {
	ID    int             `json:"id"`
	Type  string          `json:"type"`
	F     string          `json:"f"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
	Time  int64           `json:"time"`
	Found json.RawMessage `json:"found"`
	Error string          `json:"error"`
}

func readHistory(path string) ([]recorded, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 1<<16), maxLine)
	var ops []recorded
	index := map[int]int{}
	for number := 1; scanner.Scan(); number++ {
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if l.Type == "invoke" {
			op := recorded{key: l.Key, f: l.F, outcome: "info", call: l.Time, ret: never}
			if err := op.invoked(l.Value); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, number, err)
			}
			index[l.ID] = len(ops)
			ops = append(ops, op)
			continue
		}
		at, there := index[l.ID]
		if !there {
			return nil, fmt.Errorf("%s:%d: operation %d was not invoked", path, number, l.ID)
		}
		if err := ops[at].completed(l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	return ops, scanner.Err()
}

func (op *recorded) invoked(input json.RawMessage) error {
	if op.f == "cas" {
		var pair [2]value
		err := json.Unmarshal(input, &pair)
		op.from, op.to = pair[0], pair[1]
		return err
	}
	return json.Unmarshal(input, &op.to)
}

func (op *recorded) completed(l line) error {
	op.outcome = l.Type
	if l.Type != "info" {
		op.ret = l.Time
	}
	switch {
	case op.f == "read" && l.Type == "ok":
		op.hasOutput = true
		return json.Unmarshal(l.Value, &op.output)
	case op.f == "cas" && l.Type == "fail":
		op.mismatch = l.Error == "cas-mismatch"
		if l.Found != nil {
			op.hasOutput = true
			return json.Unmarshal(l.Found, &op.output)
		}
	}
	return nil
}

// parseLine reads a history of a stream (bench/porcupine/driver.ts). Operations are separated by blanks, and each is
// key,f,outcome,call,return,to,from,output. A value is ~ (never written), ! (none), or = followed by its text. A return
// of ~ is never. The f of a failed cas that reports a mismatch is followed by "mismatch".
func parseLine(text string) ([]recorded, error) {
	var ops []recorded
	for _, word := range strings.Fields(text) {
		fields := strings.Split(word, ",")
		if len(fields) != 8 {
			return nil, fmt.Errorf("%q has %d fields, not 8", word, len(fields))
		}
		op := recorded{key: fields[0], outcome: fields[2], ret: never}
		op.f, op.mismatch = strings.CutSuffix(fields[1], "mismatch")
		var err error
		if op.call, err = strconv.ParseInt(fields[3], 10, 64); err != nil {
			return nil, err
		}
		if fields[4] != "~" {
			if op.ret, err = strconv.ParseInt(fields[4], 10, 64); err != nil {
				return nil, err
			}
		}
		op.to, _ = valueOf(fields[5])
		op.from, _ = valueOf(fields[6])
		op.output, op.hasOutput = valueOf(fields[7])
		ops = append(ops, op)
	}
	return ops, nil
}

func valueOf(field string) (value, bool) {
	if text, is := strings.CutPrefix(field, "="); is {
		return &text, true
	}
	return nil, field == "~"
}
