package main

import (
	"sync"
	"time"

	"google.golang.org/grpc/backoff"
)

// quickBackoff makes a prober reconnect at once, because the cluster's failover is measured and not a client's back-off.
var quickBackoff = backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 1.2, Jitter: 0.2, MaxDelay: 50 * time.Millisecond}

// probesInFlight is the maximum number of puts in flight at one member, so that a dead member does not collect more.
const probesInFlight = 400

// probeAll sends a put to every member per interval, even if earlier ones are not answered yet.
func probeAll(p *plan, m *meter, every time.Duration, put func(at int, key, value []byte) error) error {
	m.start()
	var wg sync.WaitGroup
	for at := range p.members {
		l := m.lane()
		var mu sync.Mutex
		room := make(chan struct{}, probesInFlight)
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
