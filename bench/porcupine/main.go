// porcupine checks histories with github.com/anishathalye/porcupine, as the reference for measuring and testing our
// checker:
//
//	porcupine file [-seconds 60] [-mib 8192] history.jsonl   one history; prints a line of JSON
//	porcupine stream                                         one history per line on stdin; prints y or n for each, at
//	                                                         the latest after the next line "flush"
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/anishathalye/porcupine"
)

// Maximum length of a history of a stream, in bytes.
const maxLine = 1 << 26

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "porcupine:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("the first argument must be file or stream")
	}
	switch args[0] {
	case "stream":
		return judgeStream()
	case "file":
		flags := flag.NewFlagSet("file", flag.ContinueOnError)
		seconds := flags.Float64("seconds", 60, "give up after this long")
		mib := flags.Int("mib", 8192, "give up above this much resident memory")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return judgeFile(flags.Arg(0), time.Duration(*seconds*float64(time.Second)), *mib)
	}
	return fmt.Errorf("%q: the first argument must be file or stream", args[0])
}

func judgeStream() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<16), maxLine)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		if in.Text() == "flush" {
			if err := out.Flush(); err != nil {
				return err
			}
			continue
		}
		recorded, err := parseLine(in.Text())
		if err != nil {
			return err
		}
		operations, err := operationsOf(recorded)
		if err != nil {
			return err
		}
		verdict := byte('n')
		if porcupine.CheckOperations(model, operations) {
			verdict = 'y'
		}
		if err := out.WriteByte(verdict); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	return out.Flush()
}

// judged is the output that bench/checker/judged.ts describes.
type judged struct {
	Verdict string  `json:"verdict"`
	Reason  string  `json:"reason,omitempty"`
	Ms      float64 `json:"ms"`
	CPUMs   float64 `json:"cpuMs"`
	ParseMs float64 `json:"parseMs"`
	PeakMiB int     `json:"peakMiB"`
}

func judgeFile(path string, limit time.Duration, mostMiB int) error {
	start := time.Now()
	recorded, err := readHistory(path)
	if err != nil {
		return err
	}
	operations, err := operationsOf(recorded)
	if err != nil {
		return err
	}
	recorded = nil
	parseMs := milliseconds(time.Since(start))
	if err := forgetPeak(); err != nil {
		return err
	}
	cpuBefore, err := cpuMs()
	if err != nil {
		return err
	}
	began := time.Now()
	done := make(chan porcupine.CheckResult, 1)
	go func() { done <- porcupine.CheckOperationsTimeout(model, operations, limit) }()
	result := judged{Verdict: "unknown", ParseMs: parseMs}
	select {
	case verdict := <-done:
		switch verdict {
		case porcupine.Ok:
			result.Verdict = "linearizable"
		case porcupine.Illegal:
			result.Verdict = "violation"
		case porcupine.Unknown:
			result.Reason = "time"
		}
	case <-above(mostMiB):
		result.Reason = "memory"
	// The search checks its time-out rarely if a single step is slow.
	case <-time.After(limit + time.Second):
		result.Reason = "time"
	}
	result.Ms = milliseconds(time.Since(began))
	cpuAfter, err := cpuMs()
	if err != nil {
		return err
	}
	result.CPUMs = cpuAfter - cpuBefore
	if result.PeakMiB, err = peakMiB(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// cpuMs is the CPU time of all threads of this process.
func cpuMs() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return milliseconds(time.Duration(usage.Utime.Nano() + usage.Stime.Nano())), nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
