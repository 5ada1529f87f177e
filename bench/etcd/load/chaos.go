package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The Raft nodes of this project.
type chaos struct{}

func (c *chaos) leader(p *plan) (string, error) {
	for _, m := range p.members {
		w, err := dialChaos(m.address)
		if err != nil {
			continue
		}
		w.conn.SetDeadline(time.Now().Add(time.Second))
		answer, err := w.ask(&request{op: opRead, key: []byte("~hello")})
		w.conn.Close()
		if err == nil && answer.kind == kindValue {
			return m.id, nil
		}
	}
	return "", fmt.Errorf("no leader among %v", p.members)
}

func (c *chaos) read(address string) error {
	_, err := once(address, &request{op: opRead, key: []byte("~hello")})
	return err
}

func (c *chaos) applied(address string) (uint64, error) {
	var status struct{ Applied uint64 }
	answer, err := once(address, &request{op: opStatus})
	if err == nil {
		err = json.Unmarshal([]byte(answer.message), &status)
	}
	return status.Applied, err
}

func (c *chaos) transfer(p *plan) error {
	leader, err := c.leader(p)
	if err != nil {
		return err
	}
	_, err = once(p.members[memberNamed(p, leader)].address, &request{op: opTransfer})
	return err
}

// once makes one request on a new connection.
func once(address string, r *request) (response, error) {
	w, err := dialChaos(address)
	if err != nil {
		return response{}, err
	}
	defer w.conn.Close()
	w.conn.SetDeadline(time.Now().Add(etcdDeadline))
	answer, err := w.ask(r)
	if err == nil && answer.kind != kindValue && answer.kind != kindDone && answer.kind != kindStatus {
		err = errors.New(answer.message)
	}
	return answer, err
}

// client is a closed-loop client: a session, and the operation whose answer it waits for.
type client struct {
	lane   *lane
	now    request
	called time.Time
}

func (c *client) next(now time.Time) {
	c.called = now
	c.now.key = c.lane.key(c.now.key[:0])
	if c.lane.nextIsRead() {
		c.now.op = opRead
		return
	}
	c.now.op = opWrite
	c.now.seq++
	c.now.value = c.lane.value()
}

// group is the clients of one connection, driven by one goroutine. An answer is followed by the next request of its
// client. The requests that follow one read from the connection are sent in one write.
type group struct {
	p       *plan
	m       *meter
	clients []client
	target  int // index in p.members
}

func (c *chaos) load(p *plan, m *meter) error {
	leader, err := c.leader(p)
	if err != nil {
		return err
	}
	groups := make([]*group, p.connections)
	for i := range groups {
		groups[i] = &group{p: p, m: m, target: memberNamed(p, leader)}
	}
	for i := range p.clients {
		g := groups[i%p.connections]
		g.clients = append(g.clients, client{lane: m.lane(), now: request{op: opOpenSession}})
	}
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	failures := make(chan error, len(groups))
	for _, g := range groups {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			failures <- g.run(ready.Done, begin)
		}()
	}
	ready.Wait()
	m.start()
	close(begin)
	done.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return err
}

func (g *group) run(ready func(), begin chan struct{}) error {
	w, err := dialChaos(g.p.members[g.target].address)
	if err == nil {
		err = g.openSessions(w)
	}
	ready()
	if err != nil {
		return err
	}
	<-begin
	now := time.Now()
	for i := range g.clients {
		g.clients[i].next(now)
	}
	for {
		over, err := g.serve(w)
		w.conn.Close()
		if over {
			return nil
		}
		// The leader has changed or a node has died, so the same operations are sent again to another node.
		if err != nil {
			g.target = (g.target + 1) % len(g.p.members)
		}
		for w = nil; w == nil && !g.m.over(); {
			if w, err = dialChaos(g.p.members[g.target].address); err != nil {
				g.target = (g.target + 1) % len(g.p.members)
				time.Sleep(time.Millisecond)
			}
		}
		if w == nil {
			return nil
		}
	}
}

func (g *group) openSessions(w *wire) (err error) {
	for i := range g.clients {
		w.out = appendRequest(w.out, uint64(i), &g.clients[i].now)
	}
	if err := w.flush(); err != nil {
		return err
	}
	var refused error
	for left := len(g.clients); left > 0; {
		err := w.receive(func(r response) {
			left--
			g.clients[r.id].now.session = r.session
			if r.kind != kindSession {
				refused = errors.New(r.message)
			}
		})
		if err != nil {
			return err
		}
	}
	return refused
}

var errMoved = errors.New("not the leader")

// serve sends every client's operations until the time is over or the connection is broken.
func (g *group) serve(w *wire) (over bool, err error) {
	for i := range g.clients {
		w.out = appendRequest(w.out, uint64(i), &g.clients[i].now)
	}
	underWay := len(g.clients)
	for underWay > 0 {
		if err := w.flush(); err != nil {
			return false, err
		}
		var now time.Time
		var ended bool
		var moved error
		err := w.receive(func(r response) {
			if now.IsZero() {
				now, ended = time.Now(), g.m.over()
			}
			c := &g.clients[r.id]
			switch r.kind {
			case kindDone, kindValue:
				c.lane.ok(r.kind == kindValue, c.called, now)
				c.next(now)
			default:
				c.lane.errors++
				if r.code == codeNotLeader {
					moved = errMoved
					if r.leader != "" {
						g.target, moved = memberNamed(g.p, r.leader), nil
						underWay = -len(g.clients)
					}
				}
			}
			if ended {
				underWay--
			} else {
				w.out = appendRequest(w.out, r.id, &c.now)
			}
		})
		if err == nil {
			err = moved
		}
		if err != nil {
			if errors.Is(err, errMoved) {
				time.Sleep(time.Millisecond)
			}
			return g.m.over(), err
		}
		if underWay < 0 {
			return false, nil
		}
	}
	return true, nil
}

func (c *chaos) probe(p *plan, m *meter, every time.Duration) error {
	idle := make([]chan *prober, len(p.members))
	leader, err := c.leader(p)
	if err != nil {
		return err
	}
	w, err := dialChaos(p.members[memberNamed(p, leader)].address)
	if err != nil {
		return err
	}
	for at := range p.members {
		idle[at] = make(chan *prober, probesInFlight)
		for range probersPerMember {
			answer, err := w.ask(&request{op: opOpenSession})
			if err != nil || answer.kind != kindSession {
				return fmt.Errorf("no session: %s %w", answer.message, err)
			}
			idle[at] <- &prober{address: p.members[at].address, session: answer.session}
		}
	}
	w.conn.Close()
	return probeAll(p, m, every, func(at int, key, value []byte) error {
		pr := <-idle[at]
		defer func() { idle[at] <- pr }()
		return pr.put(key, value)
	})
}

// probersPerMember is the number of probers per member. Each has its own connection, so that a missing answer delays no
// other.
const probersPerMember = 64

type prober struct {
	address      string
	session, seq uint64
	wire         *wire
}

func (p *prober) put(key, value []byte) (err error) {
	if p.wire == nil {
		if p.wire, err = dialChaos(p.address); err != nil {
			p.wire = nil
			return err
		}
	}
	p.seq++
	p.wire.conn.SetDeadline(time.Now().Add(etcdDeadline))
	answer, err := p.wire.ask(&request{op: opWrite, session: p.session, seq: p.seq, key: key, value: value})
	if err != nil {
		p.wire.conn.Close()
		p.wire = nil
	} else if answer.kind != kindDone {
		err = errors.New(answer.message)
	}
	return err
}
