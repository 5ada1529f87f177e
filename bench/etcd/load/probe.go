package main

import (
	"sync"
	"time"

	"google.golang.org/grpc/backoff"
)

// A prober dials again at once: what is measured is the cluster's failover, not a client's patience.
var quickBackoff = backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 1.2, Jitter: 0.2, MaxDelay: 50 * time.Millisecond}

// Puts under way at one member; a dead one must not gather more.
const probesUnderWay = 400

// probeAll begins a put at every member every interval, whether or not the ones before were answered.
func probeAll(p *plan, m *meter, every time.Duration, put func(at int, key, value []byte) error) error {
	m.start()
	var wg sync.WaitGroup
	for at := range p.members {
		l := m.lane()
		var mu sync.Mutex
		room := make(chan struct{}, probesUnderWay)
		wg.Add(1)
		go func() {
			defer wg.Done()
			ticker := time.NewTicker(every)
			defer ticker.Stop()
			for !m.over() {
				<-ticker.C
				select {
				case room <- struct{}{}:
				default:
					continue
				}
				mu.Lock()
				key, value := l.key(nil), l.value()
				mu.Unlock()
				go func() {
					defer func() { <-room }()
					called := time.Now()
					err := put(at, key, value)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						l.ok(false, called, time.Now())
					} else {
						l.errors++
					}
				}()
			}
		}()
	}
	wg.Wait()
	return nil
}
