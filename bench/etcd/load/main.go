// The load generator of `npm run bench:raft`. It runs the same closed-loop clients for both sides, over the same number
// of connections. It uses etcd's own gRPC stubs (without the retries of clientv3, which cost time), and the frames of
// docs/protocol.md for a chaos node. It prints JSON lines, which bench/raft/generator.ts reads.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"
)

type member struct{ id, address string }

type plan struct {
	members     []member
	clients     int
	connections int
	warm, run   time.Duration
	keys        int
	values      [][]byte
	reads       float64
	// limit is the total number of puts; 0: as many as the time allows.
	limit int64
	acks  bool
}

// target is a side of the comparison. `load` returns when `over` says so. Each client has one operation in flight.
type target interface {
	leader(p *plan) (string, error)
	load(p *plan, m *meter) error
	// probe sends one put to each member per interval, and records when each was acknowledged.
	probe(p *plan, m *meter, every time.Duration) error
	// read makes one linearizable read at one member.
	read(address string) error
	// applied returns the index of the last log entry that the member reports as applied.
	applied(address string) (uint64, error)
	// transfer asks the leader to transfer its leadership, and waits until it has done so.
	transfer(p *plan) error
}

func main() {
	mode := flag.String("mode", "load", "leader, read, transfer, caught-up, load or probe")
	side := flag.String("target", "chaos", "chaos or etcd")
	members := flag.String("members", "", "ID=HOST:PORT,...: client addresses")
	clients := flag.Int("clients", 1, "closed-loop clients")
	connections := flag.Int("connections", 1, "connections that the clients share")
	warm := flag.Duration("warm", time.Second, "time of the load before measuring")
	run := flag.Duration("run", 5*time.Second, "measured time")
	keys := flag.Int("keys", 10_000, "number of keys")
	valueBytes := flag.Int("value", 256, "bytes of a value")
	reads := flag.Float64("reads", 0, "share of linearizable reads")
	acks := flag.Bool("acks", false, "print when each put was acknowledged")
	limit := flag.Int64("limit", 0, "total number of puts; 0: until the time is over")
	behind := flag.String("behind", "", "for caught-up: the ID of the member to wait for")
	every := flag.Duration("every", 5*time.Millisecond, "time between probes")
	flag.Parse()

	p := &plan{clients: *clients, connections: min(*connections, *clients), warm: *warm, run: *run, keys: *keys,
		values: randomValues(*valueBytes), reads: *reads, limit: *limit, acks: *acks}
	for _, each := range strings.Split(*members, ",") {
		id, address, _ := strings.Cut(each, "=")
		p.members = append(p.members, member{id, address})
	}
	var t target = &chaos{}
	if *side == "etcd" {
		t = &etcd{}
	}
	if *mode == "leader" {
		id, err := t.leader(p)
		check(err)
		print(map[string]any{"type": "leader", "id": id})
		return
	}
	if *mode == "read" {
		firstRead(t, p)
		print(map[string]any{"type": "read"})
		return
	}
	if *mode == "transfer" {
		print(map[string]any{"type": "transferring"})
		check(t.transfer(p))
		print(map[string]any{"type": "transferred"})
		return
	}
	if *mode == "caught-up" {
		check(awaitApplied(t, p, *behind))
		print(map[string]any{"type": "caught-up"})
		return
	}
	m := newMeter(p)
	var err error
	if *mode == "probe" {
		err = t.probe(p, m, *every)
	} else {
		err = t.load(p, m)
	}
	check(err)
	m.finish()
}

// firstRead sends linearizable reads to all members repeatedly, and returns after the first answer.
func firstRead(t target, p *plan) {
	answered := make(chan struct{}, len(p.members))
	for _, each := range p.members {
		go func() {
			for t.read(each.address) != nil {
				time.Sleep(2 * time.Millisecond)
			}
			answered <- struct{}{}
		}()
	}
	<-answered
}

const caughtUpWithin = time.Minute

// awaitApplied prints "begin", and returns when the member has applied what the leader had applied at that time.
func awaitApplied(t target, p *plan, behind string) error {
	leader, err := t.leader(p)
	if err != nil {
		return err
	}
	last, err := t.applied(p.members[memberNamed(p, leader)].address)
	if err != nil {
		return err
	}
	print(map[string]any{"type": "begin"})
	address, until := p.members[memberNamed(p, behind)].address, time.Now().Add(caughtUpWithin)
	for {
		reached, err := t.applied(address)
		if err == nil && reached >= last {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("%s has applied %d of %d after %v; its last answer: %v", behind, reached, last, caughtUpWithin, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func memberNamed(p *plan, id string) int {
	for i, m := range p.members {
		if m.id == id {
			return i
		}
	}
	return 0
}

func randomValues(bytes int) [][]byte {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	values := make([][]byte, 64)
	for i := range values {
		values[i] = make([]byte, bytes)
		for j := range values[i] {
			values[i][j] = letters[rand.IntN(len(letters))]
		}
	}
	return values
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func print(line map[string]any) {
	line["atMs"] = float64(time.Now().UnixMicro()) / 1e3
	check(json.NewEncoder(os.Stdout).Encode(line))
}

func check(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}
