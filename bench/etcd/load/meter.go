package main

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// meter records when operations were acknowledged. Each client writes to its own lane; the lanes are merged at the end.
type meter struct {
	p        *plan
	began    time.Time
	from, to time.Time
	made     atomic.Int64
	mu       sync.Mutex
	lanes    []*lane
	cpuFrom  float64
	cpuTo    float64
	stop     chan struct{} // closed when the load has ended
	ended    chan struct{} // closed when the last sample is taken
}

func newMeter(p *plan) *meter {
	now := time.Now()
	m := &meter{p: p, began: now, from: now.Add(p.warm), to: now.Add(p.warm + p.run),
		stop: make(chan struct{}), ended: make(chan struct{})}
	return m
}

// start is called when every client is ready. The time runs from here.
func (m *meter) start() {
	now := time.Now()
	m.began, m.from, m.to = now, now.Add(m.p.warm), now.Add(m.p.warm+m.p.run)
	go func() {
		time.Sleep(time.Until(m.from))
		m.cpuFrom = cpuSeconds()
		print(map[string]any{"type": "begin"})
		select {
		case <-time.After(time.Until(m.to)):
		case <-m.stop:
		}
		m.cpuTo = cpuSeconds()
		print(map[string]any{"type": "end"})
		close(m.ended)
	}()
}

func (m *meter) over() bool {
	return time.Now().After(m.to) || (m.p.limit > 0 && m.made.Load() >= m.p.limit)
}

type lane struct {
	m           *meter
	puts, reads []uint32 // latencies, µs
	acks        []int64  // of puts, unix µs; only if asked for
	errors      int
	random      *rand.Rand
}

func (m *meter) lane() *lane {
	m.mu.Lock()
	defer m.mu.Unlock()
	seed := uint64(len(m.lanes) + 1)
	l := &lane{m: m, random: rand.New(rand.NewPCG(seed, seed))}
	m.lanes = append(m.lanes, l)
	return l
}

func (l *lane) nextIsRead() bool { return l.m.p.reads > 0 && l.random.Float64() < l.m.p.reads }

// key appends the next key: 9 bytes, like `key-01234`.
func (l *lane) key(to []byte) []byte {
	to = append(to, "key-"...)
	digits := strconv.Itoa(100_000 + l.random.IntN(l.m.p.keys))
	return append(to, digits[1:]...)
}

func (l *lane) value() []byte { return l.m.p.values[l.random.IntN(len(l.m.p.values))] }

func (l *lane) ok(read bool, called, now time.Time) {
	if !read {
		l.m.made.Add(1)
	}
	if now.Before(l.m.from) || now.After(l.m.to) {
		return
	}
	latency := uint32(min(now.Sub(called).Microseconds(), 1<<32-1))
	if read {
		l.reads = append(l.reads, latency)
		return
	}
	l.puts = append(l.puts, latency)
	if l.m.p.acks {
		l.acks = append(l.acks, now.UnixMicro())
	}
}

func (m *meter) finish() {
	close(m.stop)
	<-m.ended
	var puts, reads []uint32
	var acks []int64
	errors := 0
	for _, l := range m.lanes {
		puts, reads, acks, errors = append(puts, l.puts...), append(reads, l.reads...), append(acks, l.acks...), errors+l.errors
	}
	slices.Sort(acks)
	seconds := min(time.Since(m.from), m.p.run).Seconds()
	print(map[string]any{"type": "result", "seconds": seconds, "puts": summary(puts), "reads": summary(reads),
		"errors": errors, "made": m.made.Load(), "cpuS": m.cpuTo - m.cpuFrom, "acksUs": acks})
}

func summary(latencies []uint32) map[string]any {
	if len(latencies) == 0 {
		return map[string]any{"count": 0}
	}
	slices.Sort(latencies)
	at := func(q float64) float64 { return float64(latencies[int(q*float64(len(latencies)-1))]) / 1e3 }
	return map[string]any{"count": len(latencies), "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1)}
}
