// Go. bench NAME [N]; http PORT THREADS. As many OS threads as GOMAXPROCS says. What waits is in late.go, I/O
// in io.go, channels in chan.go.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func out(name string, v float64, unit string) { fmt.Printf("%s %.2f %s\n", name, v, unit) }
func fail(name, why string) {
	fmt.Fprintf(os.Stderr, "%s: FAILED: %s\n", name, why)
	os.Exit(1)
}
func skip(name, why string) {
	fmt.Fprintf(os.Stderr, "%s: skipped: %s\n", name, why)
	os.Exit(3)
}
func cpuMs() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
}
func per(t0 time.Time, n int) float64 { return float64(time.Since(t0)) / float64(n) }

func yieldsOnce(tasks, k int) time.Duration {
	var arrived, done atomic.Int64
	var t0 time.Time
	var took time.Duration
	var wg sync.WaitGroup
	for range tasks {
		wg.Add(1)
		go func() {
			if arrived.Add(1) == int64(tasks) {
				t0 = time.Now()
			}
			for arrived.Load() < int64(tasks) {
				runtime.Gosched()
			}
			for range k {
				runtime.Gosched()
			}
			if done.Add(1) == int64(tasks) {
				took = time.Since(t0)
			}
			wg.Done()
		}()
	}
	wg.Wait()
	return took
}

func yields(name string, tasks, n int) {
	yieldsOnce(tasks, n/20/tasks+1)
	k := n/tasks + 1
	out(name, float64(yieldsOnce(tasks, k))/float64(k*tasks), "ns")
}

func spawnJoin(name string, n int) {
	var wg sync.WaitGroup
	var t0 time.Time
	for i := range n + n/20 {
		if i == n/20 {
			t0 = time.Now()
		}
		wg.Add(1)
		go wg.Done()
		wg.Wait()
	}
	out(name, per(t0, n), "ns")
}

func spawnBatch(name string, n int) {
	best := 1e300
	for range 5 {
		var wg sync.WaitGroup
		t0 := time.Now()
		wg.Add(n)
		for range n {
			go wg.Done()
		}
		wg.Wait()
		best = min(best, per(t0, n))
	}
	out(name, best, "ns")
}

func spawnMtOnce(n int, flood bool) float64 {
	var wg sync.WaitGroup
	t0 := time.Now()
	wg.Add(n / 2 * 2)
	for range 2 {
		go func() {
			for i := range n / 2 {
				go wg.Done()
				if i%64 == 63 && !flood {
					runtime.Gosched()
				}
			}
		}()
	}
	wg.Wait()
	return per(t0, n)
}
func spawnMt(name string, n int) {
	spawnMtOnce(n/10, false)
	out(name, spawnMtOnce(n, false), "ns")
	out(name+"_flood", spawnMtOnce(n/10, true), "ns")
}

func sky(c chan int, num, size int) {
	if size == 1 {
		c <- num
		return
	}
	rc := make(chan int, 10)
	for i := range 10 {
		go sky(rc, num+i*(size/10), size/10)
	}
	sum := 0
	for range 10 {
		sum += <-rc
	}
	c <- sum
}
func skynet(name string, n int) {
	for r := range 2 {
		c := make(chan int, 1)
		t0 := time.Now()
		go sky(c, 0, n)
		if <-c != n*(n-1)/2 {
			fail(name, "wrong sum")
		}
		if r == 1 {
			out(name, float64(time.Since(t0))/1e6, "ms")
		}
	}
}

func mutexFree(name string, n int) {
	var mu sync.Mutex
	count := 0
	var t0 time.Time
	for i := range n + n/20 {
		if i == n/20 {
			t0 = time.Now()
		}
		mu.Lock()
		count++
		mu.Unlock()
	}
	out(name, per(t0, n), "ns")
	if count != n+n/20 {
		fail(name, "wrong count")
	}
}

func mutex64(name string, n int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	t0 := time.Now()
	for range 64 {
		wg.Add(1)
		go func() {
			for range n / 64 {
				mu.Lock()
				count++
				mu.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	if count != n/64*64 {
		fail(name, "wrong count")
	}
	out(name, per(t0, count), "ns")
}

func mutex64Fair(name string, ms int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var begun atomic.Int64
	var begin, stop atomic.Bool
	var turns [64]int
	count := 0
	for i := range turns {
		wg.Add(1)
		go func() {
			begun.Add(1)
			for !begin.Load() {
				time.Sleep(time.Millisecond)
			}
			mine := 0
			for !stop.Load() {
				mu.Lock()
				count++
				mu.Unlock()
				mine++
			}
			turns[i] = mine
			wg.Done()
		}()
	}
	for begun.Load() < 64 {
		time.Sleep(time.Millisecond)
	}
	begin.Store(true)
	t0 := time.Now()
	time.Sleep(time.Duration(ms) * time.Millisecond)
	stop.Store(true)
	wg.Wait()
	took := time.Since(t0)
	least, most := turns[0], turns[0]
	for _, v := range turns {
		least, most = min(least, v), max(most, v)
	}
	out(name, float64(least)/float64(most), "x")
	out(name+"_turn", float64(took)/float64(count), "ns")
}

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	name := os.Args[1]
	n := func(d int) int {
		if len(os.Args) > 2 {
			d, _ = strconv.Atoi(os.Args[2])
		}
		return d
	}
	switch name {
	case "http":
		http(n(8080))
	case "yield2":
		yields(name, 2, n(20000000))
	case "yield1k":
		yields(name, 1000, n(20000000))
	case "yield100k":
		yields(name, 100000, n(20000000))
	case "spawn_join":
		spawnJoin(name, n(2000000))
	case "spawn_batch":
		spawnBatch(name, n(100000))
	case "spawn_mt":
		spawnMt(name, n(1000000))
	case "skynet":
		skynet(name, n(1000000))
	case "pingpong":
		pingpong(name, n(5000000), false)
	case "pingpong_x":
		pingpong(name, n(100000), true)
	case "chan_1_1":
		shared(name, n(5000000), 1, 1)
	case "chan_n_1":
		shared(name, n(5000000), 8, 1)
	case "chan_n_m":
		shared(name, n(5000000), 8, 8)
	case "chan_pingpong":
		outBest(name, roundTrips(n(5000000)/2, 0, false), roundTrips(n(5000000)/2, 1, false))
	case "chan_pingpong_x":
		outBest(name, roundTrips(n(100000)/2, 0, true), roundTrips(n(100000)/2, 1, true))
	case "select8":
		outBest(name, selected(name, n(2000000)/2, 0), selected(name, n(2000000)/2, 1))
	case "mutex_free":
		mutexFree(name, n(50000000))
	case "mutex64":
		mutex64(name, n(6400000))
	case "mutex64_fair":
		mutex64Fair(name, n(1000))
	case "timers":
		timers(n(100000))
	case "cancel_storm":
		cancelStorm(name, n(10000))
	case "offload":
		skip(name, "code that blocks is called as it is")
	case "blocking64":
		blocking64(name, n(1000))
	case "parked":
		parked(name, n(1000000))
	case "parked30k":
		parked(name, n(30000))
	case "stream1", "stream2":
		stream(name, n(20000))
	case "pread4k", "pread4k_direct":
		pread(name, n(2000))
	default:
		skip(name, "not in this peer")
	}
}
