package main

import (
	"runtime"
	"sync"
	"time"
)

// A round trip over two channels of `slots`. Locked: each side on an OS thread of its own.
func roundTrips(n, slots int, locked bool) float64 {
	a, b := make(chan int, slots), make(chan int, slots)
	var wg sync.WaitGroup
	m := n + n/20
	var each float64
	wg.Add(2)
	go func() {
		defer wg.Done()
		if locked {
			runtime.LockOSThread()
		}
		for range m {
			b <- <-a
		}
	}()
	go func() {
		defer wg.Done()
		if locked {
			runtime.LockOSThread()
		}
		var t0 time.Time
		for i := range m {
			if i == n/20 {
				t0 = time.Now()
			}
			a <- i
			<-b
		}
		each = per(t0, n)
	}()
	wg.Wait()
	return each
}

// There is nothing cheaper to wake another goroutine with.
func pingpong(name string, n int, locked bool) { out(name, roundTrips(n, 0, locked), "ns") }

// The better of two ways as NAME, and both by themselves.
func outBest(name string, handOver, oneSlot float64) {
	out(name, min(handOver, oneSlot), "ns")
	out(name+"_0", handOver, "ns")
	out(name+"_1", oneSlot, "ns")
}

func selected(name string, n, slots int) float64 {
	var c [8]chan int
	m := (n + n/20) / 8
	for i := range c {
		c[i] = make(chan int, slots)
		go func() {
			for range m {
				c[i] <- i
			}
		}()
	}
	var t0 time.Time
	var got [8]int
	var v int
	for i := range m * 8 {
		if i == n/20 {
			t0 = time.Now()
		}
		select {
		case v = <-c[0]:
		case v = <-c[1]:
		case v = <-c[2]:
		case v = <-c[3]:
		case v = <-c[4]:
		case v = <-c[5]:
		case v = <-c[6]:
		case v = <-c[7]:
		}
		got[v]++
	}
	each := per(t0, m*8-n/20)
	for _, g := range got {
		if g != m {
			fail(name, "an element was lost")
		}
	}
	return each
}

// `senders` and `receivers` share one channel of 64.
func shared(name string, n, senders, receivers int) {
	c := make(chan int, 64)
	each := n / 64 * 64 / senders
	n = each * senders
	var from, to sync.WaitGroup
	got, sum := make([]int, receivers), make([]int, receivers)
	t0 := time.Now()
	for i := range receivers {
		to.Add(1)
		go func() {
			k, s := 0, 0
			for v := range c {
				k++
				s += v
			}
			got[i], sum[i] = k, s
			to.Done()
		}()
	}
	for i := range senders {
		from.Add(1)
		go func() {
			for v := i * each; v < (i+1)*each; v++ {
				c <- v
			}
			from.Done()
		}()
	}
	from.Wait()
	close(c)
	to.Wait()
	took := time.Since(t0)
	all, total := 0, 0
	for i := range receivers {
		all += got[i]
		total += sum[i]
	}
	if all != n || total != n*(n-1)/2 {
		fail(name, "an element was lost, or came twice")
	}
	out(name, float64(took)/float64(n), "ns")
}
