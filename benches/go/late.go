package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func us(late []time.Duration, q float64) float64 {
	i := min(int(float64(len(late))*q), len(late)-1)
	return float64(late[i]) / 1e3
}

// Each goroutine sleeps once: 64-bit LCG, seed 42.
func timers(n int) {
	x := uint64(42)
	d := make([]time.Duration, n)
	late := make([]time.Duration, n)
	for i := range d {
		x = x*6364136223846793005 + 1442695040888963407
		d[i] = time.Duration((x>>33)%1001) * time.Millisecond
	}
	var wg sync.WaitGroup
	c0, t0 := cpuMs(), time.Now()
	for i := range n {
		wg.Add(1)
		go func() {
			s := time.Now()
			time.Sleep(d[i])
			late[i] = time.Since(s) - d[i]
			wg.Done()
		}()
	}
	wg.Wait()
	wall, cpu := time.Since(t0), cpuMs()-c0
	slices.Sort(late)
	if late[0] < 0 {
		fail("timers", "a sleep ended early")
	}
	out("timers_wall", float64(wall)/1e6, "ms")
	out("timers_cpu", cpu, "ms")
	out("timers_min", us(late, 0), "us")
	out("timers_p50", us(late, 0.5), "us")
	out("timers_p99", us(late, 0.99), "us")
}

// 64 goroutines in a system call that blocks for `ms`; eight sleep a millisecond at a time meanwhile.
func blocking64(name string, ms int) {
	var wg, others sync.WaitGroup
	var over atomic.Bool
	var mu sync.Mutex
	var late []time.Duration
	t0 := time.Now()
	for range 8 {
		others.Add(1)
		go func() {
			var mine []time.Duration
			for !over.Load() {
				s := time.Now()
				time.Sleep(time.Millisecond)
				mine = append(mine, time.Since(s)-time.Millisecond)
			}
			mu.Lock()
			late = append(late, mine...)
			mu.Unlock()
			others.Done()
		}()
	}
	for range 64 {
		wg.Add(1)
		go func() {
			for end := time.Now().Add(time.Duration(ms) * time.Millisecond); ; {
				left := time.Until(end)
				if left <= 0 {
					break
				}
				ts := syscall.NsecToTimespec(int64(left))
				syscall.Nanosleep(&ts, nil) // ends early at a signal, of which the runtime sends some
			}
			wg.Done()
		}()
	}
	wg.Wait()
	wall := time.Since(t0)
	over.Store(true)
	others.Wait()
	slices.Sort(late)
	out(name, us(late, 0.99), "us")
	out(name+"_p50", us(late, 0.5), "us")
	out(name+"_max", us(late, 1), "us")
	out(name+"_wall", float64(wall)/1e6, "ms")
}
