package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// etcdDeadline is longer than etcd's own time-out for a request, so that etcd's answer arrives first.
const etcdDeadline = 10 * time.Second

type etcd struct{}

func dialEtcd(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func (e *etcd) leader(p *plan) (string, error) {
	for _, m := range p.members {
		c, err := dialEtcd(m.address)
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		status, err := pb.NewMaintenanceClient(c).Status(ctx, &pb.StatusRequest{})
		cancel()
		c.Close()
		if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
			return m.id, nil
		}
	}
	return "", fmt.Errorf("no leader among %v", p.members)
}

func (e *etcd) read(address string) error {
	c, err := dialEtcd(address)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), etcdDeadline)
	defer cancel()
	_, err = pb.NewKVClient(c).Range(ctx, &pb.RangeRequest{Key: []byte("~hello")})
	return err
}

func (e *etcd) applied(address string) (uint64, error) {
	c, err := dialEtcd(address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), etcdDeadline)
	defer cancel()
	status, err := pb.NewMaintenanceClient(c).Status(ctx, &pb.StatusRequest{})
	return status.GetRaftAppliedIndex(), err
}

func (e *etcd) transfer(p *plan) error {
	for i, m := range p.members {
		c, err := dialEtcd(m.address)
		if err != nil {
			return err
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), etcdDeadline)
		defer cancel()
		maintenance := pb.NewMaintenanceClient(c)
		status, err := maintenance.Status(ctx, &pb.StatusRequest{})
		if err != nil || status.Leader != status.Header.MemberId {
			continue
		}
		next, err := dialEtcd(p.members[(i+1)%len(p.members)].address)
		if err != nil {
			return err
		}
		defer next.Close()
		to, err := pb.NewMaintenanceClient(next).Status(ctx, &pb.StatusRequest{})
		if err != nil {
			return err
		}
		_, err = maintenance.MoveLeader(ctx, &pb.MoveLeaderRequest{TargetID: to.Header.MemberId})
		return err
	}
	return fmt.Errorf("no leader among %v", p.members)
}

// Every client uses the leader at first, so that no put is forwarded, and the next member after an error.
func (e *etcd) load(p *plan, m *meter) error {
	leader, err := e.leader(p)
	if err != nil {
		return err
	}
	first := 0
	for i, each := range p.members {
		if each.id == leader {
			first = i
		}
	}
	// pool[connection][member]
	pool := make([][]pb.KVClient, p.connections)
	for i := range pool {
		for _, each := range p.members {
			c, err := dialEtcd(each.address)
			if err != nil {
				return err
			}
			defer c.Close()
			pool[i] = append(pool[i], pb.NewKVClient(c))
		}
		ctx, cancel := context.WithTimeout(context.Background(), etcdDeadline)
		_, err := pool[i][first].Range(ctx, &pb.RangeRequest{Key: []byte("~hello")})
		cancel()
		if err != nil {
			return err
		}
	}
	m.start()
	var wg sync.WaitGroup
	for i := range p.clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			e.client(pool[i%p.connections], first, m.lane())
		}()
	}
	wg.Wait()
	return nil
}

func (e *etcd) client(members []pb.KVClient, at int, l *lane) {
	for !l.m.over() {
		read := l.nextIsRead()
		key := l.key(nil)
		called := time.Now()
		var err error
		if read {
			_, err = members[at].Range(context.Background(), &pb.RangeRequest{Key: key})
		} else {
			_, err = members[at].Put(context.Background(), &pb.PutRequest{Key: key, Value: l.value()})
		}
		if err != nil {
			l.errors++
			at = (at + 1) % len(members)
			time.Sleep(time.Millisecond)
			continue
		}
		l.ok(read, called, time.Now())
	}
}

func (e *etcd) probe(p *plan, m *meter, every time.Duration) error {
	var clients []pb.KVClient
	for _, each := range p.members {
		c, err := grpc.NewClient(each.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: quickBackoff, MinConnectTimeout: time.Second}))
		if err != nil {
			return err
		}
		defer c.Close()
		clients = append(clients, pb.NewKVClient(c))
	}
	return probeAll(p, m, every, func(at int, key, value []byte) error {
		ctx, cancel := context.WithTimeout(context.Background(), etcdDeadline)
		defer cancel()
		_, err := clients[at].Put(ctx, &pb.PutRequest{Key: key, Value: value})
		return err
	})
}
