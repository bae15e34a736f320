package main

import (
	"bufio"
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
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

// Each goroutine waits for the context, too, as Go's do that can be cancelled.
func cancelStorm(name string, n int) {
	never := make(chan int)
	best := 1e300
	for range 5 {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		var blocked, ended atomic.Int64
		for i := range n {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if i%2 == 0 {
					blocked.Add(1)
					select {
					case <-never:
					case <-ctx.Done():
						ended.Add(1)
					}
					return
				}
				t := time.NewTimer(time.Hour)
				defer t.Stop()
				blocked.Add(1)
				select {
				case <-t.C:
				case <-ctx.Done():
					ended.Add(1)
				}
			}()
		}
		for blocked.Load() < int64(n) {
			runtime.Gosched()
		}
		time.Sleep(10 * time.Millisecond) // the last are in their select by then
		t0 := time.Now()
		cancel()
		wg.Wait()
		best = min(best, per(t0, n))
		if ended.Load() != int64(n) {
			fail(name, "a goroutine ended otherwise")
		}
	}
	out(name, best, "ns")
	out(name+"_ended", float64(n), "tasks")
}

// A "KEY: N kB" line of /proc/self/status in bytes.
func statusBytes(key string) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		fail("parked", err.Error())
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), key+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb * 1024
		}
	}
	return 0
}

func parked(name string, n int) {
	never := make(chan int)
	var up atomic.Int64
	rss, pte := statusBytes("VmRSS"), statusBytes("VmPTE")
	for range n {
		go func() { up.Add(1); <-never }()
	}
	for up.Load() < int64(n) {
		runtime.Gosched()
	}
	out(name, (statusBytes("VmRSS")-rss)/float64(n), "B/task")
	out(name+"_pte", (statusBytes("VmPTE")-pte)/float64(n), "B/task")
	os.Exit(0) // taking them down is not the question
}
