package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var resp = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")

// Counts complete request heads in the bytes; *st carries over.
func feed(st *int, b []byte) (k int) {
	s := *st
	for _, c := range b {
		switch c {
		case '\r':
			if s == 2 {
				s = 3
			} else {
				s = 1
			}
		case '\n':
			if s == 1 {
				s = 2
			} else {
				if s == 3 {
					k++
				}
				s = 0
			}
		default:
			s = 0
		}
	}
	*st = s
	return
}

func serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	st := 0
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		for range feed(&st, buf[:n]) {
			if _, err := c.Write(resp); err != nil {
				return
			}
		}
	}
}

// One listener; the scheduler spreads the goroutines. (Accepted sockets have TCP_NODELAY by default.)
func http(port int) {
	if len(os.Args) > 3 {
		threads, _ := strconv.Atoi(os.Args[3])
		runtime.GOMAXPROCS(threads)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		fail("http", err.Error())
	}
	for {
		c, err := l.Accept()
		if err != nil {
			fail("http", err.Error())
		}
		go serve(c)
	}
}

const message = 1 << 20

// Messages of 1 MiB from one goroutine to another over loopback TCP; the scheduler places them.
func stream(name string, n int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(name, err.Error())
	}
	from, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fail(name, err.Error())
	}
	to, err := l.Accept()
	if err != nil {
		fail(name, err.Error())
	}
	// As the other programs' sockets, which leave it as the system has it.
	from.(*net.TCPConn).SetNoDelay(false)
	for _, messages := range []int{n/20 + 1, n} {
		var wg sync.WaitGroup
		c0, t0 := cpuMs(), time.Now()
		wg.Add(2)
		go func() {
			msg := make([]byte, message)
			for range messages {
				if _, err := from.Write(msg); err != nil {
					fail(name, err.Error())
				}
			}
			wg.Done()
		}()
		go func() {
			msg := make([]byte, message)
			for range messages {
				if _, err := io.ReadFull(to, msg); err != nil {
					fail(name, err.Error())
				}
			}
			wg.Done()
		}()
		wg.Wait()
		if messages == n {
			wall, cpu := time.Since(t0), cpuMs()-c0
			out(name, float64(n)*message*1e3/float64(wall), "MB/s")
			out(name+"_cpu", cpu*1e6/float64(n*message/1024), "ns/KiB")
		}
	}
}

const block = 4096

// Random blocks of a file by 64 goroutines for `ms` milliseconds.
func pread(name string, ms int) {
	if len(os.Args) < 4 {
		fail(name, "pread4k MS FILE")
	}
	flags := os.O_RDONLY
	if name == "pread4k_direct" {
		flags |= syscall.O_DIRECT
	}
	f, err := os.OpenFile(os.Args[3], flags, 0)
	if err != nil {
		skip(name, err.Error())
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size < block {
		fail(name, "an empty file")
	}
	var sum atomic.Int64
	var cpu float64
	var t0 time.Time
	for _, length := range []int{ms / 20, ms} {
		var wg sync.WaitGroup
		sum.Store(0)
		cpu, t0 = cpuMs(), time.Now()
		end := t0.Add(time.Duration(length) * time.Millisecond)
		for i := range 64 {
			wg.Add(1)
			go func() {
				x, n := uint64(i)*0x9e3779b97f4a7c15+42, 0
				// O_DIRECT wants it aligned.
				room := make([]byte, 2*block)
				at := block - int(uintptr(unsafe.Pointer(&room[0]))%block)
				buf := room[at : at+block]
				for {
					for range 64 { // a clock reading for each would be seen
						x = x*6364136223846793005 + 1442695040888963407
						if _, err := f.ReadAt(buf, int64((x>>20)%uint64(size/block))*block); err != nil {
							fail(name, err.Error())
						}
						n++
					}
					if !time.Now().Before(end) {
						break
					}
				}
				sum.Add(int64(n))
				wg.Done()
			}()
		}
		wg.Wait()
	}
	wall := time.Since(t0).Seconds()
	cpu = cpuMs() - cpu
	out(name, float64(sum.Load())/wall, "reads/s")
	out(name+"_cpu", cpu*1e3/float64(sum.Load()), "us")
}
