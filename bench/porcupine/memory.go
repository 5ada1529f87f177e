package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// Time between two checks of the memory while a search runs.
const lookEvery = 20 * time.Millisecond

// forgetPeak resets the peak of the resident memory to its current value. Linux only.
func forgetPeak() error {
	debug.FreeOSMemory()
	return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// peakMiB is the peak of the resident memory since forgetPeak.
func peakMiB() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM")
}

// above is closed once resident memory has been above the limit.
func above(mostMiB int) <-chan struct{} {
	reached := make(chan struct{})
	go func() {
		for {
			time.Sleep(lookEvery)
			if mib, err := peakMiB(); err == nil && mib > mostMiB {
				close(reached)
				return
			}
		}
	}()
	return reached
}
