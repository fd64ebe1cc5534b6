package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var balancers = map[string]kgo.GroupBalancer{
	"range":       kgo.RangeBalancer(),
	"roundrobin":  kgo.RoundRobinBalancer(),
	"sticky":      kgo.StickyBalancer(),
	"cooperative": kgo.CooperativeStickyBalancer(),
}

// A member of a group: reads numbers, says which, and commits behind them.
type member struct {
	name     string
	client   *kgo.Client
	stop     context.CancelFunc
	done     chan struct{}
	lock     sync.Mutex
	assigned map[int32]bool
}

func memberCalls() map[string]call {
	var members sync.Map
	return map[string]call{
		"join": func(a asked) (any, error) {
			made, err := join(a)
			members.Store(a.Member, made)
			return nil, err
		},
		"leave": func(a asked) (any, error) {
			leaving, found := members.LoadAndDelete(a.Member)
			if !found {
				return nil, fmt.Errorf("no member %s", a.Member)
			}
			m := leaving.(*member)
			m.stop()
			<-m.done
			m.client.CloseAllowingRebalance()
			return nil, nil
		},
	}
}

func join(a asked) (*member, error) {
	m := &member{name: a.Member, done: make(chan struct{}), assigned: map[int32]bool{}}
	change := func(has bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) { m.change(changed[a.Topic], has) }
	}
	opts := []kgo.Opt{kgo.ClientID(a.Member), kgo.ConsumerGroup(a.Group), kgo.ConsumeTopics(a.Topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.Balancers(balancers[a.Assignor]), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(time.Duration(a.SessionMS) * time.Millisecond), kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false))}
	if a.Instance != "" {
		opts = append(opts, kgo.InstanceID(a.Instance))
	}
	made, err := client(opts...)
	if err != nil {
		return nil, err
	}
	m.client = made
	var running context.Context
	running, m.stop = context.WithCancel(context.Background())
	go m.run(running)
	return m, nil
}

func (m *member) change(partitions []int32, has bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, p := range partitions {
		if has {
			m.assigned[p] = true
		} else {
			delete(m.assigned, p)
		}
	}
	now := []int{}
	for p := range m.assigned {
		now = append(now, int(p))
	}
	sort.Ints(now)
	say(map[string]any{"event": "assigned", "member": m.name, "partitions": now})
}

func (m *member) run(running context.Context) {
	defer close(m.done)
	for {
		fetches := m.client.PollFetches(running)
		if running.Err() != nil {
			return
		}
		read := [][2]int64{}
		fetches.EachRecord(func(r *kgo.Record) {
			number, _ := strconv.ParseInt(string(r.Value), 10, 64)
			read = append(read, [2]int64{int64(r.Partition), number})
		})
		// What else goes wrong, such as a broken connection, the client tries again.
		if err := fetches.Err(); errors.Is(err, kerr.GroupAuthorizationFailed) {
			m.failed(err)
		}
		if len(read) > 0 {
			say(map[string]any{"event": "read", "member": m.name, "records": read})
			// A rebalance or a restart may come first: who has the partition next reads from the last commit.
			if err := m.client.CommitUncommittedOffsets(context.Background()); errors.Is(err, kerr.GroupAuthorizationFailed) {
				m.failed(err)
			}
		}
		m.client.AllowRebalance()
	}
}

func (m *member) failed(err error) {
	say(map[string]any{"event": "failed", "member": m.name, "message": nameOf(err) + ": " + err.Error()})
}
